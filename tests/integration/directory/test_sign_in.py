"""Accounts and signing in, with the lock-out, and what a browser's token is worth when."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from adapters.clock import city_date, system_now
from adapters.errors import Conflict, InvalidInput, NotAllowed
from adapters.settings import Settings
from audit.models import Evidence
from directory.people import turned_away
from directory.people.accounts import (
    change_password,
    freeze_account,
    open_account,
    reset_password,
    set_language,
    unfreeze_account,
)
from directory.people.models import Account, SignIn
from directory.people.register import person_left
from directory.people.roles import Role
from directory.people.sign_in import Refused, SignedIn, actor_of_token, identify, sign_in, sign_out
from directory.people.turned_away import turn_away
from tests import factories
from tests.factories import PASSWORD

Kinds = Callable[[str], list[str]]
ADDRESS = "192.0.2.1"


@pytest.fixture
def someone(session: Session) -> Account:
    bureau = factories.agency(session, "税务局")
    return factories.account(session, factories.person(session, bureau, Role.REQUESTER, name="李四"), "li.si")


def enter(session: Session, rules: Settings, password: str = PASSWORD, login: str = "li.si") -> SignedIn | Refused:
    return sign_in(session, login, password, ADDRESS, rules)


def entered(session: Session, rules: Settings) -> str:
    answer = enter(session, rules)
    assert isinstance(answer, SignedIn)
    return answer.token


def test_signing_in_gives_a_token_that_says_who(session: Session, rules: Settings, someone: Account) -> None:
    token = entered(session, rules)
    identified = identify(session, token, ADDRESS)
    assert identified is not None
    assert identified.agency_name == "税务局"
    assert identified.language == "zh_Hans_CN"
    actor = identified.actor
    assert (actor.name, actor.roles, actor.address) == ("李四", frozenset({"REQUESTER"}), ADDRESS)
    assert actor == actor_of_token(session, token, ADDRESS)
    kept = session.scalars(select(SignIn)).one()
    assert token.encode() not in kept.token_hash
    assert actor_of_token(session, factories.random_token(), ADDRESS) is None
    assert actor_of_token(session, "", ADDRESS) is None
    assert actor_of_token(session, "\x00\ud800", ADDRESS) is None


def test_a_page_asks_the_database_once(session: Session, rules: Settings, someone: Account) -> None:
    token = entered(session, rules)
    session.commit()
    statements: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *a: statements.append(a[2]))
    assert actor_of_token(session, token, ADDRESS) is not None
    assert len([text for text in statements if text.startswith("SELECT")]) == 1
    assert len([text for text in statements if "SAVEPOINT" not in text]) == 1


def test_logins_are_forgiving_about_case_and_width(session: Session, rules: Settings, someone: Account) -> None:
    for login in (" LI.SI ", "ｌｉ．ｓｉ"):
        assert isinstance(enter(session, rules, login=login), SignedIn)


def test_refusals_all_read_the_same(session: Session, rules: Settings, someone: Account) -> None:
    frozen = factories.account(session, factories.person(session, factories.agency(session)), "frozen")
    frozen.frozen_at = system_now()
    session.flush()
    answers = [
        enter(session, rules, "wrong password"),
        enter(session, rules, login="nobody"),
        enter(session, rules, login="frozen"),
        enter(session, rules, login="\x00"),
        enter(session, rules, login="'; DROP TABLE account; --"),
        enter(session, rules, "x" * 100_000),
        enter(session, rules, "\ud800"),
    ]
    assert {str(answer.error) for answer in answers if isinstance(answer, Refused)} == {
        "Login or password is wrong, or the account is locked. After 3 wrong passwords it is locked for 10 minutes. "
        "Try again, or ask your agency's security administrator."
    }
    assert all(isinstance(answer, Refused) for answer in answers)


def test_three_failures_lock_and_time_opens(session: Session, rules: Settings, someone: Account, kinds: Kinds) -> None:
    for _ in range(3):
        assert isinstance(enter(session, rules, "wrong password"), Refused)
    assert isinstance(enter(session, rules), Refused)
    assert someone.locked_until is not None
    assert kinds(f"account/{someone.id}") == ["account.sign_in_refused!"] * 3 + [
        "account.locked",
        "account.sign_in_refused!",
    ]
    someone.locked_until = system_now() - timedelta(seconds=1)
    session.flush()
    assert isinstance(enter(session, rules), SignedIn)
    kept = session.execute(select(Account.failures, Account.locked_until)).one()
    assert tuple(kept) == (0, None)


@pytest.mark.parametrize(
    ("reason", "shut"),
    [("frozen", {"frozen_at": -1}), ("locked", {"locked_until": 1}), ("sealed", {"sealed_at": -1})],
)
def test_whom_an_account_is_shut_to_leaves_one_entry_in_ten_minutes(
    session: Session, rules: Settings, someone: Account, reason: str, shut: dict[str, int]
) -> None:
    for name, hours in shut.items():
        setattr(someone, name, system_now() + timedelta(hours=hours))
    session.flush()
    answers = [enter(session, rules), enter(session, rules, "wrong password"), enter(session, rules, login="nobody")]
    assert [each.recorded for each in answers if isinstance(each, Refused)] == [True, False, False]
    about = Evidence.subject == f"account/{someone.id}"
    [body] = session.scalars(select(Evidence.body).where(about, Evidence.kind == "account.sign_in_refused"))
    assert json.loads(body)["data"]["after"] == {"reason": reason}


def test_who_is_turned_away_is_told_once_for_each_kind_subject_and_reason_in_ten_minutes(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ("account.sign_in_refused", "account/1", "frozen")
    others = [
        ("client.token_issued", "account/1", "frozen"),
        ("account.sign_in_refused", "account/2", "frozen"),
        ("account.sign_in_refused", "account/1", "locked"),
    ]
    told = [turn_away(session, *each, "10.1.1.1") for each in (first, first, *others, *others)]
    assert told == [True, False, True, True, True, False, False, False]
    monkeypatch.setattr(turned_away, "AGAIN", timedelta(0))
    assert turn_away(session, *first, "10.1.1.1")
    assert set(session.scalars(select(Evidence.outcome).where(Evidence.kind == first[0]))) == {"REFUSED"}


def test_a_success_forgets_earlier_failures(session: Session, rules: Settings, someone: Account) -> None:
    for _ in range(2):
        for _ in range(2):
            enter(session, rules, "wrong password")
        assert isinstance(enter(session, rules), SignedIn)


def test_a_token_ends_with_time_signing_out_freezing_and_leaving(
    session: Session, rules: Settings, someone: Account, kinds: Kinds
) -> None:
    administrator = factories.official(session, someone.person.agency, Role.SECURITY_ADMINISTRATOR)
    token = entered(session, rules)
    sign_out(session, token, ADDRESS)
    assert actor_of_token(session, token, ADDRESS) is None
    sign_out(session, token, ADDRESS)

    late = sign_in(session, "li.si", PASSWORD, ADDRESS, replace(rules, session_seconds=0))
    assert isinstance(late, SignedIn)
    assert actor_of_token(session, late.token, ADDRESS) is None

    token = entered(session, rules)
    freeze_account(session, administrator, someone.person_id)
    assert actor_of_token(session, token, ADDRESS) is None
    assert isinstance(enter(session, rules), Refused)
    unfreeze_account(session, administrator, someone.person_id)
    assert actor_of_token(session, token, ADDRESS) is None

    token = entered(session, rules)
    person_left(session, administrator, someone.person_id)
    assert actor_of_token(session, token, ADDRESS) is None
    assert isinstance(enter(session, rules), Refused)
    with pytest.raises(Conflict, match="left"):
        unfreeze_account(session, administrator, someone.person_id)
    assert kinds(f"account/{someone.id}").count("account.signed_out") == 1


def test_an_agency_that_ended_has_no_callers(session: Session, rules: Settings, someone: Account) -> None:
    token = entered(session, rules)
    someone.person.agency.valid_to = city_date(system_now()) - timedelta(days=1)
    session.flush()
    assert actor_of_token(session, token, ADDRESS) is None
    assert isinstance(enter(session, rules), Refused)


def test_changing_the_password_signs_other_browsers_out(session: Session, rules: Settings, someone: Account) -> None:
    token = entered(session, rules)
    actor = actor_of_token(session, token, ADDRESS)
    assert actor is not None
    with pytest.raises(NotAllowed, match="present password"):
        change_password(session, actor, "wrong password", "a brand new password")
    change_password(session, actor, PASSWORD, "a brand new password")
    assert actor_of_token(session, token, ADDRESS) is None
    assert isinstance(enter(session, rules), Refused)
    assert isinstance(enter(session, rules, "a brand new password"), SignedIn)
    set_language(session, actor, "en")
    assert someone.language == "en"


@pytest.mark.parametrize(
    "password", ["short", "li.si", "li.si-li.si1", "aaaaaaaaaaaaaaaa", "x" * 201, "\ud800" * 12, ""]
)
def test_passwords_that_may_not_be(session: Session, someone: Account, password: str) -> None:
    actor = factories.actor(someone.person.agency, someone.person)
    with pytest.raises(InvalidInput):
        change_password(session, actor, PASSWORD, password)


def test_opening_and_resetting_an_account(session: Session, rules: Settings) -> None:
    bureau = factories.agency(session)
    administrator = factories.official(session, bureau, Role.SECURITY_ADMINISTRATOR)
    newcomer = factories.person(session, bureau)
    account = open_account(session, administrator, newcomer.id, "Zhang.San", "twelve letters", "en")
    assert account.password_hash.startswith("$argon2id$")
    assert isinstance(enter(session, rules, "twelve letters", "zhang.san"), SignedIn)
    with pytest.raises(Conflict, match="already"):
        open_account(session, administrator, newcomer.id, "other", "twelve letters")
    with pytest.raises(Conflict, match="taken"):
        open_account(session, administrator, factories.person(session, bureau).id, "ZHANG.SAN", "twelve letters")
    with pytest.raises(InvalidInput):
        open_account(session, administrator, factories.person(session, bureau).id, "张三", "twelve letters")
    reset_password(session, administrator, newcomer.id, "another twelve")
    assert isinstance(enter(session, rules, "another twelve", "zhang.san"), SignedIn)
    stranger = factories.official(session, factories.agency(session), Role.SECURITY_ADMINISTRATOR)
    with pytest.raises(NotAllowed):
        reset_password(session, stranger, newcomer.id, "another twelve")


def test_a_role_that_ended_is_gone_from_the_next_page_on(session: Session, rules: Settings, someone: Account) -> None:
    token = entered(session, rules)
    today = city_date(system_now())
    roles = "UPDATE role_assignment SET held_to = :today"
    session.connection().exec_driver_sql(roles.replace(":today", f"'{today}'"))
    actor = actor_of_token(session, token, ADDRESS)
    assert actor is not None
    assert actor.roles == frozenset()
    session.execute(update(Account).values(frozen_at=system_now()))
    assert actor_of_token(session, token, ADDRESS) is None
