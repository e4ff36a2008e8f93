"""Verification of the whole log from what is stored (R48, R51): a code path of its own, apart from the writer's.

Every leaf is recomputed from the entry's text, every tile and every checkpoint's root from the leaves, and every
signature is checked. Then come what waits, what is lost, and what the rooms' reconcilers say about the business tables.
What only an outsider can see, a log that was cut back as a whole, shows against a checkpoint that was kept elsewhere.
"""

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from adapters.errors import Transient
from adapters.object_lock import LockedStore
from audit.archive.verify import ArchiveCheck
from audit.checkpoint import open_checkpoint
from audit.correction.declared import corrections
from audit.keys import VerifierKey
from audit.merkle import leaf_hash
from audit.models import LOG_LOCK
from audit.personal import Seal
from audit.reconcile import Reconciler
from audit.report import Finding, Report
from audit.restoration.declared import Loss, declared_losses
from audit.verify_entry import BODY, ID, EntryCheck, known, shown
from audit.verify_read import LogReader, Piece
from audit.verify_strays import find_strays, find_without_entry
from audit.verify_tree import CheckpointCheck, StoredCheckpoint, TreeCheck, stored_leaf

SNAPSHOTS = {"repeatable read", "serializable"}


def verify_log(
    session: Session,
    public_key: VerifierKey,
    origin: str,
    reconcilers: Mapping[str, Reconciler],
    *,
    seal: Seal | None = None,
    kept: str = "",
    second: VerifierKey | None = None,
    locked: LockedStore | None = None,
) -> Report:
    """Verify the log as the session's transaction sees it.

    In a transaction that is no snapshot (READ COMMITTED) the sequencer stands still until the transaction ends; for a
    large log begin one with REPEATABLE READ.

    Args:
        session: reads the tables of the log and those of the reconcilers.
        public_key: verifies checkpoints.
        origin: the log's name.
        reconcilers: by name; `audit.reconcile.registered` gives those of the rooms.
        seal: opens personal details, to check them against their commitments; None passes over them.
        kept: a checkpoint of this log that was kept elsewhere; the log must continue it.
        second: the log's ML-DSA-44 key; None passes over those signatures.
        locked: where archives are; None leaves them out, and their entries' texts.

    Raises:
        InvalidInput: ``kept`` is not a checkpoint of this log.
    """
    began = time.perf_counter()
    report = Report(origin)
    outside = open_checkpoint(kept, public_key, origin, second) if kept else None
    session.execute(text("LOCK TABLE evidence_text IN ACCESS SHARE MODE"))  # no month is set aside behind the snapshot
    snapshot = session.scalar(text("SHOW transaction_isolation")) in SNAPSHOTS
    if not snapshot:
        session.execute(select(func.pg_advisory_xact_lock_shared(LOG_LOCK)))
    archives = ArchiveCheck(session, locked, report)
    checkpoints = CheckpointCheck(public_key, origin, report, second)
    walk = _Walk(session, checkpoints, EntryCheck(origin, seal, report), archives)
    if outside:
        walk.kept = StoredCheckpoint(outside.size, outside.root, kept)
    with report.step(session, "The archives"):
        archives.chain()
    with report.step(session, "What was declared lost"):
        walk.losses = declared_losses(session)
        checkpoints.taken_over = {loss.end for loss in walk.losses}
        checkpoints.corrected = corrections(session)
    with report.step(session, "The numbered entries"):
        walk.numbered()
    with report.step(session, "The entries that wait"):
        walk.waiting()
    with report.step(session, "The entries without a number"):
        walk.lost()
    with report.step(session, "What belongs to no entry"):
        walk.strays(snapshot=snapshot)
    _reconcile(session, reconcilers, report)
    report.seconds = time.perf_counter() - began
    return report


class _Walk:
    """One pass over the log, from its first entry to its last."""

    def __init__(
        self, session: Session, checkpoints: CheckpointCheck, entries: EntryCheck, archives: ArchiveCheck
    ) -> None:
        self.kept: StoredCheckpoint | None = None
        self.losses: tuple[Loss, ...] = ()
        self._report = report = entries.report
        self._session = session
        self._reader = LogReader(session)
        self._entries = entries
        self._archives = archives
        self._tree = TreeCheck(report)
        self._checkpoints = checkpoints
        self._place = 0
        self._lacking: Counter[Loss] = Counter()

    def numbered(self) -> None:
        """Check numbered entries, tiles and checkpoints."""
        with closing(self._reader.pieces(max((loss.end for loss in self.losses), default=0))) as pieces:
            for piece in pieces:
                with self._report.guarded(f"The entries {piece.start} to {piece.end - 1}"):
                    self._piece(self._with_archived(piece))
                if self._place < piece.end:
                    self._place, self._tree.whole = piece.end, False
        self._more_than_declared()
        for stored in self._reader.later_checkpoints(self._place):
            self._checkpoints.check(stored, self._tree)
        self._check_kept(self._place, at_end=True)
        if self._checkpoints.last_size < self._place:
            self._report.add(
                Finding(
                    "unsigned_entries",
                    f"Entries from {self._checkpoints.last_size} on have numbers and are in no signed checkpoint.",
                    self._checkpoints.last_size,
                    None,
                    f"{self._checkpoints.last_size} entries",
                    f"{self._place} entries",
                )
            )
        with self._report.step(self._session, "The tiles"):
            self._tree.check_upper_tiles(self._reader.upper_tiles())
            self._tree.check_last_tile(self._reader.width_of_tiles())
        self._report.root = self._tree.root().hex() if self._tree.whole else ""

    def waiting(self) -> None:
        """Check entries that wait to be numbered."""
        last = None
        for row in self._reader.waiting():
            last, before = row[1], last
            self._report.waiting += last != before
            if last == before:
                self._entries.again(row)
            elif row[ID] is None:
                self._entries.missing(row)
            elif row[BODY] is None:
                self._entries.without_text(row)
            else:
                self._entries.check(row, leaf_hash(row[BODY]))

    def lost(self) -> None:
        """Find entries that have no number and do not wait for one."""
        for identity, kind, moment in self._reader.lost():
            name = f"Entry {identity or 'without an id'} ({kind}, {shown(moment)})"
            sentence = f"{name} has no number and does not wait for one."
            self._report.add(Finding("entry_lost", sentence, None, known(identity), "a number"))

    def strays(self, *, snapshot: bool) -> None:
        """Find what lies beside the log and belongs to nothing in it."""
        find_strays(self._session, self._report)
        read = (self._reader.texts, self._reader.details)
        find_without_entry(self._session, self._report, *read, snapshot=snapshot)

    def _piece(self, piece: Piece) -> None:
        if self._at_once(piece):
            return
        due = list(reversed(piece.checkpoints))
        for row in piece.rows:
            index, identity = row[:ID]
            if index < self._place:
                self._entries.again(row)
                continue
            self._missing(index, piece, due)
            self._report.entries += 1
            if row[ID] is None:
                self._entries.missing(row)
                self._tree.skip(piece.tiles)
            elif row[BODY] is None:
                if not self._archives.covers(index):
                    self._entries.without_text(row)
                self._tree.skip(piece.tiles)
            else:
                leaf = leaf_hash(row[BODY])
                self._tree.add(index, identity, leaf, piece.tiles)
                self._entries.check(row, leaf)
            self._advance(due)
        self._missing(piece.end, piece, due)
        while due:
            self._checkpoints.check(due.pop(), self._tree)

    def _at_once(self, piece: Piece) -> bool:
        """Check a piece in runs between checkpoints, if it has no gap and its leaves are the stored ones.

        Returns:
            False when it is not so, and nothing was done: then it is checked entry by entry, to name what is wrong.
        """
        rows, start = piece.rows, piece.start
        bodies = [row[BODY] for row in rows]
        whole = start == self._place and len(rows) == piece.end - start and None not in bodies
        whole = whole and [row[0] for row in rows] == [*range(start, piece.end)]
        if not whole or (self.kept is not None and self.kept.size <= piece.end):
            return False
        leaves = [leaf_hash(body) for body in bodies]
        if not self._tree.fits(start, leaves, piece.tiles):
            return False
        for stored in (*piece.checkpoints, None):
            run = slice(self._place - start, stored.size - start if stored else len(rows))
            self._tree.extend(leaves[run])
            for row, leaf in zip(rows[run], leaves[run], strict=True):
                self._entries.check(row, leaf)
            self._place = start + run.stop
            if stored:
                self._checkpoints.check(stored, self._tree)
        self._report.entries += len(rows)
        return True

    def _with_archived(self, piece: Piece) -> Piece:
        """The piece with what good archives keep of the entries whose texts were left to them."""
        if all(row[BODY] is not None for row in piece.rows):
            return piece
        rows = []
        for row in piece.rows:
            lacking = row[ID] is not None and row[BODY] is None and self._archives.covers(row[0])
            kept = self._archives.kept(row[0]) if lacking else None
            rows.append((*row[:BODY], kept.body, kept.ciphertext) if kept else row)
        return replace(piece, rows=rows)

    def _missing(self, index: int, piece: Piece, due: list[StoredCheckpoint]) -> None:
        """Report numbers that no entry has, from where we are up to ``index``."""
        while self._place < index:
            end = self._lost_or_taken(index)
            while self._tree.whole and self._place < end:
                self._archives.lost(self._place, stored_leaf(self._place, piece.tiles))
                self._tree.skip(piece.tiles)
                self._advance(due)
            self._place = end

    def _lost_or_taken(self, index: int) -> int:
        """Report the next numbers that no entry has, as far as one declared loss, or none, goes; the number behind."""
        place = self._place
        loss = next((loss for loss in self.losses if loss.start <= place < loss.end), None)
        if loss:
            end = min(index, loss.end)
            self._lacking[loss] += end - place
            self._report.add_lost(place, end, loss.entry)
            return end
        end = min([index, *(loss.start for loss in self.losses if place < loss.start)])
        self._report.add(self._taken_away(end))
        return end

    def _more_than_declared(self) -> None:
        """Report entries that were taken away among those that were declared lost."""
        for loss, count in self._lacking.items():
            if count > loss.lost:
                sentence = f"Of the numbers {loss.start} to {loss.end - 1} more are missing than were declared lost."
                found = (f"{loss.lost} lost", f"{count} missing")
                self._report.add(Finding("number_missing", sentence, loss.start, None, *found))

    def _taken_away(self, index: int) -> Finding:
        numbers = (
            f"The number {self._place} is"
            if index == self._place + 1
            else f"The numbers {self._place} to {index - 1} are"
        )
        sentence = f"{numbers} missing: entries were taken away."
        return Finding("number_missing", sentence, self._place, None, "an entry")

    def _advance(self, due: list[StoredCheckpoint]) -> None:
        """Go on by one number, and check the checkpoints that were signed there."""
        self._place += 1
        self._check_kept(self._place, at_end=False)
        while due and due[-1].size <= self._place:
            self._checkpoints.check(due.pop(), self._tree)

    def _check_kept(self, place: int, *, at_end: bool) -> None:
        if self.kept is None or (self.kept.size > place and not at_end):
            return
        kept, self.kept = self.kept, None
        if not self._tree.whole or self._tree.size != kept.size or self._tree.root() != kept.root:
            found = f"{self._tree.size} entries, root {self._tree.root().hex()}"
            sentence = "The log does not continue the checkpoint that was kept: it was cut back or rewritten."
            expected = f"{kept.size} entries, root {shown(kept.root)}"
            self._report.add(Finding("kept_checkpoint_contradicted", sentence, None, None, expected, found))


def _reconcile(session: Session, reconcilers: Mapping[str, Reconciler], report: Report) -> None:
    """Compare with the business tables; one that cannot read a falsified entry must not hide what was found."""
    for name, reconcile in sorted(reconcilers.items()):
        report.reconciled[name] = 0
        with report.step(session, f"The comparison {name}"):
            try:
                for discrepancy in reconcile(session):
                    report.reconciled[name] += 1
                    found = (discrepancy.expected, discrepancy.found)
                    report.add(Finding(f"reconcile.{name}", f"{name}: {discrepancy.sentence}", None, None, *found))
            except Transient as error:  # it is not known what archives say
                sentence = f"{name}: not compared, since entries lie in archives and the object store is away: {error}"
                report.add(Finding("store_away", sentence))
