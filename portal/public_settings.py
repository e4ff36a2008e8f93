"""What of the settings may be told in evidence: nothing that is not declared here, and nothing that opens a door.

A new setting belongs to one of these groups before the tests pass; until then it counts as secret.
"""

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from adapters.settings import Settings

PLAIN = frozenset(
    {
        "home",
        "s3_bucket",
        "log_bucket",
        "log_prefix",
        "lock_bucket",
        "lock_years",
        "retention_rule",
        "retention_years",
        "hot_months",
        "portal_port",
        "postgres_port",
        "airflow_port",
        "s3_port",
        "log_verifier",
        "log_origin",
        "tsa_policy",
        "city_name",
        "case_clock_turnable",
        "trusted_proxies",
        "upload_limit",
        "body_limit",
        "session_seconds",
        "token_seconds",
        "address_seconds",
        "lockout_failures",
        "lockout_seconds",
        "evidence_grace_seconds",
        "promise_seconds",
    }
)
"""Told as they are."""
FILES = frozenset({"witnesses", "tsa_certificates"})
"""Paths of files: told with the SHA-256 of what lies there."""
DATABASES = frozenset({"database_url", "app_database_url", "sequencer_database_url", "serving_url"})
"""Told as host, port and name, without user and password."""
ADDRESSES = frozenset({"s3_url", "airflow_url", "portal_url", "tsa_url"})
"""Told without user, password, query and fragment."""
SECRET = frozenset(
    {
        "s3_access_key",
        "s3_secret_key",
        "airflow_token",
        "airflow_user",
        "airflow_password",
        "secret_key",
        "sealing_key",
        "log_key",
        "promise_key",
        "hub_key",
    }
)
"""Told by no entry."""
UNREADABLE = "unreadable"
_PIECE = 1 << 20


def public(settings: Settings) -> dict[str, Any]:
    """The settings as evidence tells them, by name; JSON values."""
    told: dict[str, Any] = {}
    for names, shown in ((PLAIN, _plain), (FILES, _file), (DATABASES, _database), (ADDRESSES, _address)):
        told |= {name: shown(getattr(settings, name)) for name in names}
    return dict(sorted(told.items()))


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int) else str(value)


def _file(path: str) -> object:
    if not path:
        return ""
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except OSError:
        return {"path": path, "sha256": UNREADABLE}
    return {"path": path, "sha256": digest.hexdigest()}


def _database(address: str) -> str:
    try:
        url = make_url(address) if address else None
    except (ArgumentError, ValueError):  # its text repeats the address, and is told to nobody
        return UNREADABLE
    if url is None:
        return ""
    asked = url.query.get("host", "")
    host = url.host or (asked if isinstance(asked, str) else ",".join(asked))
    return f"{host}:{url.port or ''}/{url.database or ''}"


def _address(address: str) -> str:
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return UNREADABLE
    if not address:
        return ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}" if parts.hostname else UNREADABLE
