"""What of the settings may be told in evidence: nothing that is not declared here, and nothing that opens a door.

Of a secret an id is told, so that exchanging it is an entry like any other change. A new setting belongs to one of
these groups before the tests pass; until then it counts as secret, and not even an id is told.
"""

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
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
"""Told by an id alone, as are addresses with what they have of passwords: so that it is seen when one is exchanged."""
ID = "_id"
_ID_SIZE, _KEY_SIZE = 16, 32
_PURPOSE = b"shuniu evidence, ids of the site's secrets"
UNREADABLE = "unreadable"
_PIECE = 1 << 20


def public(settings: Settings) -> dict[str, Any]:
    """The settings as evidence tells them, by name; JSON values."""
    told: dict[str, Any] = {}
    for names, shown in ((PLAIN, _plain), (FILES, _file), (DATABASES, _database), (ADDRESSES, _address)):
        told |= {name: shown(getattr(settings, name)) for name in names}
    told |= _ids(settings)
    return dict(sorted(told.items()))


def _ids(settings: Settings) -> Iterator[tuple[str, str]]:
    """An id of each secret, of 16 bytes (hex), "" where there is none.

    It is made under a key derived from the sealing key, and over the setting's name too: without that key no password
    can be tried, and equal secrets of two settings have nothing in common.
    """
    key = HKDF(SHA256(), _KEY_SIZE, salt=None, info=_PURPOSE).derive(_octets(settings.sealing_key))
    for name in SECRET | DATABASES | ADDRESSES:
        secret = _octets(getattr(settings, name)) if settings.sealing_key else b""
        made = hmac.digest(key, name.encode() + b"\0" + secret, "sha256")[:_ID_SIZE]
        yield f"{name}{ID}", made.hex() if secret else ""


def _octets(value: str) -> bytes:
    return value.encode(errors="surrogateescape")


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
