"""Decide on what was found: suspend the grant for it, note that something else was done, or dismiss it (R48)."""

import uuid

from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict, NotFound
from adapters.texts import prose
from audit.actor import Actor
from audit.append import append
from directory import permissions
from exchange.grants import load as grants
from exchange.grants.models import Grant, GrantState
from exchange.grants.suspend import suspend
from oversight.anomalies.models import Anomaly, AnomalyState
from oversight.anomalies.permissions import decide_anomaly
from oversight.anomalies.record import weight

LONGEST_REASON = 4_000


def dismiss(session: Session, actor: Actor, anomaly_id: uuid.UUID, *, reason: str) -> Anomaly:
    """Say that it is nothing. It stays in the list, and the same is not found again.

    Raises:
        NotAllowed: the actor is no auditor.
        Conflict: it is decided already.
        InvalidInput: no reason.
    """
    anomaly = _open(session, actor, anomaly_id, "anomaly.dismissed")
    _decide(session, actor, anomaly, AnomalyState.DISMISSED, reason)
    return anomaly


def suspend_for(session: Session, actor: Actor, anomaly_id: uuid.UUID, *, reason: str) -> Anomaly:
    """Suspend the grant that it is about; the grant's entry names it as its authority.

    Raises:
        NotAllowed: the actor is no auditor, or the grant is every agency's.
        Conflict: it is decided already, is about no grant, or the grant is suspended or has ended.
        InvalidInput: no reason.
    """
    anomaly = _open(session, actor, anomaly_id, "grant.suspended")
    if anomaly.grant_id is None:
        raise Conflict(
            "anomaly.no_grant",
            "This is about an account and no single grant. Ask the security administrator to freeze the account.",
        )
    suspend(session, actor, anomaly.grant_id, reason=reason, found=f"anomaly/{anomaly.id}")
    _decide(session, actor, anomaly, AnomalyState.ACTED, reason)
    return anomaly


def note_acted(session: Session, actor: Actor, anomaly_id: uuid.UUID, *, reason: str) -> Anomaly:
    """Say that something was done about it: the grant is suspended or ended already, or the account is frozen.

    Raises:
        NotAllowed: the actor is no auditor.
        Conflict: it is decided already.
        InvalidInput: no reason.
    """
    anomaly = _open(session, actor, anomaly_id, "anomaly.acted")
    _decide(session, actor, anomaly, AnomalyState.ACTED, reason)
    return anomaly


def may_suspend_for(actor: Actor, anomaly: Anomaly, grant: Grant | None) -> bool:
    """Whether the button is there: the anomaly open, its grant active, and the actor may."""
    if grant is None or anomaly.state != AnomalyState.OPEN or grant.state != GrantState.ACTIVE:
        return False
    decisions = (decide_anomaly(actor), grants.may_stop_for(actor, grant))
    return not any(isinstance(decision, permissions.Denied) for decision in decisions)


def _open(session: Session, actor: Actor, anomaly_id: uuid.UUID, kind: str) -> Anomaly:
    permissions.require(decide_anomaly(actor), kind, f"anomaly/{anomaly_id}")
    anomaly = session.get(Anomaly, anomaly_id, with_for_update=True, populate_existing=True)
    if anomaly is None:
        raise unknown()
    if anomaly.state != AnomalyState.OPEN:
        raise Conflict("anomaly.decided", "This is decided already. Its page says how, and why.")
    return anomaly


def unknown() -> NotFound:
    """The error for an anomaly that does not exist."""
    return NotFound("anomaly.unknown", "There is no such anomaly. Choose it from the list.")


def _decide(session: Session, actor: Actor, anomaly: Anomaly, state: AnomalyState, reason: str) -> None:
    before = {"state": anomaly.state}
    anomaly.state, anomaly.reason = state, prose(reason, "/reason", most=LONGEST_REASON)
    anomaly.decided_at, anomaly.decided_by = system_now(), actor.person_id
    session.flush()
    append(
        session,
        "anomaly.acted" if state is AnomalyState.ACTED else "anomaly.dismissed",
        f"anomaly/{anomaly.id}",
        actor,
        before=before,
        after={"state": state},
        personal={"reason": anomaly.reason, **weight(anomaly)},
    )
