"""Answer a need: accept it, or refuse it with law, regulation or rule ([M] Art. 14¶2; R34, R35)."""

import uuid
from collections.abc import Mapping

from sqlalchemy.orm import Session

from adapters.clock import case_now, system_now
from adapters.errors import InvalidInput
from adapters.texts import prose, prose_problems
from audit.actor import Actor
from audit.append import append
from directory import permissions
from exchange.needs import load
from exchange.needs.models import Need, NeedState
from exchange.refusals import basis_problems, clean_basis
from schemas.rule_sets import rule_set

LONGEST_ANSWER = 4_000


def accept(session: Session, actor: Actor, need_id: uuid.UUID, *, answer: str) -> Need:
    """Accept: the provider will catalogue the data or classify it anew; ``answer`` says which and until when.

    Raises:
        NotFound: no such need.
        NotAllowed: not the provider's.
        Conflict: it is answered or withdrawn.
        InvalidInput: no answer text.
    """
    need = _owed(session, actor, need_id)
    return _answered(session, actor, need, NeedState.ACCEPTED, answer, None)


def refuse(session: Session, actor: Actor, need_id: uuid.UUID, *, answer: str, basis: Mapping[str, str] | None) -> Need:
    """Refuse on a basis, see ``exchange.refusals``; errors as ``accept``, and InvalidInput for a basis that is none."""
    need = _owed(session, actor, need_id)
    problems = prose_problems({"/answer": answer}, most=LONGEST_ANSWER)
    problems += basis_problems(basis, rule_set(need.rule_set), "/basis")
    if problems:
        sentence = "The refusal was not recorded. Correct the marked places and send it again."
        raise InvalidInput("need.refusal", sentence, problems)
    return _answered(session, actor, need, NeedState.REFUSED, answer, clean_basis(basis or {}))


def _owed(session: Session, actor: Actor, need_id: uuid.UUID) -> Need:
    need = load.locked(session, need_id)
    permissions.require(permissions.answer(actor, need.provider_id), "need.answered", f"need/{need.id}")
    load.require_raised(need)
    return need


def _answered(
    session: Session, actor: Actor, need: Need, state: NeedState, answer: str, basis: dict[str, str] | None
) -> Need:
    need.answer, need.answer_basis = prose(answer, "/answer", most=LONGEST_ANSWER), basis
    need.state, need.answered_by, need.answered_at = state, actor.person_id, system_now()
    session.flush()
    append(
        session,
        "need.answered",
        f"need/{need.id}",
        actor,
        authority=f"{need.rule_set} Art. 14",
        before={"state": NeedState.RAISED},
        after={"state": state, "number": need.number, "basis": basis},
        personal={"answer": need.answer},
        case_time=case_now(session),
    )
    return need
