"""Verification of single entries: columns against the text, personal details against their commitment."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from audit.personal import Seal
from audit.report import Finding, Report

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
ID, FACTS, LEAF_HASH, BODY, CIPHERTEXT = 2, slice(2, 12), 12, 16, 17
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
        """Check one entry.

        Args:
            row: the entry as it is stored.
            leaf: the hash of its text.
        """
        if leaf != row[LEAF_HASH]:
            what = "its column leaf_hash is not the hash of its text"
            self._add("leaf_hash_wrong", row, what, leaf, row[LEAF_HASH])
        try:
            stated, source, commitment = _stated(row[BODY])
        except (ValueError, TypeError, KeyError, AttributeError):
            self._add("entry_unreadable", row, "its text is not an evidence entry")
            return
        if stated != row[FACTS] or source != self._source:
            columns = zip((*NAMES, "source"), (*stated, source), (*row[FACTS], self._source), strict=True)
            for name, expected, found in columns:
                if expected != found:
                    self._add("column_differs", row, f"its column {name} is not what its text says", expected, found)
        if commitment or row[LEAF_HASH + 1]:
            self._check_personal(row, commitment)

    def without_text(self, row: Row) -> None:
        """Report an entry whose text is nowhere; its columns are there.

        Args:
            row: the entry as it is stored.
        """
        self._add("text_missing", row, "its text is not there")

    def _check_personal(self, row: Row, commitment: str | None) -> None:
        present, wrapped_key, recorded = row[LEAF_HASH + 1 : BODY]
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
        self.report.add(Finding(code, sentence, index, uuid.UUID(identity), shown(expected), shown(found)))


def entry_name(index: int | None, identity: str) -> str:
    """How findings call an entry."""
    return f"Entry {identity}, which waits to be numbered" if index is None else f"Entry {index} ({identity})"


def shown(value: object) -> str:
    """A value as findings show it: hashes in hex, moments in ISO 8601, nothing as an empty text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)


def _stated(body: bytes) -> tuple[Row, str, str | None]:
    """What an entry's text says: its columns in the order of `NAMES`, its source, its commitment to details."""
    envelope = orjson.loads(body)
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
