"""The state machine of catalogue versions, walked at random."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from adapters.errors import Conflict
from directory.catalogue.models import ResourceVersion, VersionState
from directory.catalogue.states import TRANSITIONS, Step, allowed, move, steps_from


class Walk(RuleBasedStateMachine):
    """One version under any order of steps: what happened must explain the state that it is in."""

    def __init__(self) -> None:
        super().__init__()
        self.version = ResourceVersion(state=VersionState.DRAFT.value)
        self.taken: list[Step] = []

    @rule(step=st.sampled_from(Step))
    def take(self, step: Step) -> None:
        before = self.version.state
        open_steps = steps_from(before)
        if step in open_steps:
            move(self.version, step)
            self.taken.append(step)
        else:
            with pytest.raises(Conflict):
                move(self.version, step)
            assert self.version.state == before

    @invariant()
    def published_was_approved_and_never_changed_after(self) -> None:
        if self.version.state not in (VersionState.APPROVED, VersionState.PUBLISHED, VersionState.SUPERSEDED):
            return
        last = len(self.taken) - 1 - self.taken[::-1].index(Step.APPROVE)
        assert not {Step.EDIT, Step.SUBMIT, Step.RETURN, Step.FAIL_SECRECY} & set(self.taken[last:])
        assert Step.SUBMIT in self.taken[:last]

    @invariant()
    def an_end_is_an_end(self) -> None:
        if self.version.state in (VersionState.SUPERSEDED, VersionState.WITHDRAWN):
            assert not steps_from(self.version.state)
            assert self.taken[-1] in (Step.SUPERSEDE, Step.WITHDRAW)


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_only_these_states_can_be_edited_reviewed_and_published() -> None:
    def open_to(step: Step) -> set[VersionState]:
        return {state for state in VersionState if allowed(state, step)}

    assert open_to(Step.EDIT) == {VersionState.DRAFT, VersionState.RETURNED}
    assert open_to(Step.SUBMIT) == {VersionState.DRAFT, VersionState.RETURNED}
    assert open_to(Step.APPROVE) == open_to(Step.RETURN) == {VersionState.SUBMITTED}
    assert open_to(Step.PASS_SECRECY) == open_to(Step.FAIL_SECRECY) == {VersionState.SUBMITTED, VersionState.APPROVED}
    assert open_to(Step.PUBLISH) == {VersionState.APPROVED}
    assert open_to(Step.SUPERSEDE) == {VersionState.PUBLISHED}
    assert set(TRANSITIONS) == set(VersionState)


def test_every_state_can_be_reached() -> None:
    reached, waiting = {VersionState.DRAFT}, [VersionState.DRAFT]
    while waiting:
        now = waiting.pop()
        after = {state for step in steps_from(now) if (state := allowed(now, step))}
        waiting += after - reached
        reached |= after
    assert reached == set(VersionState)
