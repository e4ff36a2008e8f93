"""Breaking the glass: two halves, evidence first, an hour, everything marked; and what does not open it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.database import engine
from adapters.errors import Conflict, NotAuthenticated
from adapters.settings import Settings
from audit.actor import Actor
from audit.models import Evidence
from directory.people.accounts import reset_password
from directory.people.glass import LOGIN, OPEN_FOR, broken_since
from directory.people.models import EMERGENCY, Account
from directory.people.queries import actor_of_person
from directory.people.register import register_person
from directory.people.roles import Role
from directory.people.sign_in import Refused, SignedIn, identify, sign_in
from portal.cli.main import shuniu
from portal.first_people import Newcomer, enter_operator
from portal.wiring import wire

PEOPLE = [
    Newcomer("tangjie", "唐杰", Role.SYSTEM_ADMINISTRATOR, "a first password"),
    Newcomer("jiangmin", "蒋敏", Role.SECURITY_ADMINISTRATOR, "a second password"),
    Newcomer("hanxue", "韩雪", Role.AUDIT_ADMINISTRATOR, "a third password"),
]


@pytest.fixture
def people(session: Session, fresh: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    monkeypatch.setattr("portal.cli.glass.SIGNED_WITHIN", 0.3)
    code = "11319900DM9000001U"
    wire(Settings.load(fresh))
    enter_operator(session, credit_code=code, short_code="JXW", name="经信委", name_en="", administrators=PEOPLE)
    session.commit()
    yield fresh
    engine(fresh["SHUNIU_APP_DATABASE_URL"]).dispose()


def run(environment: dict[str, str], given: str, *words: str) -> Result:
    return CliRunner().invoke(shuniu, ["glass", *words], env=environment, input=given)


def sealed(environment: dict[str, str], folder: Path) -> str:
    """Seal, and give both halves as they are typed."""
    names = ("--holder", "甲", "--holder", "乙", "--out", str(folder))
    done = run(environment, "a second password\n", "seal", "--security-administrator", "jiangmin", *names)
    assert done.exit_code == 0, (done.output, done.exception)
    return "".join((folder / f"half-{number}.txt").read_text() for number in (2, 1))


def entries(session: Session, kind: str) -> list[Evidence]:
    session.rollback()
    return list(session.scalars(select(Evidence).where(Evidence.kind == kind).order_by(Evidence.recorded_at)))


def test_both_halves_open_it_once_for_an_hour_and_all_of_it_is_marked(
    session: Session, people: dict[str, str], tmp_path: Path
) -> None:
    settings, halves = Settings.load(people), sealed(people, tmp_path)
    assert broken_since(session, system_now() - timedelta(days=30)) is None
    done = run(people, halves, "break", "--reason", "the security administrator is ill")
    assert done.exit_code == 0, (done.output, done.exception)
    assert "waits for its signature" in done.output
    [entry] = entries(session, "account.glass_broken")
    assert entry.outcome == "DONE"
    password = done.output.split("emergency  ")[1].split()[0]

    opened = sign_in(session, LOGIN, password, "", settings)
    assert isinstance(opened, SignedIn)
    found = identify(session, opened.token, "")
    assert found is not None
    assert {EMERGENCY, Role.SECURITY_ADMINISTRATOR} <= found.actor.roles
    assert found.actor.agency_id is not None
    register_person(session, found.actor, found.actor.agency_id, "张三")
    session.commit()
    done_by_it = entries(session, "person.registered")[-1]
    assert EMERGENCY in orjson.loads(done_by_it.body)["data"]["actor"]["roles"]
    assert broken_since(session, system_now() - timedelta(days=30)) is not None

    again = run(people, halves, "break", "--reason", "once more")
    assert isinstance(again.exception, NotAuthenticated), "the halves are worth nothing now"
    session.execute(
        update(Account).where(Account.login == LOGIN).values(open_until=system_now() - timedelta(seconds=1))
    )
    session.commit()
    assert identify(session, opened.token, "") is None, "the hour is over"
    assert isinstance(sign_in(session, LOGIN, password, "", settings), Refused)


def test_a_wrong_half_the_page_and_a_reset_do_not_open_it(
    session: Session, people: dict[str, str], tmp_path: Path
) -> None:
    settings, halves = Settings.load(people), sealed(people, tmp_path)
    wrong = run(people, halves[:-3] + "x\n", "break", "--reason", "a try")
    assert isinstance(wrong.exception, NotAuthenticated)
    [refusal] = entries(session, "account.glass_broken")
    assert refusal.outcome == "REFUSED"
    assert isinstance(sign_in(session, LOGIN, "\n".join(sorted(halves.split())), "", settings), Refused)
    account = session.scalars(select(Account).where(Account.login == LOGIN)).one()
    other = session.scalars(select(Account).where(Account.login == "jiangmin")).one()
    administrator: Actor = actor_of_person(session, other.person_id)
    with pytest.raises(Conflict, match="sealed secret"):
        reset_password(session, administrator, account.person_id, "a password of mine")
    session.rollback()
    assert timedelta(hours=1) == OPEN_FOR
    assert run(people, halves, "break", "--reason", "now right").exit_code == 0
    assert sealed(people, tmp_path) != halves
    assert broken_since(session, system_now() - timedelta(days=30)) is None, "sealed anew"
