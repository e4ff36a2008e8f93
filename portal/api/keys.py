"""The hub's public keys: what it signs packages with, and what verifies its evidence log."""

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Blueprint

from audit.log_keys import log_keys
from portal.access import PUBLIC
from portal.api.endpoint import endpoint, version_one
from portal.edge import portal_settings

blueprint: Blueprint = version_one("keys")
KEYS = {
    "type": "object",
    "properties": {
        "hub": {
            "type": "object",
            "properties": {"algorithm": {"type": "string"}, "public_key": {"type": "string"}},
        },
        "log": {
            "type": "object",
            "properties": {
                "origin": {"type": "string"},
                "verifier_key": {"type": "string"},
                "ml_dsa_verifier_key": {"type": "string"},
                "promise_verifier_key": {"type": "string", "description": "Signs promises, bundles and exports"},
            },
        },
    },
}


@blueprint.get("/keys")
@endpoint("The hub's public keys", response=KEYS, admits=PUBLIC)
def show() -> dict[str, Any]:
    """Compare them with what the operator told you by another way before you trust them."""
    settings = portal_settings()
    settings.require("hub_key")
    hub = Ed25519PrivateKey.from_private_bytes(base64.b64decode(settings.hub_key))
    log = log_keys(settings)
    return {
        "hub": {
            "algorithm": "Ed25519",
            "public_key": base64.b64encode(hub.public_key().public_bytes_raw()).decode(),
        },
        "log": {
            "origin": settings.log_origin,
            "verifier_key": str(log.log),
            "ml_dsa_verifier_key": str(log.second or ""),
            "promise_verifier_key": str(log.promises or ""),
        },
    }
