"""What another connection commits between the door's look at a grant and its record: the record decides."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from threading import Thread

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.database import single_statements
from adapters.prepared import Condition
from audit.models import Evidence
from exchange import release as door
from exchange.agreements.models import Agreement
from exchange.agreements.terminate import terminate
from exchange.errors import ReleaseRefused
from exchange.grants.models import Grant, ReleaseRecord
from exchange.grants.suspend import suspend
from exchange.release import Release, ReleaseRequest
from schemas.words import Mode
from tests.integration.exchange.conftest import Case
from tests.integration.exchange.test_deliveries import loaded

Racing = tuple[Case, uuid.UUID, ReleaseRequest]


@pytest.fixture(params=[None, 5], ids=["unlimited", "quota"])
def racing(committed_case: Case, request: pytest.FixtureRequest) -> Racing:
    """A case, its grant of a sensitive item under an agreement, and a request that the door would answer."""
    case = committed_case
    case.session.add(loaded(case))
    application = case.granted(["ask_2", "ask_4"], quota_rows=request.param)
    case.sign_both(case.session.scalars(select(Agreement)).one())
    grant = case.session.scalars(select(Grant).where(Grant.application_id == application.id)).one()
    case.session.commit()
    return case, grant.id, ReleaseRequest(case.asks, Mode.FILES, grant.purpose, "办件-1")


def stop_grant(other: Session, case: Case, grant_id: uuid.UUID) -> None:
    suspend(other, case.answers, grant_id, reason="停")


def end_agreement(other: Session, case: Case, grant_id: uuid.UUID) -> None:
    agreement_id = other.get_one(Grant, grant_id).agreement_id
    assert agreement_id is not None
    terminate(other, case.answers_signs, agreement_id, reason="停")


@pytest.mark.parametrize("stop", [stop_grant, end_agreement])
@pytest.mark.parametrize("single", [False, True], ids=["transaction", "single"])
def test_an_answer_built_before_a_stop_is_not_recorded_after_it(
    racing: Racing, single: bool, stop: Callable[[Session, Case, uuid.UUID], None]
) -> None:
    case, grant_id, asked = racing
    engine = case.session.get_bind().engine
    source = single_statements(str(engine.url.render_as_string(hide_password=False))) if single else engine
    with Session(source) as session:
        release = door.check(session, grant_id, asked)
        with Session(engine) as other:
            stop(other, case, grant_id)
            other.commit()
        with pytest.raises(ReleaseRefused) as caught:
            door.complete_whole(session, release, rows=1, body=b"x")
    assert caught.value.code == "release.not_active"
    left_nothing(case)
    if single:
        source.dispose()


@pytest.mark.parametrize("stop", [stop_grant, end_agreement])
def test_no_door_opens_after_a_stop(
    racing: Racing, monkeypatch: pytest.MonkeyPatch, stop: Callable[[Session, Case, uuid.UUID], None]
) -> None:
    case, grant_id, asked = racing
    checked = door.check

    def stopped_meanwhile(*arguments: object, **more: object) -> Release:
        release = checked(*arguments, **more)  # type: ignore[arg-type]  # passed on
        with Session(case.session.get_bind()) as other:
            stop(other, case, grant_id)
            other.commit()
        return release

    monkeypatch.setattr(door, "check", stopped_meanwhile)
    with Session(case.session.get_bind()) as session, pytest.raises(ReleaseRefused) as caught:
        door.authorise(session, grant_id, asked)
    assert caught.value.code == "release.not_active"
    left_nothing(case)


def test_a_stop_under_way_is_waited_for(racing: Racing) -> None:
    case, grant_id, asked = racing
    refused: list[str] = []
    with Session(case.session.get_bind()) as session, Session(case.session.get_bind()) as other:
        release = door.check(session, grant_id, asked)
        suspend(other, case.answers, grant_id, reason="停")

        def record() -> None:
            try:
                door.complete_whole(session, release, rows=1, body=b"x")
            except ReleaseRefused as error:
                refused.append(error.code)

        thread = Thread(target=record)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        other.commit()
        thread.join(20)
    assert refused == ["release.not_active"]
    left_nothing(case)


@pytest.mark.parametrize("stop", [stop_grant, end_agreement])
def test_remembered_terms_are_proven_when_the_release_is_recorded(
    racing: Racing, stop: Callable[[Session, Case, uuid.UUID], None]
) -> None:
    case, grant_id, asked = racing
    engine, remembering = case.session.get_bind().engine, replace(asked, rests_on=Condition("TRUE", {}))
    with Session(engine) as session, Session(engine) as other:
        for _ in range(2):
            release = door.check(session, grant_id, remembering)
        stop(other, case, grant_id)
        other.commit()
        for opens in (door.check, door.authorise):
            with pytest.raises(ReleaseRefused):
                door.complete_whole(session, opens(session, grant_id, remembering), rows=1, body=b"x")
        with pytest.raises(ReleaseRefused):
            door.complete_whole(session, release, rows=1, body=b"x")
    left_nothing(case, refusals=0)


def test_nothing_is_recorded_or_charged_for_who_is_not_the_caller_any_more(racing: Racing) -> None:
    case, grant_id, asked = racing
    nobody = Condition("EXISTS (SELECT FROM agency WHERE id = %(bearer)s)", {"bearer": uuid.uuid4()})
    with Session(case.session.get_bind()) as session:
        release = door.check(session, grant_id, replace(asked, rests_on=nobody))
        with pytest.raises(ReleaseRefused):
            door.complete_whole(session, release, rows=1, body=b"x")
        with pytest.raises(ReleaseRefused):
            door.authorise(session, grant_id, release.request)
    left_nothing(case, refusals=0)


def left_nothing(case: Case, *, refusals: int = 1) -> None:
    """No release is recorded, no row is charged, and the refusal is evidence."""
    case.session.rollback()
    case.session.expire_all()
    assert not case.session.scalars(select(ReleaseRecord)).all()
    assert set(case.session.scalars(select(Grant.used_rows))) == {0}
    kinds = list(case.session.scalars(select(Evidence.kind).where(Evidence.kind.like("release.%"))))
    assert kinds == ["release.refused"] * refusals
