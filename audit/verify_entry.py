"""Verification of single entries: columns against the text, personal details against their commitment."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from audit.merkle import leaf_hash
from audit.personal import Seal
from audit.report import Finding, Report, reason_of
from schemas.canonical import canonical_bytes

DESTROYED = "personal.destroyed"
"""Kind of the entry that records the destruction of an entry's personal details; its subject is ``evidence/<id>``."""
COLUMNS = f"""
    CAST(evidence.id AS text), evidence.recorded_at, evidence.kind, evidence.outcome, evidence.subject, evidence.matter,
    evidence.agency_code, CAST(evidence.person_id AS text), evidence.grant_number, evidence.resource_code,
    evidence.leaf_hash, evidence_personal.evidence_id IS NOT NULL, evidence_personal.wrapped_key,
    CASE WHEN evidence_personal.evidence_id IS NOT NULL AND evidence_personal.wrapped_key IS NULL THEN EXISTS (
        SELECT FROM evidence AS destruction WHERE destruction.subject = 'evidence/' || CAST(evidence.id AS text)
        AND destruction.kind = '{DESTROYED}' AND destruction.outcome = 'DONE'
    ) ELSE false END
"""  # noqa: S608  # the one name put in is DESTROYED above; values from outside are bound where this is used
ID, MOMENT, FACTS, LEAF_HASH, PRESENT, BODY, CIPHERTEXT = 2, 3, slice(2, 12), 12, 13, 16, 17
"""Places in a row; the facts are those columns that the text states too, as `NAMES` has them."""
TABLES = "evidence LEFT JOIN evidence_personal ON evidence_personal.evidence_id = evidence.id"
NAMES = (
    "id",
    "recorded_at",
    "kind",
    "outcome",
    "subject",
    "matter",
    "agency_code",
    "person_id",
    "grant_number",
    "resource_code",
)
Row = Sequence[Any]
"""An entry as it is stored: its number (None while it waits), the id that the number was given to, ``COLUMNS`` of
``TABLES``, its text and its ciphertext."""


class EntryCheck:
    """Checks entries one by one and reports what is wrong.

    Args:
        origin: the log's name; every entry states it as its source.
        seal: opens personal details; None leaves them unopened.
        report: where findings and counts go.
    """

    def __init__(self, origin: str, seal: Seal | None, report: Report) -> None:
        self._source = f"urn:shuniu:{origin}"
        self._seal = seal
        self.report = report

    def check(self, row: Row, leaf: bytes) -> None:
        """Check one entry; whatever brings that down is a finding, and the other entries go on.

        Args:
            row: the entry as it is stored.
            leaf: the hash of its text.
        """
        try:
            self._check(row, leaf)
        except Exception as error:  # what is stored may be falsified in ways that nobody thought of
            self._add("verification_failed", row, f"it could not be verified to the end: {reason_of(error)}")

    def _check(self, row: Row, leaf: bytes) -> None:
        if leaf != row[LEAF_HASH]:
            what = "its column leaf_hash is not the hash of its text"
            self._add("leaf_hash_wrong", row, what, leaf, row[LEAF_HASH])
        try:
            envelope = orjson.loads(row[BODY])
            stated, source, commitment = _stated(envelope)
        except (ValueError, TypeError, KeyError, AttributeError):
            self._add("entry_unreadable", row, "its text is not an evidence entry")
            return
        if not _is_canonical(envelope, row[BODY]):
            self._add("entry_not_canonical", row, "its text is not canonical JSON, so others may read it otherwise")
        if stated != row[FACTS] or source != self._source:
            columns = zip((*NAMES, "source"), (*stated, source), (*row[FACTS], self._source), strict=True)
            for name, expected, found in columns:
                if expected != found:
                    self._add("column_differs", row, f"its column {name} is not what its text says", expected, found)
        if commitment or row[PRESENT]:
            self._check_personal(row, commitment)

    def missing(self, row: Row) -> None:
        """Report an entry that is not there; its number, or its place among those that wait, is.

        Args:
            row: the entry as it is stored.
        """
        index, identity = row[:ID]
        sentence = f"{entry_name(index, identity)} is not there; its {'number' if index is not None else 'place'} is."
        self.report.add(Finding("entry_missing", sentence, index, known(identity), "an entry"))

    def again(self, row: Row) -> None:
        """Report that an entry, a text of it, its number, its place or the key of its details is there once more."""
        self._add("entry_twice", row, "it, or what belongs to it, is there more than once")
        if row[BODY] is not None:
            self.check(row, leaf_hash(row[BODY]))

    def without_text(self, row: Row) -> None:
        """Report an entry whose text is nowhere; its columns are there.

        Args:
            row: the entry as it is stored.
        """
        if isinstance(row[MOMENT], datetime):
            self._add("text_missing", row, "its text is not there")
        else:
            what = "its column recorded_at is no moment, and its text is not found by it"
            self._add("column_differs", row, what, "a moment", row[MOMENT])

    def _check_personal(self, row: Row, commitment: str | None) -> None:
        present, wrapped_key, recorded = row[PRESENT:BODY]
        if present != bool(commitment):
            what = (
                "its personal details are missing"
                if commitment
                else "personal details lie beside it that it does not state"
            )
            self._add("personal_differs", row, what, commitment or "", "" if commitment else "details")
        elif wrapped_key is None:
            self.report.destroyed += 1
            if not recorded:
                what = f"its personal details were destroyed, and no entry {DESTROYED} records it"
                self._add("personal_destroyed", row, what, commitment, "")
        elif self._seal is None:
            self.report.unopened += 1
        elif row[CIPHERTEXT] is None:
            self._add("personal_differs", row, "its personal details are missing", commitment or "")
        else:
            self._open(self._seal, row, commitment, wrapped_key)

    def _open(self, seal: Seal, row: Row, commitment: str | None, wrapped_key: bytes) -> None:
        self.report.opened += 1
        try:
            found = hashlib.sha256(seal.open(uuid.UUID(row[ID]), wrapped_key, row[CIPHERTEXT])).hexdigest()
        except ValueError as error:
            self._add("personal_differs", row, f"its personal details cannot be opened: {error}")
            return
        if found != commitment:
            what = "its personal details are not those that it commits to"
            self._add("personal_differs", row, what, commitment, found)

    def _add(self, code: str, row: Row, what: str, expected: object = "", found: object = "") -> None:
        index, identity = row[0], row[ID]
        sentence = f"{entry_name(index, identity)}: {what}."
        self.report.add(Finding(code, sentence, index, known(identity), shown(expected), shown(found)))


def entry_name(index: int | None, identity: str | None) -> str:
    """How findings call an entry."""
    name = identity or "without an id"
    return f"Entry {name}, which waits to be numbered" if index is None else f"Entry {index} ({name})"


def known(identity: str | None) -> uuid.UUID | None:
    """An id as the database has it in text; none where there is none."""
    return uuid.UUID(identity) if identity else None


def shown(value: object) -> str:
    """A value as findings show it: hashes in hex, moments in ISO 8601, nothing as an empty text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)


def _is_canonical(value: Any, body: bytes) -> bool:
    """Whether a text is the one canonical text (RFC 8785) of what it says: no name twice, nothing between."""
    try:
        # Sorted orjson is canonical but for floats and rare names, and much faster.
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == body or canonical_bytes(value) == body
    except (ValueError, TypeError, RecursionError):
        return False


def _stated(envelope: Mapping[str, Any]) -> tuple[Row, str, str | None]:
    """What an entry's text says: its columns in the order of `NAMES`, its source, its commitment to details."""
    data = envelope["data"]
    actor = data["actor"]
    facts = (
        envelope["id"],
        datetime.fromisoformat(envelope["time"]),
        envelope["type"].removeprefix("cn.shuniu."),
        data["outcome"],
        envelope["subject"],
        data["matter"] or "",
        actor["agency"] or "",
        actor["person"],
        _grant(data["authority"] or ""),
        _resource(data),
    )
    return facts, envelope["source"], data["personal"]


def _grant(authority: str) -> str:
    basis, _, number = authority.partition("/")
    return number[:64] if basis == "grant" else ""


def _resource(data: Mapping[str, Any]) -> str:
    for facts in (data["after"], data["before"]):
        name = facts.get("resource") if facts else None
        if isinstance(name, str):
            return name[:64]
    return ""
