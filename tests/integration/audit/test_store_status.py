"""What ``shuniu status`` and ``shuniu audit verify`` say of the log in the object store, as commands."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

import audit.append
import portal.cli.status
from audit.models import Evidence
from audit.months import make_months
from audit.retention import Retention
from audit.store.mend import PUBLISHED_AGAIN
from audit.store.place import Place
from audit.store.run import Publisher
from directory.people.models import Account
from portal.cli.main import shuniu
from portal.first_people import enter_operator
from tests.integration.audit.conftest import Log
from tests.integration.audit.test_restoration import PEOPLE

Run = Callable[..., Result]


@pytest.fixture
def run(log: Log, home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command in a home where the hub seems to run: the services are the tests' own."""
    monkeypatch.setattr(portal.cli.status, "running_process", lambda _: 1)
    monkeypatch.setattr(portal.cli.status, "reported_services", lambda _: [])

    def call(*arguments: str, given: str = "", **settings: str) -> Result:
        environment = {**log.environment, "SHUNIU_HOME": str(home), **settings}
        return CliRunner().invoke(shuniu, arguments, env=environment, input=f"{given}\n" if given else None)

    return call


def step(log: Log, **settings: str) -> Place:
    log.write(5)
    log.sequence()
    changed = type(log)({**log.environment, **settings}).settings
    place = Place.of(changed)
    publisher = Publisher(changed, place)
    try:
        publisher.step()
    except Exception as error:  # as the publisher's own loop does
        publisher.failed(error)
    return place


def test_status_says_how_far_the_store_is(log: Log, run: Run) -> None:
    assert "has 0 of the log's 0 entries" in run("status").output
    step(log)
    told = run("status")
    assert told.exit_code == 0
    assert "has 5 of the log's 5 entries" in told.output
    assert "held until" in told.output
    assert "WARNING" not in told.output
    assert json.loads(run("status", "--json").output)["log_store"]["lock"] == "LOCKED"


def test_status_names_the_months_that_should_be_archived(log: Log, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    month = Retention.of(log.settings).before() - timedelta(days=40)
    with monkeypatch.context() as then:
        then.setattr(audit.append, "system_now", lambda: month)
        log.write(1)
    with log.session("app") as app:
        make_months(app)
        app.commit()
    step(log)
    told = run("status")
    assert f"WARNING: texts from {month:%Y-%m} on (months: 1) should lie in archives" in told.output
    assert "Run `shuniu audit archive --audit-administrator LOGIN --go`" in told.output
    assert "WARNING" not in run("status", SHUNIU_HOT_MONTHS="30").output, "the site's own setting"


def test_status_names_the_problem_and_fails(log: Log, run: Run) -> None:
    step(log).remove("checkpoint")
    step(log)
    told = run("status")
    assert told.exit_code == 1
    assert "PROBLEM" in told.output
    assert "its checkpoint of 5 entries is gone" in told.output
    administrators = enter_administrators(log)
    again = ("publish-again", "--reason", "the disk was exchanged", "--system-administrator")
    for login, password, said in (
        ("tangjie", "not the password", "Login or password is wrong"),
        ("hanxue", "a third password", "hanxue does not hold the role SYSTEM_ADMINISTRATOR"),
    ):
        refused = run(*again, login, given=password)
        assert (refused.exit_code, said in str(refused.exception)) == (1, True), refused.exception
    assert published_again(log) == []
    mended = run(*again, "tangjie", given="a first password")
    assert (mended.exit_code, mended.output.splitlines()[-1]) == (
        0,
        "2 objects were written. The worker goes on from here.",
    )
    assert published_again(log) == [administrators["tangjie"]]
    assert run("status").exit_code == 0


def enter_administrators(log: Log) -> dict[str, uuid.UUID]:
    """The operator's administrators: who they are, by login."""
    code = "11319900DM9000001U"
    with log.session("app") as session:
        enter_operator(session, credit_code=code, short_code="JXW", name="经信委", name_en="", administrators=PEOPLE)
        session.commit()
        return {account.login: account.person_id for account in session.scalars(select(Account))}


def published_again(log: Log) -> list[uuid.UUID | None]:
    """Who had the log put back into the store."""
    with log.session("app") as session:
        return list(session.scalars(select(Evidence.person_id).where(Evidence.kind == PUBLISHED_AGAIN)))
