"""``shuniu publish-again``: puts the log back into an object store that lost or changed it."""

import click

from adapters.database import transaction
from adapters.errors import InvalidInput
from adapters.settings import Settings
from audit.store.mend import publish_again, record
from audit.store.place import Place
from directory.people.roles import Role
from portal.at_terminal import identified
from portal.wiring import wire


@click.command("publish-again")
@click.option("--system-administrator", "login", required=True, metavar="LOGIN", help="Who has it put back.")
@click.option("--reason", required=True, help="Why; it is recorded as evidence before anything is written.")
def command(login: str, reason: str) -> None:
    """Put hash tiles and the newest checkpoint back into the object store, as the database has them.

    Run `shuniu audit verify` first: it names what differs, and afterwards that is gone. Hourly checkpoints stay.
    Asks the system administrator for the password.
    """
    settings = Settings.load()
    settings.require("app_database_url", "sequencer_database_url", "sealing_key")
    wire(settings)
    if not reason.strip():
        raise InvalidInput("evidence.no_reason", "Give a reason, in your own words.")
    place = Place.of(settings)
    administrator = identified(settings, login, Role.SYSTEM_ADMINISTRATOR, one_of_two=False)
    place.ensure()
    with transaction(settings.app_database_url) as session:
        record(session, administrator, reason)
    with transaction(settings.sequencer_database_url) as session:
        written = publish_again(session, place)
    click.echo(f"{written} objects were written. The worker goes on from here.")
