"""The states of a catalogue version as a pure machine ([M] Art. 10, 19; "State machines" of the requirements).

DRAFT → SUBMITTED → RETURNED → SUBMITTED … → APPROVED → PUBLISHED → SUPERSEDED, and WITHDRAWN from anywhere alive.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from adapters.errors import Conflict
from directory.catalogue.models import ResourceVersion, VersionState

_S = VersionState


class Step(StrEnum):
    """What can be done to a version."""

    EDIT = "EDIT"
    SUBMIT = "SUBMIT"
    APPROVE = "APPROVE"
    RETURN = "RETURN"
    PASS_SECRECY = "PASS_SECRECY"
    FAIL_SECRECY = "FAIL_SECRECY"
    PUBLISH = "PUBLISH"
    SUPERSEDE = "SUPERSEDE"
    WITHDRAW = "WITHDRAW"


TRANSITIONS: Mapping[VersionState, Mapping[Step, VersionState]] = MappingProxyType(
    {
        _S.DRAFT: {Step.EDIT: _S.DRAFT, Step.SUBMIT: _S.SUBMITTED, Step.WITHDRAW: _S.WITHDRAWN},
        _S.RETURNED: {Step.EDIT: _S.RETURNED, Step.SUBMIT: _S.SUBMITTED, Step.WITHDRAW: _S.WITHDRAWN},
        _S.SUBMITTED: {
            Step.APPROVE: _S.APPROVED,
            Step.RETURN: _S.RETURNED,
            Step.PASS_SECRECY: _S.SUBMITTED,
            Step.FAIL_SECRECY: _S.RETURNED,
            Step.WITHDRAW: _S.WITHDRAWN,
        },
        _S.APPROVED: {
            Step.PASS_SECRECY: _S.APPROVED,
            Step.FAIL_SECRECY: _S.RETURNED,
            Step.PUBLISH: _S.PUBLISHED,
            Step.WITHDRAW: _S.WITHDRAWN,
        },
        _S.PUBLISHED: {Step.SUPERSEDE: _S.SUPERSEDED, Step.WITHDRAW: _S.WITHDRAWN},
        _S.SUPERSEDED: {},
        _S.WITHDRAWN: {},
    }
)


def allowed(state: str, step: Step) -> VersionState | None:
    """The state after a step, or None where the state does not admit it."""
    return TRANSITIONS[VersionState(state)].get(step)


def steps_from(state: str) -> frozenset[Step]:
    """The steps that a state admits; which of them a person may take is for the permissions to say."""
    return frozenset(TRANSITIONS[VersionState(state)])


def move(version: ResourceVersion, step: Step) -> None:
    """Take a step.

    Raises:
        Conflict: the version's state does not admit it.
    """
    version.state = after(version, step)


def after(version: ResourceVersion, step: Step) -> VersionState:
    """The state that a version will have after a step.

    Raises:
        Conflict: the version's state does not admit it.
    """
    state = allowed(version.state, step)
    if state is None:
        sentence = "This version is {state}, so this step is not open now. Reload the page to see what is."
        raise Conflict("version.state", sentence, state=version.state)
    return state
