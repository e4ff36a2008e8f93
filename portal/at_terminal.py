"""People who act at a terminal of the hub: they give login and password there, as they would on the page."""

import click

from adapters.database import transaction
from adapters.errors import NotAllowed
from adapters.settings import Settings
from audit.actor import Actor
from directory.people.roles import Role
from directory.people.sign_in import Refused, sign_in, sign_out


def identified(settings: Settings, login: str, role: Role) -> Actor:
    """The person with this login, who is asked for the password; a wrong one counts as any other does.

    Raises:
        NotAuthenticated: login or password is wrong.
        NotAllowed: the person does not hold the role.
    """
    password = click.prompt(f"Password of {login} ({role})", hide_input=True)
    with transaction(settings.app_database_url) as session:
        found = sign_in(session, login, password, "", settings)
        if not isinstance(found, Refused):
            sign_out(session, found.token, "")
    if isinstance(found, Refused):
        raise found.error
    if not found.actor.has(role):
        raise NotAllowed("terminal.wrong_role", "{login} does not hold the role {role}.", login=login, role=role)
    return found.actor
