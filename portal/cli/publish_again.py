"""``shuniu publish-again``: puts the log back into an object store that lost or changed it."""

import click

from adapters.database import transaction
from adapters.settings import Settings
from audit.actor import HUB
from audit.store.mend import publish_again, record
from audit.store.place import Place
from portal.wiring import wire


@click.command("publish-again")
@click.option("--reason", required=True, help="Why; it is recorded as evidence before anything is written.")
def command(reason: str) -> None:
    """Put hash tiles and the newest checkpoint back into the object store, as the database has them.

    Run `shuniu audit verify` first: it names what differs, and afterwards that is gone. Hourly checkpoints stay.
    """
    settings = Settings.load()
    settings.require("app_database_url", "sequencer_database_url", "sealing_key")
    wire(settings)
    place = Place.of(settings)
    place.ensure()
    with transaction(settings.app_database_url) as session:
        record(session, HUB, reason)
    with transaction(settings.sequencer_database_url) as session:
        written = publish_again(session, place)
    click.echo(f"{written} objects were written. The worker goes on from here.")
