"""Confirm or decline a destruction: by another person than who asked. What is destroyed is destroyed for good.

The portal's database role cannot change personal details. The function ``destroy_personal_details`` of the database
erases one entry's wrapped key and does nothing else, and only beside an entry ``personal.destroyed`` of the same
transaction, so that nothing can be destroyed without a trace.
"""

import uuid
from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict, NotAllowed, NotFound
from adapters.texts import prose
from audit.actor import Actor
from audit.append import append
from audit.destruction.ask import authority, until
from audit.destruction.models import Destruction, DestructionState
from audit.destruction.named import entries_naming
from audit.models import Evidence, EvidencePersonal
from audit.subjects.blind import SubjectKind
from audit.verify_entry import DESTROYED

MOST_AT_ONCE = 2_000


def confirm(session: Session, actor: Actor, destruction_id: uuid.UUID) -> Destruction:
    """Destroy what was asked for. The caller has checked that the actor may.

    At most 2,000 entries; where more are left, the request stays open and is confirmed again. Of requests that reach
    the same entry one is confirmed after the other, so that its details are destroyed, and counted, once.

    Raises:
        NotFound: no such request.
        NotAllowed: the actor asked for it.
        Conflict: it is decided already, nothing is left to destroy, or an entry that may name the subject cannot be
            read.
        Transient: an entry that may name the subject lies in an archive, and the object store does not answer. The
            request stays open.
    """
    asked = _open(session, actor, destruction_id, "personal.destruction_confirmed")
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("personal_destruction", 0))))
    done, more = 0, False
    for entry_id, matter in _targets(session, asked):
        if done == MOST_AT_ONCE:
            more = True
            break
        _destroy(session, actor, asked, entry_id, matter)
        done += 1
    if not done:
        raise Conflict("destruction.nothing_left", "There is nothing left to destroy. Decline the request.")
    asked.destroyed += done
    if not more:
        _decided(asked, actor, DestructionState.CONFIRMED)
    session.flush()
    append(
        session,
        "personal.destruction_confirmed",
        f"destruction/{asked.id}",
        actor,
        authority=authority(asked),
        after={"asked_by": str(asked.asked_by), "entries": done, "more": more, "state": asked.state},
    )
    return asked


def decline(session: Session, actor: Actor, destruction_id: uuid.UUID, reason: str) -> Destruction:
    """Do not destroy what was asked for; else as ``confirm``.

    Raises:
        InvalidInput: no reason.
    """
    asked = _open(session, actor, destruction_id, "personal.destruction_declined")
    why = prose(reason, "/reason", most=1_000)
    _decided(asked, actor, DestructionState.DECLINED)
    session.flush()
    append(session, "personal.destruction_declined", f"destruction/{asked.id}", actor, personal={"reason": why})
    return asked


def _open(session: Session, actor: Actor, destruction_id: uuid.UUID, kind: str) -> Destruction:
    asked = session.get(Destruction, destruction_id, with_for_update=True)
    if asked is None:
        raise NotFound("destruction.unknown", "There is no such request.")
    if actor.person_id is None or actor.person_id == asked.asked_by:
        reason = "Another person than who asked for the destruction decides about it."
        raise NotAllowed("destruction.own", reason).refused(kind, f"destruction/{asked.id}")
    if asked.state != DestructionState.ASKED:
        raise Conflict("destruction.decided", "This request is decided already. Its page shows how.")
    return asked


def _targets(session: Session, asked: Destruction) -> Iterator[tuple[uuid.UUID, str]]:
    if asked.token is not None:
        return entries_naming(session, SubjectKind(asked.kind), asked.token, until(asked))
    one = (
        select(Evidence.id, Evidence.matter)
        .join(EvidencePersonal, EvidencePersonal.evidence_id == Evidence.id)
        .where(Evidence.id == asked.entry_id, EvidencePersonal.wrapped_key.is_not(None))
    )
    return iter([(row.id, row.matter) for row in session.execute(one)])


def _destroy(session: Session, actor: Actor, asked: Destruction, entry_id: uuid.UUID, matter: str) -> None:
    append(
        session,
        DESTROYED,
        f"evidence/{entry_id}",
        actor,
        matter=matter,
        authority=authority(asked),
        after={"destruction": str(asked.id), "asked_by": str(asked.asked_by), "basis": asked.basis},
    )
    session.execute(select(func.destroy_personal_details(entry_id)))


def _decided(asked: Destruction, actor: Actor, state: DestructionState) -> None:
    asked.state, asked.decided_by, asked.decided_at = state, actor.person_id, system_now()
