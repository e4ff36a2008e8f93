"""Reading evidence: a case's timeline, one entry, its personal details, the state of the log."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from adapters.errors import Conflict, NotFound
from audit.actor import Actor
from audit.append import append, configured
from audit.archive.queries import Keeping, keeping
from audit.archive.read import archived
from audit.merkle import HASH_SIZE
from audit.models import Evidence, EvidencePersonal, EvidenceQueue, EvidenceText, LogCheckpoint, LogLeaf, LogTile
from audit.personal import details_of
from audit.restoration.queries import Restoration, restoration
from audit.stall.models import ONE, LogStall
from audit.stamps.models import LogStamp
from audit.standing import Standing, standing
from audit.store.queries import StoreState, store_state
from audit.texts import entry_text
from audit.witness.gathered import with_cosignatures
from audit.witness.standing import Agreement, agreement

LONGEST_TIMELINE = 1_000


@dataclass(frozen=True)
class Found:
    """An entry in full.

    Attributes:
        row: the entry.
        index: its number in the log; None while it waits.
        envelope: its text, decoded; empty where only the columns were asked for.
        has_personal: whether personal details lie beside it that can still be opened.
    """

    row: Evidence
    index: int | None
    envelope: Mapping[str, Any]
    has_personal: bool


@dataclass(frozen=True)
class LogState:
    """How the log stands.

    Attributes:
        size: entries that are numbered and signed for.
        checkpoint: the last checkpoint's signed note, with its cosignatures so far; empty before the first.
        signed_at: when it was signed.
        waiting: entries that wait to be numbered.
        oldest_waiting: since when the oldest of them waits.
        standing: whether that is too long.
        agreement: what the witnesses of the site's policy say.
        store: how far the log is published in the object store.
        stamp: the last time-stamp of an authority, or what went wrong with it; None where there was never one.
        restoration: set while the log stands still because this database is older than what others have seen.
        keeping: how long entries are kept, and what is archived.
    """

    size: int
    checkpoint: str
    signed_at: datetime | None
    waiting: int
    oldest_waiting: datetime | None
    standing: Standing
    agreement: Agreement
    store: StoreState
    restoration: Restoration | None
    stamp: LogStamp | None
    keeping: Keeping


def indices(session: Session, entries: Sequence[Evidence]) -> dict[uuid.UUID, int]:
    """The numbers that entries have in the log, by id; those that wait are left out."""
    ids = [entry.id for entry in entries]
    rows = session.execute(select(LogLeaf.evidence_id, LogLeaf.leaf_index).where(LogLeaf.evidence_id.in_(ids)))
    return {row.evidence_id: row.leaf_index for row in rows}


def newest(session: Session, most: int, *, but: Collection[str]) -> Sequence[Evidence]:
    """The newest entries of all but some kinds, at most so many."""
    every = select(Evidence).where(Evidence.kind.not_in(but))
    return session.scalars(every.order_by(Evidence.recorded_at.desc(), Evidence.id.desc()).limit(most)).all()


def timeline(session: Session, matter: str) -> list[Evidence]:
    """A case from its first entry on, at most 1,000 entries."""
    return list(
        session.scalars(
            select(Evidence)
            .where(Evidence.matter == matter, Evidence.matter != "")
            .order_by(Evidence.recorded_at, Evidence.id)
            .limit(LONGEST_TIMELINE)
        )
    )


def entry(session: Session, entry_id: uuid.UUID, *, said: bool = True) -> Found:
    """One entry in full; what it says comes from its archive where it lies in one.

    Args:
        said: whether what it says is asked for; without, its columns are found and proved when its text is gone.

    Raises:
        NotFound: there is none with this id.
        Conflict: its archive expired, or is missing or damaged, or its text was falsified, or it is there twice.
        Transient: the object store, which has the archive, does not answer.
    """
    own = (EvidenceText.recorded_at == Evidence.recorded_at) & (EvidenceText.evidence_id == Evidence.id)
    texts = select(func.count()).select_from(EvidenceText).where(own).correlate(Evidence).scalar_subquery()
    rows = session.execute(
        select(Evidence, LogLeaf.leaf_index, EvidencePersonal.wrapped_key.is_not(None), texts)
        .outerjoin(LogLeaf, LogLeaf.evidence_id == Evidence.id)
        .outerjoin(EvidencePersonal, EvidencePersonal.evidence_id == Evidence.id)
        .where(Evidence.id == entry_id)
        .limit(2)
    ).all()
    if not rows:
        raise _unknown(entry_id)
    found, index, has_personal, texts_of_it = rows[0]
    if len(rows) > 1 or (said and texts_of_it > 1):
        raise Conflict(
            "evidence.twice",
            "This entry, or what it says, is in the database more than once. Run `shuniu audit verify`.",
        )
    if not said:
        return Found(found, index, {}, has_personal)
    if not found.body:
        kept = archived(session, [entry_id]).get(entry_id)
        if kept is None:
            raise Conflict("evidence.text_missing", "What this entry says is missing. Run `shuniu audit verify`.")
        set_committed_value(found, "body", kept.body)
    return Found(found, index, _envelope(found.body), has_personal)


def _envelope(body: bytes) -> Mapping[str, Any]:
    """What an entry's text says."""
    said = entry_text(body)
    if said is None:
        raise Conflict(
            "evidence.text_falsified",
            "What this entry says was changed and is no entry any more. Run `shuniu audit verify`.",
        )
    return said


def entry_at(session: Session, index: int) -> Found:
    """The entry with a number in the log.

    Raises:
        NotFound: no entry has it.
    """
    entry_id = session.scalar(select(LogLeaf.evidence_id).where(LogLeaf.leaf_index == index))
    if entry_id is None:
        raise _unknown(index)
    return entry(session, entry_id)


def personal(session: Session, actor: Actor, entry_id: uuid.UUID, reason: str = "") -> dict[str, Any]:
    """Open an entry's personal details; that somebody looked is an entry itself.

    The caller has checked that the actor may.

    Args:
        reason: why the actor looks, in the actor's words.

    Raises:
        NotFound: there is no such entry, or it has no personal details.
        Conflict: their key was destroyed, or they do not open.
    """
    row = session.get(EvidencePersonal, entry_id)
    seen = session.get(Evidence, entry_id)
    if row is None or seen is None:
        raise NotFound("evidence.no_personal", "There are no personal details beside the entry {id}.", id=entry_id)
    if row.wrapped_key is None:
        raise Conflict("evidence.personal_destroyed", "The personal details of this entry were destroyed for good.")
    try:
        details = details_of(configured().seal.open(entry_id, row.wrapped_key, _ciphertext(session, row)))
    except ValueError as error:
        raise Conflict(
            "evidence.personal_unreadable",
            "The personal details of this entry cannot be opened: {reason}. Run `shuniu audit verify`.",
            reason=str(error),
        ) from error
    append(
        session,
        "evidence.personal_viewed",
        f"evidence/{entry_id}",
        actor,
        matter=seen.matter,
        personal={"reason": reason},
    )
    return details


def _ciphertext(session: Session, row: EvidencePersonal) -> bytes:
    if row.ciphertext:
        return row.ciphertext
    kept = archived(session, [row.evidence_id]).get(row.evidence_id)
    return kept.ciphertext or b"" if kept else b""


def log_state(session: Session) -> LogState:
    """How the log stands now."""
    last = session.scalar(select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1))
    waiting, oldest = session.execute(select(func.count(), func.min(EvidenceQueue.queued_at))).one()
    return LogState(
        size=last.size if last else 0,
        checkpoint=with_cosignatures(session, last.size, last.note) if last else "",
        signed_at=last.signed_at if last else None,
        waiting=waiting,
        oldest_waiting=oldest,
        standing=standing(oldest, last.signed_at if last else None, session.get(LogStall, ONE)),
        agreement=agreement(session),
        store=store_state(session),
        restoration=restoration(session),
        stamp=session.scalar(select(LogStamp).order_by(LogStamp.hour.desc()).limit(1)),
        keeping=keeping(session),
    )


def tile(session: Session, level: int, number: int, width: int) -> bytes:
    """The first ``width`` hashes of a tile of the log, 32 bytes each; empty when it has not so many."""
    here = (LogTile.level == level) & (LogTile.number == number)
    stored = session.scalar(select(LogTile.hashes).where(here)) or b""
    return stored[: width * HASH_SIZE] if len(stored) >= width * HASH_SIZE else b""


def _unknown(name: object) -> NotFound:
    return NotFound("evidence.unknown", "There is no evidence entry {name}.", name=name)
