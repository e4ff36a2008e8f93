"""Programs of agencies: credentials, bearer tokens, lock-out, revocation."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict, NotAllowed
from adapters.settings import Settings
from directory.people.clients import NewClient, register_client, replace_secret, revoke_client
from directory.people.models import ApiToken
from directory.people.queries import clients
from directory.people.roles import Role
from directory.people.sign_in import Refused
from directory.people.tokens import IssuedToken, actor_of_bearer, issue_token
from tests import factories

ADDRESS = "192.0.2.9"


@pytest.fixture
def made(session: Session) -> NewClient:
    bureau = factories.agency(session)
    administrator = factories.official(session, bureau, Role.SECURITY_ADMINISTRATOR)
    assert administrator.person_id is not None
    return register_client(session, administrator, bureau.id, "办税系统", administrator.person_id)


def token_of(session: Session, made: NewClient, rules: Settings) -> str:
    answer = issue_token(session, made.client.client_id, made.secret, ADDRESS, rules)
    assert isinstance(answer, IssuedToken)
    assert answer.seconds == 3600
    return answer.token


def test_a_program_gets_a_token_for_its_secret(session: Session, made: NewClient, rules: Settings) -> None:
    token = token_of(session, made, rules)
    actor = actor_of_bearer(session, token, ADDRESS)
    assert actor is not None
    assert actor.client_id == made.client.client_id
    assert (actor.person_id, actor.agency_id) == (None, made.client.agency_id)
    assert actor.roles == {"CLIENT"}
    assert actor.agency_code == made.client.agency.credit_code
    assert made.secret not in made.client.secret_hash
    assert made.secret not in repr(made)
    assert actor_of_bearer(session, made.secret, ADDRESS) is None


def test_a_token_ends(session: Session, made: NewClient, rules: Settings) -> None:
    late = issue_token(session, made.client.client_id, made.secret, ADDRESS, replace(rules, token_seconds=0))
    assert isinstance(late, IssuedToken)
    assert actor_of_bearer(session, late.token, ADDRESS) is None
    token = token_of(session, made, rules)
    assert len(session.scalars(select(ApiToken)).all()) == 1
    administrator = factories.official(session, made.client.agency, Role.SECURITY_ADMINISTRATOR)
    newer = replace_secret(session, administrator, made.client.id)
    assert actor_of_bearer(session, token, ADDRESS) is None
    assert isinstance(issue_token(session, made.client.client_id, made.secret, ADDRESS, rules), Refused)
    token = token_of(session, newer, rules)
    revoke_client(session, administrator, made.client.id)
    assert actor_of_bearer(session, token, ADDRESS) is None
    assert isinstance(issue_token(session, newer.client.client_id, newer.secret, ADDRESS, rules), Refused)
    with pytest.raises(Conflict):
        revoke_client(session, administrator, made.client.id)
    with pytest.raises(Conflict):
        replace_secret(session, administrator, made.client.id)


def test_three_wrong_secrets_lock(
    session: Session, made: NewClient, rules: Settings, kinds: Callable[[str], list[str]]
) -> None:
    token = token_of(session, made, rules)
    for _ in range(3):
        assert isinstance(issue_token(session, made.client.client_id, "wrong", ADDRESS, rules), Refused)
    assert isinstance(issue_token(session, made.client.client_id, made.secret, ADDRESS, rules), Refused)
    assert actor_of_bearer(session, token, ADDRESS) is not None
    assert kinds(f"client/{made.client.id}")[-2:] == ["client.locked", "client.token_issued!"]
    made.client.locked_until = system_now() - timedelta(seconds=1)
    session.flush()
    token_of(session, made, rules)


def test_a_revoked_program_that_asks_for_a_token_leaves_one_entry_in_ten_minutes(
    session: Session, made: NewClient, rules: Settings, kinds: Callable[[str], list[str]]
) -> None:
    revoke_client(session, factories.official(session, made.client.agency, Role.SECURITY_ADMINISTRATOR), made.client.id)
    asked = [issue_token(session, made.client.client_id, made.secret, ADDRESS, rules) for _ in range(3)]
    assert [one.recorded for one in asked if isinstance(one, Refused)] == [True, False, False]
    assert kinds(f"client/{made.client.id}").count("client.token_issued!") == 1


@pytest.mark.parametrize("client_id", ["", "nobody", "\x00", "é", "x" * 500])
def test_unknown_programs_are_refused(session: Session, rules: Settings, client_id: str) -> None:
    assert isinstance(issue_token(session, client_id, "secret", ADDRESS, rules), Refused)


def test_only_the_agency_itself_lets_programs_speak_for_it(session: Session, made: NewClient) -> None:
    operator = factories.agency(session, office="REGULATOR")
    administrator = factories.official(session, operator, Role.SECURITY_ADMINISTRATOR)
    assert administrator.person_id is not None
    with pytest.raises(NotAllowed):
        register_client(session, administrator, made.client.agency_id, "冒名", administrator.person_id)
    with pytest.raises(NotAllowed):
        replace_secret(session, administrator, made.client.id)
    own = factories.official(session, made.client.agency, Role.SECURITY_ADMINISTRATOR)
    with pytest.raises(Conflict, match="agency's own"):
        register_client(session, own, made.client.agency_id, "办税系统二", administrator.person_id)
    assert clients(session, own, made.client.agency_id).items == (made.client,)
    revoke_client(session, administrator, made.client.id)
