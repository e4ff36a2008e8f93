"""The entries and documents of an evidence bundle, read strictly: what is not written as a bundle has it is refused."""

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from audit.bundle import wrong

Document = dict[str, Any]
_NEAR = timedelta(minutes=1)
"""How far a document's moment may be from its entry's: one transaction takes the two, one after the other."""
_PREFIX = "cn.shuniu."


@dataclass(frozen=True)
class Entry:
    """An entry that is proved to be in the log.

    Attributes:
        agency: code of the agency that acted.
        after: what it says after the change.
    """

    id: str
    kind: str
    subject: str
    time: datetime
    outcome: str
    agency: str
    matter: str
    authority: str
    after: Document


@dataclass(frozen=True)
class Entries:
    """All entries of a bundle, in the order of the log: a moment may be of a clock that ran ahead."""

    all: Sequence[Entry]

    def of(self, kind: str, subject: str) -> list[Entry]:
        """Entries of a kind about a subject, where what they record was done."""
        return [each for each in self.all if (each.kind, each.subject, each.outcome) == (kind, subject, "DONE")]

    def kinds(self, start: str) -> list[Entry]:
        """Entries of all kinds that begin so."""
        return [each for each in self.all if each.kind.startswith(start)]


def parsed(body: bytes, name: str) -> Entry:
    """Read an entry."""
    said = json_object(body, name)
    data = said.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("actor"), dict):
        raise wrong(name, "is not written as an entry is")
    texts = [said.get("id"), said.get("type"), said.get("subject"), said.get("time"), data.get("outcome")]
    more = [data["actor"].get("agency") or "", data.get("matter") or "", data.get("authority") or ""]
    after = data.get("after") or {}
    if not all(isinstance(each, str) for each in (*texts, *more)) or not isinstance(after, dict):
        raise wrong(name, "is not written as an entry is")
    identity, kind, subject, time, outcome = map(str, texts)
    agency, matter, authority = map(str, more)
    moment = datetime.fromisoformat(time)
    return Entry(identity, kind.removeprefix(_PREFIX), subject, moment, outcome, agency, matter, authority, after)


def document(files: Mapping[str, bytes], name: str, fields: Collection[str] = ()) -> Document:
    """Read a document, which must be there.

    Args:
        fields: it has exactly these, beside a salt; any where none are given.
    """
    if name not in files:
        raise wrong(name, "is missing, and entries speak of it")
    read = json_object(files[name], name)
    return exactly(read, name, fields) if fields else read


def exactly(read: Document, name: str, fields: Collection[str]) -> Document:
    """Refuse a part that says less or more than can be checked."""
    if {*read} - {"salt"} != {*fields}:
        raise wrong(name, "is not written as a bundle has it, or by an older hub")
    return read


def json_object(data: bytes, name: str) -> Document:
    """Read a JSON object."""
    try:
        value = orjson.loads(data)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise wrong(name, "is not a JSON object")
    return value


def listed(value: object, name: str) -> list[Document]:
    """A list of JSON objects."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise wrong(name, "is not written as a bundle has it")
    return value


def decoded(text: object, name: str) -> bytes:
    """The bytes of a base64 text."""
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (ValueError, binascii.Error):
        raise wrong(name, "has a value that is not base64") from None


def require_same(name: str, part: Mapping[str, Any], said: Mapping[str, Any], fields: Collection[str]) -> None:
    """A document says the same as its entry in each of the fields."""
    for field in fields:
        if field not in part or part[field] != said.get(field):
            raise wrong(name, f"differs in {field} from its entry")


def require_near(name: str, moment: object, entry: Entry) -> None:
    """A document's moment is that of its entry."""
    if not isinstance(moment, str) or abs(datetime.fromisoformat(moment) - entry.time) > _NEAR:
        raise wrong(name, "is of another time than its entry")
