"""``shuniu setup``: the one thing that must be done from the command line, because nobody can sign in before it."""

import secrets

import click

from adapters.database import transaction
from adapters.errors import InvalidInput
from adapters.settings import Settings
from directory.people.roles import Role
from portal.first_people import Newcomer, enter_operator
from portal.wiring import wire


@click.command("setup")
@click.option("--code", required=True, help="The operator's unified social credit code.")
@click.option("--short-code", required=True, help="Its short code in document numbers, such as JXW.")
@click.option("--name", required=True, help="Its name.")
@click.option("--name-en", default="", help="Its name in English.")
@click.option("--system-administrator", required=True, metavar="LOGIN:NAME")
@click.option("--security-administrator", required=True, metavar="LOGIN:NAME")
@click.option("--audit-administrator", required=True, metavar="LOGIN:NAME")
def command(
    code: str,
    short_code: str,
    name: str,
    name_en: str,
    system_administrator: str,
    security_administrator: str,
    audit_administrator: str,
) -> None:
    """Enter the operator of a new hub and its three administrators; prints their first passwords, this once."""
    settings = Settings.load()
    wire(settings)
    newcomers = [
        _newcomer(system_administrator, Role.SYSTEM_ADMINISTRATOR),
        _newcomer(security_administrator, Role.SECURITY_ADMINISTRATOR),
        _newcomer(audit_administrator, Role.AUDIT_ADMINISTRATOR),
    ]
    with transaction(settings.app_database_url) as session:
        enter_operator(
            session,
            credit_code=code,
            short_code=short_code,
            name=name,
            name_en=name_en,
            administrators=newcomers,
        )
    for newcomer in newcomers:
        click.echo(f"{newcomer.login}  {newcomer.password}  {newcomer.name} ({newcomer.role})")
    click.echo(f"Sign in at {settings.portal_url} and change the passwords.")


def _newcomer(given: str, role: Role) -> Newcomer:
    login, colon, name = given.partition(":")
    if not colon:
        raise InvalidInput("setup.person", "{text} must be LOGIN:NAME, such as wang:王磊.", text=given)
    return Newcomer(login, name, role, secrets.token_urlsafe(12))
