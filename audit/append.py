"""Write one evidence entry in the transaction of what it records (R48 to R51, R120).

An entry is a CloudEvents 1.0 envelope in canonical JSON (RFC 8785). Those bytes are stored and hashed; nothing reads
them back to decide anything. Personal details lie beside the entry, encrypted; the entry holds their commitment.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from adapters.clock import EPOCH, MICROSECOND, system_now
from adapters.errors import Conflict, Terminal
from adapters.prepared import Prepared, insertion
from audit.actor import Actor
from audit.models import Evidence
from audit.personal import Seal, committed
from audit.subjects.blind import BlindIndex
from audit.written import note
from schemas.canonical import canonical_bytes

MAXIMUM_ENTRY = 65_535
LONGEST_NAME = 64
SCHEMA = "shuniu:evidence/1"
_KIND = re.compile(r"^[a-z_]+(\.[a-z_]+)+$")
_COLUMNS = tuple(column.name for column in Evidence.__table__.columns)


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as it was written: the columns of ``audit.models.Evidence`` and its text; a call makes no ORM object."""

    id: uuid.UUID
    recorded_at: datetime
    kind: str
    outcome: str
    subject: str
    matter: str
    agency_code: str
    person_id: uuid.UUID | None
    grant_number: str
    resource_code: str
    body: bytes = field(repr=False)
    leaf_hash: bytes


@dataclass(frozen=True)
class Beside:
    """A row of the caller's room that is inserted by the entry's own statement.

    Attributes:
        insert: SQL as ``adapters.prepared.insertion`` makes it; ``%(id)s`` is the entry's id.
        values: for its other places, whose names must not be those of columns of evidence.
        given: SQL of a query that must give one row, and may lock it, or nothing at all is written. Then ``insert``
            is made for each row of ``given`` too (``adapters.prepared.insertion(..., given="given")``).
    """

    insert: str
    values: Mapping[str, Any]
    given: str = ""


class Unmet(Conflict):
    """What the entry was to rest on (``Beside.given``) is not so, or no longer; nothing was written."""


class EvidenceWriter:
    """What an entry needs from the site: the log's origin, and the key that wraps keys of personal details and makes
    tokens of data subjects.

    Args:
        origin: name of the log, a schema-less URL (C2SP tlog-checkpoint).
        sealing_key: 32 bytes, urlsafe base64.
    """

    def __init__(self, origin: str, sealing_key: str) -> None:
        self.source = f"urn:shuniu:{origin}"
        self.seal = Seal(sealing_key)
        self.blind = BlindIndex(sealing_key)


_writer: list[EvidenceWriter] = []


def configure(origin: str, sealing_key: str) -> None:
    """Set this process's evidence writer; every edge calls it once at its start."""
    _writer[:] = [EvidenceWriter(origin, sealing_key)]


def configured() -> EvidenceWriter:
    """This process's evidence writer.

    Raises:
        Terminal: there is none; ``configure`` was not called.
    """
    if not _writer:
        raise Terminal("evidence.not_configured", "Evidence cannot be written: this process has no evidence writer.")
    return _writer[0]


def append(
    session: Session,
    kind: str,
    subject: str,
    actor: Actor,
    *,
    outcome: str = "DONE",
    matter: str = "",
    authority: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    personal: Mapping[str, Any] | None = None,
    case_time: datetime | None = None,
    beside: Beside | None = None,
    subjects: Collection[bytes] = (),
) -> Written:
    """Add one entry to the caller's transaction, and return it as written.

    Args:
        kind: what happened, dotted, e.g. ``application.submitted``.
        subject: what it happened to, ``noun/identifier``.
        actor: who did it.
        outcome: ``DONE``, ``REFUSED`` or ``FAILED``.
        matter: the case it belongs to (``application/…``), so that a case's timeline can be read.
        authority: on what basis (article, grant, rule set).
        before, after: facts around the change, JSON values without floats that matter and without personal details.
        personal: personal details (names, addresses, data subjects); encrypted beside the entry.
        case_time: the case clock's moment where it matters.
        beside: a row to insert in the same statement, where a round trip counts.
        subjects: tokens of the data subjects that it concerns (``BlindIndex.token``), or an extract's id as bytes; it
            is found by them, and they are written in the same statement.

    Raises:
        Terminal: the writer is not configured, the kind is none, or the entry is over 65,535 bytes.
        Unmet: ``beside.given`` gave no row.
    """
    writer = configured()
    moment = system_now()
    identity = entry_id(moment)
    commitment, opening = _details(actor, personal)
    facts = _facts(matter, authority, before, after, case_time)
    data = {"outcome": outcome, "actor": _stated(actor), **facts, "personal": commitment or None}
    body = _envelope(writer, identity, moment, kind, subject, data)
    entry = Written(
        id=identity,
        recorded_at=moment,
        kind=kind,
        outcome=outcome,
        subject=subject,
        matter=matter,
        agency_code=actor.agency_code,
        person_id=actor.person_id,
        grant_number=_grant(authority),
        resource_code=_resource(after, before),
        body=body,
        leaf_hash=hashlib.sha256(b"\x00" + body).digest(),
    )
    _insert(session, writer, entry, opening, beside, sorted(set(subjects)))
    note(session, entry.leaf_hash)
    return entry


def entry_id(moment: datetime) -> uuid.UUID:
    """A new entry's id: a UUID of version 7 (RFC 9562, 5.7) whose next 12 bits are the moment's microseconds.

    Entries that are written together lie together in every index by id, however many there are.
    """
    milliseconds, microseconds = divmod((moment - EPOCH) // MICROSECOND, 1000)
    chance = int.from_bytes(os.urandom(8), "big") >> 2
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | (microseconds * 4096 // 1000) << 64 | 2 << 62 | chance)


def _envelope(
    writer: EvidenceWriter, identity: uuid.UUID, moment: datetime, kind: str, subject: str, data: Mapping[str, Any]
) -> bytes:
    """The entry as CloudEvents 1.0 in canonical JSON; its format is final."""
    if not _KIND.match(kind):
        raise Terminal("evidence.bad_kind", "{kind} is not the name of a kind of evidence.", kind=kind)
    body = canonical_bytes(
        {
            "specversion": "1.0",
            "id": str(identity),
            "source": writer.source,
            "type": f"cn.shuniu.{kind}",
            "time": _rfc3339(moment),
            "subject": subject,
            "datacontenttype": "application/json",
            "dataschema": SCHEMA,
            "data": data,
        }
    )
    if len(body) > MAXIMUM_ENTRY:
        raise Terminal("evidence.too_large", "The evidence entry is {size} bytes; at most 65,535 fit.", size=len(body))
    return body


def _details(actor: Actor, personal: Mapping[str, Any] | None) -> tuple[str, bytes]:
    """The commitment to the personal details and the bytes that open it; empty ones where there are no details."""
    details = {k: v for k, v in {"name": actor.name, "address": actor.address, **(personal or {})}.items() if v}
    return committed(details) if details else ("", b"")


def _facts(
    matter: str,
    authority: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    case_time: datetime | None,
) -> dict[str, Any]:
    return {
        "matter": matter or None,
        "authority": authority or None,
        "before": dict(before) if before is not None else None,
        "after": dict(after) if after is not None else None,
        "case_time": _rfc3339(case_time) if case_time else None,
    }


def _stated(actor: Actor) -> dict[str, Any]:
    return {
        "person": str(actor.person_id) if actor.person_id else None,
        "agency": actor.agency_code or None,
        "roles": sorted(actor.roles),
        "client": actor.client_id or None,
    }


def _grant(authority: str) -> str:
    """Number of the grant that an entry rests on."""
    return authority[6 : 6 + LONGEST_NAME] if authority.startswith("grant/") else ""


def _resource(*facts: Mapping[str, Any] | None) -> str:
    """The resource that an entry's facts name, of those after the change first."""
    named = (each["resource"] for each in facts if each is not None and "resource" in each)
    return next((name[:LONGEST_NAME] for name in named if isinstance(name, str)), "")


def _insert(
    session: Session,
    writer: EvidenceWriter,
    entry: Written,
    opening: bytes,
    beside: Beside | None,
    tokens: list[bytes],
) -> None:
    """Write the entry, its sealed details, its data subjects and its place in the queue, in one statement."""
    wrapped_key, ciphertext = writer.seal.close(entry.id, opening) if opening else (None, None)
    values = {name: getattr(entry, name) for name in (*_COLUMNS, "body")}
    more = {**(beside.values if beside else {}), **({"tokens": tokens} if tokens else {})}
    statement = _statement(beside.insert if beside else "", beside.given if beside else "", indexed=bool(tokens))
    if not statement.run(session, **values, **more, wrapped_key=wrapped_key, ciphertext=ciphertext):
        raise Unmet("evidence.unmet", "What this rests on has changed meanwhile, so nothing was recorded. Try again.")


@cache
def _statement(beside: str, given: str, *, indexed: bool) -> Prepared:
    first, source = (f"given AS ({given}), ", "given") if given else ("", "")
    more = f", beside AS ({beside})" if beside else ""
    more += f", subjects AS ({_subjects(source)})" if indexed else ""
    return Prepared(
        f"""
        WITH {first}entry AS ({insertion("evidence", _COLUMNS, given=source)}), told AS (
            INSERT INTO evidence_text (recorded_at, evidence_id, body, ciphertext)
            SELECT %(recorded_at)s, %(id)s, %(body)s, %(ciphertext)s::bytea {f"FROM {source}" if source else ""}
        ), details AS (
            INSERT INTO evidence_personal (evidence_id, wrapped_key)
            SELECT %(id)s, %(wrapped_key)s::bytea {f"FROM {source}" if source else ""}
            WHERE %(wrapped_key)s::bytea IS NOT NULL
        ){more}
        INSERT INTO evidence_queue (evidence_id, queued_at)
        SELECT %(id)s, %(recorded_at)s {f"FROM {source}" if source else ""}
        """  # noqa: S608  # made of the tables' column names and of the rooms' own SQL
    )


def _subjects(source: str) -> str:
    return f"""
        INSERT INTO evidence_subject (token, recorded_at, evidence_id)
        SELECT concerned.token, %(recorded_at)s, %(id)s
        FROM unnest(%(tokens)s::bytea[]) AS concerned (token){f", {source}" if source else ""}
    """  # noqa: S608  # made of the name of a subquery


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
