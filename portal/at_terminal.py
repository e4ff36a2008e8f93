"""People who act at a terminal of the hub: they give login and password there, as they would on the page."""

import click

from adapters.database import transaction
from adapters.errors import NotAllowed
from adapters.settings import Settings
from audit.actor import Actor
from audit.append import append
from directory.people.accounts import is_given, require_two_people
from directory.people.roles import Role
from directory.people.sign_in import Refused, sign_in, sign_out
from portal import refusals


def identified(settings: Settings, login: str, role: Role, *, one_of_two: bool = True) -> Actor:
    """The person with this login, who is asked for the password; a wrong one counts as any other does.

    Args:
        one_of_two: whether another person has to take part, so that this one must not be played by somebody else.

    Raises:
        NotAuthenticated: login or password is wrong.
        NotAllowed: the person does not hold the role, or another person set the password.
    """
    password = click.prompt(f"Password of {login} ({role})", hide_input=True)
    with transaction(settings.app_database_url) as session:
        found = sign_in(session, login, password, "", settings)
        if not isinstance(found, Refused):
            sign_out(session, found.token, "")
            given, account_id = is_given(found.account), found.account.id
    if isinstance(found, Refused):
        if not found.recorded:
            refusals.count(settings.app_database_url, found.error.code)
        raise found.error
    try:
        _admit(settings, found.actor, login, role, given=given, one_of_two=one_of_two)
    except NotAllowed as error:
        with transaction(settings.app_database_url) as session:
            subject, after = f"account/{account_id}", {"code": error.code, "role": role, "at": "terminal"}
            append(session, "access.refused", subject, found.actor, outcome="REFUSED", after=after)
        raise
    return found.actor


def _admit(settings: Settings, actor: Actor, login: str, role: Role, *, given: bool, one_of_two: bool) -> None:
    if given:
        raise NotAllowed(
            "password.given", "Another person set this password. Change it on the portal's page first.", login=login
        )
    if one_of_two:
        with transaction(settings.app_database_url) as session:
            require_two_people(session, actor)
    if not actor.has(role):
        raise NotAllowed("terminal.wrong_role", "{login} does not hold the role {role}.", login=login, role=role)
