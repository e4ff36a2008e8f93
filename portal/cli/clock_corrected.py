"""``shuniu clock-corrected``: two people declare that the system clock had run ahead and is right now."""

import click

from adapters.clock import system_now
from adapters.database import transaction
from adapters.errors import InvalidInput
from adapters.settings import Settings
from audit.correction.declare import declare, ran_ahead
from directory.people.roles import Role
from portal.at_terminal import identified
from portal.wiring import wire


@click.command("clock-corrected")
@click.option("--system-administrator", "system", required=True, metavar="LOGIN", help="Who set the clock right.")
@click.option("--audit-administrator", "audit", required=True, metavar="LOGIN", help="Who confirms.")
@click.option("--reason", required=True, help="How the clock came to run ahead.")
@click.option("--confirmed-because", required=True, help="How the audit administrator knows that it is right now.")
def command(system: str, audit: str, reason: str, confirmed_because: str) -> None:
    """Let the log go on after its clock had run ahead: the next checkpoint bears an earlier moment than the last.

    Asks both people for their passwords. Set the clock right first, and compare it with another one.
    """
    settings = Settings.load()
    settings.require("app_database_url", "sealing_key")
    wire(settings)
    if not reason.strip() or not confirmed_because.strip():
        raise InvalidInput("clock.no_reason", "Both give a reason, in their own words.")
    with transaction(settings.app_database_url) as session:
        last = ran_ahead(session)
        click.echo(
            f"The log signed its last checkpoint at {last.signed_at:%Y-%m-%d %H:%M:%S} UTC. The clock says"
            f" {system_now():%Y-%m-%d %H:%M:%S} UTC now. Go on only if the clock is right."
        )
    first = identified(settings, system, Role.SYSTEM_ADMINISTRATOR)
    second = identified(settings, audit, Role.AUDIT_ADMINISTRATOR)
    with transaction(settings.app_database_url) as session:
        entry = declare(session, first, second, (reason, confirmed_because))
    click.echo(f"Declared by the entry {entry.id}. The worker signs again.")
