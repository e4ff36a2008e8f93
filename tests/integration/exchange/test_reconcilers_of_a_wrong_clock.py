"""The exchange's tables beside entries that were written while the clock ran ahead: the log's numbers tell the last."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from adapters.settings import Settings
from audit import sequence
from audit.reconcile import Reconciler
from exchange.grants.models import Grant, GrantState, Suspender
from exchange.grants.resume import resume
from exchange.grants.suspend import suspend
from tests.integration.audit.test_clock_corrected import clock
from tests.integration.exchange.conftest import Case
from tests.integration.exchange.test_reconcilers import named, registered
from tests.integration.portal.test_api_evidence import sequenced

__all__ = ["registered"]


def test_a_grant_suspended_while_the_clock_ran_ahead_and_resumed_is_active(
    committed_case: Case,
    registered: dict[str, Reconciler],
    fresh: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case, settings = committed_case, Settings.load(fresh)
    case.granted(["ask_2"])
    case.session.commit()
    sequenced(settings)
    grant = case.session.scalars(select(Grant)).one()
    with clock(monkeypatch, timedelta(hours=2)):
        suspend(case.session, case.answers, grant.id, reason="核查")
        case.session.commit()
        sequenced(settings)
    resume(case.session, case.answers, grant.id, reason="核查完毕")
    case.session.commit()
    assert named(case, registered) == {}, "an entry that waits is newer than those with a number"
    monkeypatch.setattr(sequence, "dated_back", lambda session, last: True)
    sequenced(settings)
    assert named(case, registered) == {}
    case.session.execute(update(Grant).values(state=GrantState.SUSPENDED, suspended_by=Suspender.PROVIDER))
    assert "grant-state" in named(case, registered)
