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
    texts.body, evidence.leaf_hash,
    evidence_personal.evidence_id IS NOT NULL, evidence_personal.wrapped_key, texts.ciphertext,
    CASE WHEN evidence_personal.evidence_id IS NOT NULL AND evidence_personal.wrapped_key IS NULL THEN EXISTS (
        SELECT FROM evidence AS destruction WHERE destruction.subject = 'evidence/' || CAST(evidence.id AS text)
        AND destruction.kind = '{DESTROYED}' AND destruction.outcome = 'DONE'
    ) ELSE false END
"""  # noqa: S608  # the one name put in is DESTROYED above; values from outside are bound where this is used
BODY, CIPHERTEXT = 10, 14
TABLES = """
    evidence LEFT JOIN evidence_personal ON evidence_personal.evidence_id = evidence.id
    LEFT JOIN LATERAL (
        SELECT body, ciphertext FROM evidence_text
        WHERE evidence_text.recorded_at = evidence.recorded_at AND evidence_text.evidence_id = evidence.id OFFSET 0
    ) AS texts ON true
"""
NAMES = (
    "kind",
    "outcome",
    "subject",
    "matter",
    "agency_code",
    "person_id",
    "grant_number",
    "resource_code",
    "recorded_at",
    "id",
    "source",
)
Row = Sequence[Any]
"""An entry as it is stored: ``COLUMNS`` of ``TABLES``, in their order."""


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

    def check(self, row: Row, index: int | None, leaf: bytes) -> None:
        """Check one entry.

        Args:
            row: as `COLUMNS` reads it.
            index: its number in the log; None while it waits.
            leaf: the hash of its text.
        """
        identity, moment, stored_leaf = row[0], row[1], row[BODY + 1]
        if leaf != stored_leaf:
            self._add(
                "leaf_hash_wrong",
                index,
                identity,
                "its column leaf_hash is not the hash of its text",
                leaf,
                stored_leaf,
            )
        try:
            stated, commitment = _stated(row[BODY])
        except (ValueError, TypeError, KeyError, AttributeError):
            self._add("entry_unreadable", index, identity, "its text is not an evidence entry")
            return
        columns = (*row[2:BODY], moment, identity, self._source)
        if stated != columns:
            for name, expected, found in zip(NAMES, stated, columns, strict=True):
                if expected != found:
                    what = f"its column {name} is not what its text says"
                    self._add("column_differs", index, identity, what, expected, found)
        if commitment or row[BODY + 2]:
            self._check_personal(index, identity, commitment, row[BODY + 2 :])

    def without_text(self, row: Row, index: int | None) -> None:
        """Report an entry whose text is nowhere; its columns are there.

        Args:
            row: as `COLUMNS` reads it.
            index: its number in the log; None while it waits.
        """
        self._add("text_missing", index, row[0], "its text is not there")

    def _check_personal(self, index: int | None, identity: str, commitment: str | None, personal: Row) -> None:
        present, wrapped_key, ciphertext, recorded = personal
        if present != bool(commitment):
            what = (
                "its personal details are missing"
                if commitment
                else "personal details lie beside it that it does not state"
            )
            self._add("personal_differs", index, identity, what, commitment or "", "" if commitment else "details")
        elif wrapped_key is None:
            self.report.destroyed += 1
            if not recorded:
                what = f"its personal details were destroyed, and no entry {DESTROYED} records it"
                self._add("personal_destroyed", index, identity, what, commitment, "")
        elif self._seal is None:
            self.report.unopened += 1
        else:
            self._open(self._seal, index, identity, commitment, (wrapped_key, ciphertext))

    def _open(
        self, seal: Seal, index: int | None, identity: str, commitment: str | None, sealed: tuple[bytes, bytes]
    ) -> None:
        self.report.opened += 1
        try:
            found = hashlib.sha256(seal.open(uuid.UUID(identity), *sealed)).hexdigest()
        except ValueError as error:
            self._add("personal_differs", index, identity, f"its personal details cannot be opened: {error}")
            return
        if found != commitment:
            what = "its personal details are not those that it commits to"
            self._add("personal_differs", index, identity, what, commitment, found)

    def _add(
        self, code: str, index: int | None, identity: str, what: str, expected: object = "", found: object = ""
    ) -> None:
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


def _stated(body: bytes) -> tuple[tuple[object, ...], str | None]:
    """What an entry's text says about its columns, in the order of `NAMES`, and its commitment to personal details."""
    envelope = orjson.loads(body)
    data = envelope["data"]
    actor = data["actor"]
    return (
        envelope["type"].removeprefix("cn.shuniu."),
        data["outcome"],
        envelope["subject"],
        data["matter"] or "",
        actor["agency"] or "",
        actor["person"],
        _grant(data["authority"] or ""),
        _resource(data),
        datetime.fromisoformat(envelope["time"]),
        envelope["id"],
        envelope["source"],
    ), data["personal"]


def _grant(authority: str) -> str:
    basis, _, number = authority.partition("/")
    return number[:64] if basis == "grant" else ""


def _resource(data: Mapping[str, Any]) -> str:
    for facts in (data["after"], data["before"]):
        name = facts.get("resource") if facts else None
        if isinstance(name, str):
            return name[:64]
    return ""
