"""The states of an application as a machine: whatever happens in whatever order, what the state says is true."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from adapters.errors import Conflict
from exchange.applications.models import ApplicationState as State
from exchange.applications.states import Event, Standing, admits, advance, settled

ITEMS = 3


class Life(RuleBasedStateMachine):
    """An application of three items beside a plain model of what came of it."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State.DRAFT
        self.agreed = 0
        self.agreement_open = self.granted = self.disputed = False
        self.received = False
        self.round = self.objected = 0

    def standing(self) -> Standing:
        return Standing(self.agreed > 0, self.agreement_open, self.granted)

    def go(self, event: Event) -> None:
        self.state = advance(self.state, event, self.standing())

    @precondition(lambda self: admits(self.state, Event.FORM_GENERATED))
    @rule()
    def generate(self) -> None:
        self.go(Event.FORM_GENERATED)

    @precondition(lambda self: admits(self.state, Event.RECEIVED))
    @rule()
    def receive(self) -> None:
        self.received = True
        self.go(Event.RECEIVED)

    @precondition(lambda self: admits(self.state, Event.ANSWERED))
    @rule(more=st.integers(0, ITEMS), sensitive=st.booleans())
    def answer(self, more: int, sensitive: bool) -> None:
        assert self.received
        more = min(more, ITEMS - self.agreed)
        self.round += 1
        self.agreed += more
        if more and sensitive:
            self.agreement_open = True
        elif more:
            self.granted = True
        self.go(Event.ANSWERED)

    @precondition(lambda self: self.agreement_open)
    @rule()
    def sign(self) -> None:
        self.agreement_open, self.granted = False, True
        self.go(Event.AGREEMENT_IN_FORCE)

    @precondition(lambda self: self.agreement_open)
    @rule()
    def turn_agreement_down(self) -> None:
        self.agreement_open = False
        self.go(Event.AGREEMENT_ENDED)

    @precondition(lambda self: self.granted)
    @rule()
    def end_grant(self) -> None:
        self.granted = False
        self.go(Event.GRANT_ENDED)

    @precondition(
        lambda self: admits(self.state, Event.DISPUTE_RAISED) and self.agreed < ITEMS and self.objected < self.round
    )
    @rule()
    def object_to_answer(self) -> None:
        self.disputed, self.objected = True, self.round
        self.go(Event.DISPUTE_RAISED)

    @precondition(lambda self: self.disputed)
    @rule(anew=st.booleans())
    def conclude(self, anew: bool) -> None:
        self.disputed = False
        self.go(Event.ANSWER_DIRECTED if anew else Event.DISPUTE_CLOSED)

    @precondition(lambda self: self.state is not State.CLOSED)
    @rule()
    def withdraw(self) -> None:
        self.agreement_open = self.granted = self.disputed = False
        self.go(Event.WITHDRAWN)

    @precondition(lambda self: self.state is State.CLOSED)
    @rule(event=st.sampled_from(Event))
    def stay_closed(self, event: Event) -> None:
        if admits(self.state, event):
            assert advance(self.state, event, self.standing()) is State.CLOSED

    @invariant()
    def the_state_says_what_is_so(self) -> None:
        resting = self.state in (State.AGREEMENT_PENDING, State.GRANTED, State.REFUSED)
        if resting:
            assert self.state is settled(self.standing())
        if self.state is State.REFUSED:
            assert self.agreed == 0
        if self.state is State.CLOSED:
            assert not any((self.granted, self.agreement_open, self.disputed))
        assert (self.state is State.IN_DISPUTE) == self.disputed
        if self.round == 0:
            assert not resting

    @invariant()
    def nothing_is_decided_before_the_written_receipt(self) -> None:
        if not self.received:
            assert self.state in (State.DRAFT, State.FORM_GENERATED, State.CLOSED)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(st.sampled_from(State), st.sampled_from(Event), st.builds(Standing, st.booleans(), st.booleans(), st.booleans()))
@settings(deadline=None)
def test_an_event_either_moves_or_is_a_conflict_with_a_sentence(state: State, event: Event, standing: Standing) -> None:
    if admits(state, event):
        assert isinstance(advance(state, event, standing), State)
    else:
        with pytest.raises(Conflict) as caught:
            advance(state, event, standing)
        assert caught.value.code == "application.wrong_state"
        assert str(caught.value).endswith(".")


@pytest.mark.parametrize("event", [event for event in Event if event is not Event.WITHDRAWN])
def test_closed_is_the_end(event: Event) -> None:
    if admits(State.CLOSED, event):
        assert advance(State.CLOSED, event) is State.CLOSED


def test_only_a_receipt_lets_an_answer_follow() -> None:
    answerable = {state for state in State if admits(state, Event.ANSWERED)}
    assert answerable == {State.RECEIVED, State.ANSWER_DIRECTED}
