"""What a verification of the log found: the first thing that is wrong, the others, and counts."""

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy.orm import Session

KEPT_FINDINGS = 100
_LONGEST_REASON = 200


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        code: what kind of thing, for programs, e.g. ``entry_changed``.
        sentence: what differs, in English.
        index: number of the entry in the log, where it has one.
        entry_id: the entry's id, where it is about an entry.
        expected: what it should be.
        found: what is stored.
    """

    code: str
    sentence: str
    index: int | None = None
    entry_id: uuid.UUID | None = None
    expected: str = ""
    found: str = ""

    def lines(self) -> Iterator[str]:
        """The finding as text for a terminal."""
        yield plain(self.sentence)
        if self.expected or self.found:
            yield f"  expected: {plain(self.expected) or '(nothing)'}"
            yield f"  found:    {plain(self.found) or '(nothing)'}"


@dataclass
class Report:
    """The outcome of a verification, in the order of the log.

    Attributes:
        origin: the log's name.
        entries: numbered entries that were read.
        waiting: entries that are committed and not yet numbered.
        checkpoints: checkpoints whose signature and root were recomputed.
        signed_twice: those of them that carry a right ML-DSA-44 signature too.
        root: root of the tree, hex, as recomputed from the entries; empty when it cannot be.
        opened: personal details whose commitment was recomputed.
        unopened: personal details that were passed over, because no key was given.
        destroyed: personal details whose key was destroyed.
        archives: archives that were read whole and are as they were written; None when they were left out.
        archived: entries whose text was read from an archive.
        unread: entries whose archive was left out, or expired as recorded; the tree goes on with their stored leaf.
        witnesses: the size that each witness of the policy agreed to last, by name, as its cosignature proves; none
            without a policy.
        agreed_size: the size that enough of them agree to.
        lost: ranges of numbers (start, end) whose texts a backup that was put back has cost, and the number of the
            entry that declares it, None while that waits; no finding.
        reconciled: discrepancies per reconciler.
        counts: findings per code.
        stamps: time-stamps of the site's authority that are right.
        unchecked_stamps: time-stamps that were passed over, because no authority is named.
        stored: objects in the object store that were as the database has them; None when it was not compared.
        findings: the first findings.
        seconds: how long it took.
    """

    origin: str
    entries: int = 0
    waiting: int = 0
    checkpoints: int = 0
    signed_twice: int = 0
    root: str = ""
    opened: int = 0
    unopened: int = 0
    destroyed: int = 0
    archives: int | None = None
    archived: int = 0
    unread: int = 0
    witnesses: dict[str, int] = field(default_factory=dict)
    agreed_size: int = 0
    lost: list[tuple[int, int, int | None]] = field(default_factory=list)
    reconciled: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    stamps: int = 0
    unchecked_stamps: int = 0
    stored: int | None = None
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.counts

    @property
    def first(self) -> Finding | None:
        """The first thing that is wrong."""
        return self.findings[0] if self.findings else None

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong and nothing is lost either, declared or not."""
        return self.ok and not self.lost

    @contextmanager
    def step(self, session: Session, what: str) -> Iterator[None]:
        """A part of the verification: whatever brings it down is a finding, and the other parts go on.

        Args:
            session: in a transaction, which goes on as it was before the part.
            what: the part, as the finding calls it.
        """
        with self.guarded(what), session.begin_nested():
            yield

    @contextmanager
    def guarded(self, what: str) -> Iterator[None]:
        """A part, as ``step`` has it, that asks the database for nothing."""
        try:
            yield
        except Exception as error:  # what is stored may be falsified in ways that nobody thought of
            self.add(Finding("verification_failed", f"{what} could not be verified to the end: {reason_of(error)}"))

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it if it is among the first."""
        self.counts[finding.code] += 1
        if len(self.findings) < KEPT_FINDINGS:
            self.findings.append(finding)

    def add_lost(self, start: int, end: int, entry: int | None) -> None:
        """Numbers from ``start`` to before ``end`` whose texts are lost, as the entry of that number declares."""
        if self.lost and self.lost[-1][1:] == (start, entry):
            start = self.lost.pop()[0]
        self.lost.append((start, end, entry))

    def lost_lines(self) -> list[str]:
        """The declared losses as text for a terminal."""
        return [
            f"The texts of the entries {start} to {end - 1} are lost, declared by"
            f" {'an entry that waits to be numbered' if entry is None else f'entry {entry}'}; their hashes hold."
            for start, end, entry in self.lost
        ]

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        findings = [asdict(finding) for finding in self.findings]
        for finding in findings:
            finding["entry_id"] = str(finding["entry_id"]) if finding["entry_id"] else None
        return {
            **{name: value for name, value in vars(self).items() if name not in {"findings", "counts"}},
            "ok": self.ok,
            "whole": self.whole,
            "counts": dict(self.counts),
            "findings": findings,
        }


def reason_of(error: Exception) -> str:
    """An error in one short line."""
    reason = str(error).partition("\n")[0][:_LONGEST_REASON]
    return f"{type(error).__name__}: {reason}"


def plain(text: str) -> str:
    """A text for a terminal: what is stored may hold characters that repaint it, or turn the reading direction."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
