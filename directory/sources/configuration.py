"""Checking what a source's configuration says, before it is kept; secrets never stand in it."""

import re
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from adapters.errors import InvalidInput, Sentence
from adapters.texts import line
from directory.sources.models import Connector
from directory.systems.register import checked_host, checked_port

LONGEST_NAME = 63
"""Bytes of a PostgreSQL identifier."""
LONGEST_SECRET = 200
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030")
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_KEYS = {
    Connector.POSTGRESQL: {"host", "port", "database", "schema", "table", "columns", "partition_column"},
    Connector.CSV: {"object_key", "encoding", "columns", "sha256", "bytes"},
}
_LARGEST_FILE = 2**50


def upload_key(agency_id: uuid.UUID, name: str) -> str:
    """Where an upload of an agency lies in the bucket; a source can only name uploads of its own agency.

    Raises:
        InvalidInput: the name is no plain file name.
    """
    if not _FILE.fullmatch(name) or ".." in name:
        raise wrong("/object_key", "A file name has Latin letters, digits, dots, hyphens and underscores. Rename it.")
    return f"uploads/{agency_id}/{name}"


def checked_configuration(
    connector: Connector,
    agency_id: uuid.UUID,
    config: object,
    required: Collection[str],
    known: Collection[str],
) -> dict[str, Any]:
    """A configuration in the form in which it is kept.

    Args:
        required: field names of the items that the source has to feed.
        known: field names that it may feed.

    Raises:
        InvalidInput: a part is missing, wrong or unknown.
    """
    if not isinstance(config, Mapping):
        raise wrong("/config", "The configuration must be a set of fields.")
    for name in config:
        if name not in _KEYS[connector]:
            raise wrong(
                f"/config/{name}", "A source of this kind has no such field. Remove it; secrets have their own."
            )
    columns = _checked_columns(config.get("columns"), required, known)
    rest = _postgresql(config) if connector is Connector.POSTGRESQL else _csv(agency_id, config)
    return rest | {"columns": columns}


def checked_secrets(connector: Connector, secrets: object) -> dict[str, str]:
    """The secrets of a source: user and password of a database, none of a file.

    Raises:
        InvalidInput: one is missing or too much.
    """
    wanted = ("user", "password") if connector is Connector.POSTGRESQL else ()
    if not isinstance(secrets, Mapping) or set(secrets) != set(wanted):
        raise wrong("/secrets", "A database needs user and password and nothing else; a file needs no secrets.")
    return {name: _secret(secrets[name], f"/secrets/{name}") for name in wanted}


def _secret(value: object, pointer: str) -> str:
    """A secret is kept as it is, spaces at its ends included."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_SECRET or not value.isprintable():
        raise wrong(pointer, "This must be text of 1 to 200 visible characters.")
    return value


def _postgresql(config: Mapping[str, Any]) -> dict[str, Any]:
    checked: dict[str, Any] = {"host": checked_host(config.get("host")), "port": checked_port(config.get("port"))}
    for part in ("database", "schema", "table"):
        checked[part] = _identifier(config.get(part), f"/config/{part}")
    if config.get("partition_column"):
        checked["partition_column"] = _identifier(config["partition_column"], "/config/partition_column")
    return checked


def _csv(agency_id: uuid.UUID, config: Mapping[str, Any]) -> dict[str, Any]:
    key = line(config.get("object_key"), "/config/object_key")
    if key != upload_key(agency_id, key.rsplit("/", 1)[-1]):
        raise wrong("/config/object_key", "This is no upload of your agency. Upload the file first.")
    encoding, digest, size = config.get("encoding", "utf-8"), config.get("sha256"), config.get("bytes")
    if encoding not in ENCODINGS:
        raise wrong("/config/encoding", "The file must be in UTF-8 or GB 18030. Choose one of them.")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise wrong("/config/sha256", "The digest must be 64 hexadecimal digits.")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size < _LARGEST_FILE:
        raise wrong("/config/bytes", "The size must be a whole number of bytes; an empty file holds no data.")
    return {"object_key": key, "encoding": encoding, "sha256": digest, "bytes": size}


def _checked_columns(given: object, required: Collection[str], known: Collection[str]) -> dict[str, str]:
    if not isinstance(given, Mapping):
        raise wrong("/config/columns", "Say for every data item which column of the source feeds it.")
    for name in given:
        if name not in known:
            raise wrong(f"/config/columns/{name}", "The entry has no such data item. Remove it, or correct the name.")
    missing = [name for name in required if name not in given]
    if missing:
        sentence = "No column feeds these data items: {items}. Name a column for each."
        raise wrong("/config/columns", sentence, items=", ".join(missing))
    return {name: _identifier(column, f"/config/columns/{name}") for name, column in given.items()}


def _identifier(value: object, pointer: str) -> str:
    text = line(value, pointer, most=LONGEST_NAME)
    if len(text.encode()) > LONGEST_NAME:
        raise wrong(pointer, "A name in a database has at most 63 bytes. Compare it with the source.")
    return text


def wrong(pointer: str, sentence: str, **context: object) -> InvalidInput:
    """The error for one place of a source's configuration."""
    problem = {"pointer": pointer, "code": "source.configuration", "message": Sentence(sentence, **context)}
    return InvalidInput("source.configuration", sentence, [problem], **context)
