"""The states of an application as a pure machine ([M] Art. 15; requirements, "State machines").

Nothing in it happens by the passing of time: silence decides nothing (R40).
"""

from dataclasses import dataclass
from enum import StrEnum

from adapters.errors import Conflict
from exchange.applications.models import ApplicationState as State


class Event(StrEnum):
    """What moves an application."""

    FORM_GENERATED = "FORM_GENERATED"
    RECEIVED = "RECEIVED"
    ANSWERED = "ANSWERED"
    AGREEMENT_IN_FORCE = "AGREEMENT_IN_FORCE"
    AGREEMENT_ENDED = "AGREEMENT_ENDED"
    GRANT_ENDED = "GRANT_ENDED"
    DISPUTE_RAISED = "DISPUTE_RAISED"
    ANSWER_DIRECTED = "ANSWER_DIRECTED"
    DISPUTE_CLOSED = "DISPUTE_CLOSED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True)
class Standing:
    """What has come of an application so far.

    Attributes:
        agreed: an answer agreed to at least one item, and not only beside the item that rows are chosen by.
        agreement_open: an agreement waits for signatures.
        granted: a grant lives (active or suspended).
    """

    agreed: bool = False
    agreement_open: bool = False
    granted: bool = False


_SETTLE = None  # the state follows from the standing

_HELD = {
    Event.AGREEMENT_IN_FORCE: (State.IN_DISPUTE, State.ANSWER_DIRECTED),
    Event.AGREEMENT_ENDED: (State.IN_DISPUTE, State.ANSWER_DIRECTED, State.CLOSED),
    Event.GRANT_ENDED: (State.IN_DISPUTE, State.ANSWER_DIRECTED, State.CLOSED),
}
"""Events that leave these states as they are: the dispute about refused items goes on beside what was agreed."""

_MOVES: dict[Event, dict[State, State | None]] = {
    Event.FORM_GENERATED: {State.DRAFT: State.FORM_GENERATED},
    Event.RECEIVED: {State.FORM_GENERATED: State.RECEIVED},
    Event.ANSWERED: {State.RECEIVED: _SETTLE, State.ANSWER_DIRECTED: _SETTLE},
    Event.AGREEMENT_IN_FORCE: {State.AGREEMENT_PENDING: _SETTLE},
    Event.AGREEMENT_ENDED: {State.AGREEMENT_PENDING: _SETTLE, State.GRANTED: _SETTLE},
    Event.GRANT_ENDED: {State.AGREEMENT_PENDING: _SETTLE, State.GRANTED: _SETTLE},
    Event.DISPUTE_RAISED: {
        State.REFUSED: State.IN_DISPUTE,
        State.GRANTED: State.IN_DISPUTE,
        State.AGREEMENT_PENDING: State.IN_DISPUTE,
    },
    Event.ANSWER_DIRECTED: {State.IN_DISPUTE: State.ANSWER_DIRECTED},
    Event.DISPUTE_CLOSED: {State.IN_DISPUTE: _SETTLE},
    Event.WITHDRAWN: {state: State.CLOSED for state in State if state is not State.CLOSED},
}
for _event, _states in _HELD.items():
    _MOVES[_event] |= {state: state for state in _states}

_NOT_NOW = {
    State.DRAFT: "This step comes later: the application is a draft, its requester generates the form first.",
    State.FORM_GENERATED: (
        "This step does not fit now: the form is generated, the provider registers the receipt of the written form "
        "next."
    ),
    State.RECEIVED: "This step does not fit now: the written form is received, the provider's answer comes next.",
    State.AGREEMENT_PENDING: "This step does not fit now: the agreement waits for the signatures of both sides.",
    State.GRANTED: "This step does not fit now: the application is granted. Open the grant to see what it allows.",
    State.REFUSED: (
        "This step does not fit now: the application is refused. The requester may object once to each answer, or "
        "apply anew."
    ),
    State.IN_DISPUTE: "This step does not fit now: an objection is being coordinated. Its conclusion comes next.",
    State.ANSWER_DIRECTED: "This step does not fit now: the provider has to answer anew. That answer comes next.",
    State.CLOSED: "This step does not fit any more: the application is closed. Apply anew if the data is still needed.",
}


def settled(standing: Standing) -> State:
    """The state in which an answered application rests."""
    if standing.agreement_open:
        return State.AGREEMENT_PENDING
    if standing.granted:
        return State.GRANTED
    return State.CLOSED if standing.agreed else State.REFUSED


def admits(state: str, event: Event) -> bool:
    """Whether an event can happen in a state."""
    return State(state) in _MOVES[event]


def require(state: str, event: Event) -> None:
    """Refuse an event that cannot happen in a state.

    Raises:
        Conflict: ``application.wrong_state``; the sentence says what comes next instead.
    """
    if not admits(state, event):
        raise Conflict("application.wrong_state", _NOT_NOW[State(state)])


def advance(state: str, event: Event, standing: Standing | None = None) -> State:
    """The state after an event.

    Args:
        standing: what has come of the application, the event included; needed where an answered application comes to
        rest.

    Raises:
        Conflict: the state does not admit the event.
    """
    require(state, event)
    target = _MOVES[event][State(state)]
    return settled(standing or Standing()) if target is None else target
