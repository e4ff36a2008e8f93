"""``shuniu audit archive`` and ``expire``: old texts go into locked archives; archives end when their time is over."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import click
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from adapters.database import transaction
from adapters.errors import Conflict, InvalidInput
from adapters.settings import Settings
from audit.actor import Actor
from audit.archive import set_aside, write
from audit.archive.expire import declare, over, remove
from audit.retention import Retention
from audit.store.place import Place
from directory.people.roles import Role
from portal.at_terminal import identified
from portal.wiring import wire

GO = click.option("--go", is_flag=True, help="Do it; without this it is only told what would be done.")


@click.command("archive")
@click.option("--audit-administrator", "login", default="", metavar="LOGIN", help="Who archives; needed with --go.")
@GO
def archive(login: str, go: bool) -> None:
    """Move what entries say, older than SHUNIU_HOT_MONTHS, into locked archives; they stay searchable and provable.

    Run with the database owner's address; interrupted or run again it goes on where it was. With --go it asks the
    audit administrator for the password, whom the entries about every archive and every month taken out then name.
    """
    if go and not login:
        raise click.UsageError("Name who archives: --audit-administrator LOGIN.")
    settings, place, retention = _site()
    before = retention.before()
    with _owner(settings) as session:
        ranges, months = write.due(session, before), list(set_aside.due(session, before))
    click.echo(
        f"What was recorded before {before:%Y-%m-%d} goes into archives that are kept for {retention.years} years."
    )
    for first, end in ranges:
        click.echo(f"To archive: entries {first} to {end - 1}.")
    for month in months:
        click.echo(f"To take out of the database once archived: the texts of {month}.")
    if not go:
        click.echo("Nothing was done. Run it with --go." if ranges or months else "There is nothing to do.")
        return
    actor = identified(settings, login, Role.AUDIT_ADMINISTRATOR, one_of_two=False)
    place.ensure()
    with _owner(settings) as session:
        for row in write.hold_longer(session, place, actor):
            click.echo(f"{row.key} is held until {row.retain_until:%Y-%m-%d} now.")
    while True:
        with _owner(settings) as session:
            made = write.archive_next(session, place, actor, settings.log_origin, before)
            if made is None:
                break
            click.echo(f"{made.key}: entries {made.first_index} to {made.end_index - 1}, digest {made.digest}.")
    for month in months:
        click.echo(_set_aside(settings, place, actor, month))


@click.command("expire")
@click.option("--system-administrator", "system", required=True, metavar="LOGIN", help="Who has them deleted.")
@click.option("--audit-administrator", "audit", required=True, metavar="LOGIN", help="Who confirms.")
@click.option("--reason", required=True, help="Why; it is recorded as evidence before anything is deleted.")
@click.option("--confirmed-because", required=True, help="Why the audit administrator confirms.")
@GO
def expire(system: str, audit: str, reason: str, confirmed_because: str, go: bool) -> None:
    """Delete archives whose period of keeping is over. That entries were in the log stays provable by their hashes.

    With --go it asks both people for their passwords.
    """
    settings, place, retention = _site()
    if not reason.strip() or not confirmed_because.strip():
        raise InvalidInput("evidence.no_reason", "Both give a reason, in their own words.")
    with _owner(settings) as session:
        ended = [(row.key, row.retain_until) for row in over(session, retention.years)]
    for key, until in ended:
        click.echo(f"{key} was to be kept until {until:%Y-%m-%d}.")
    if not go or not ended:
        click.echo("Nothing was done. Run it with --go." if ended else "There is nothing to do.")
        return
    first = identified(settings, system, Role.SYSTEM_ADMINISTRATOR)
    second = identified(settings, audit, Role.AUDIT_ADMINISTRATOR)
    with _owner(settings) as session:
        declare(session, retention.years, first, second, (reason, confirmed_because))
    with _owner(settings) as session:
        click.echo(f"{remove(session, place)} archives were deleted.")


def _set_aside(settings: Settings, place: Place, actor: Actor, month: str) -> str:
    try:
        with _owner(settings) as session:
            count = set_aside.set_aside(session, place, actor, month, settings.log_origin)
    except OperationalError as error:
        raise Conflict(
            "evidence.month_in_use",
            "The texts of {month} are being read, so they stay in the database for now. Run it again.",
            month=month,
        ) from error
    if count < 0:
        return f"{month}: some texts are not archived yet, so all stay in the database."
    return f"{month}: {count} texts lie in archives alone now."


def _site() -> tuple[Settings, Place, Retention]:
    settings = Settings.load()
    settings.require("database_url", "app_database_url", "sealing_key")
    wire(settings)
    retention = Retention.of(settings)
    return settings, replace(Place.of(settings), years=retention.years), retention


@contextmanager
def _owner(settings: Settings) -> Iterator[Session]:
    """A transaction of the owner's without a limit of time for its statements."""
    with transaction(settings.database_url) as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        yield session
