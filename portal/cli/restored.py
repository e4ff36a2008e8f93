"""``shuniu restored``: two people declare what was lost when a backup of the database was put back."""

import click

from adapters.database import transaction
from adapters.errors import InvalidInput
from adapters.settings import Settings
from audit.leaves import Source, source_of
from audit.log_keys import log_keys
from audit.restoration import dismiss
from audit.restoration.dismiss import unfounded
from audit.restoration.mend import declare, gap, mend
from audit.store.place import Place
from audit.witness.standing import configure, policy_in_use
from directory.people.roles import Role
from portal.at_terminal import identified
from portal.wiring import wire


@click.command("restored")
@click.option("--system-administrator", "system", required=True, metavar="LOGIN", help="Who put the backup back.")
@click.option("--audit-administrator", "audit", required=True, metavar="LOGIN", help="Who confirms.")
@click.option("--reason", required=True, help="Why the backup was put back.")
@click.option("--confirmed-because", required=True, help="Why the audit administrator confirms.")
@click.option("--nothing-lost", is_flag=True, help="A witness alone claimed more, and it is wrong.")
@click.option("--log", "place", default="", help="Another copy of the log: a hub's address, or a folder of tlog-tiles.")
def command(system: str, audit: str, reason: str, confirmed_because: str, nothing_lost: bool, place: str) -> None:
    """Let the log go on after a backup was put back: entries that are lost are declared, and the tree continues.

    Asks both people for their passwords.
    """
    settings = Settings.load()
    settings.require("app_database_url", "sequencer_database_url", "sealing_key")
    wire(settings)
    if not reason.strip() or not confirmed_because.strip():
        raise InvalidInput("restoration.no_reason", "Both give a reason, in their own words.")
    source: Source = source_of(place) if place else Place.of(settings).read
    if nothing_lost:
        _nothing_lost(settings, (system, audit), (reason, confirmed_because), source)
        return
    with transaction(settings.app_database_url) as session:
        found = gap(session, source, log_keys(settings))
    size = found.target.size
    click.echo(
        f"The database has {found.start} entries, the log {size}. Of the entries {found.start} to {size - 1}"
        f" the texts of {found.lost} are lost, and {size - found.start - found.lost} still wait here and get their"
        " numbers back. The hashes of all stay in the log."
    )
    first = identified(settings, system, Role.SYSTEM_ADMINISTRATOR)
    second = identified(settings, audit, Role.AUDIT_ADMINISTRATOR)
    with transaction(settings.app_database_url) as session:
        entry = declare(session, found, first, second, (reason, confirmed_because))
    with transaction(settings.sequencer_database_url) as session:
        mend(session, source, found, entry.id)
    click.echo(f"Declared by the entry {entry.id}. The worker goes on from {size} entries.")


def _nothing_lost(settings: Settings, logins: tuple[str, str], reasons: tuple[str, str], source: Source) -> None:
    configure(settings.witnesses)
    keys = log_keys(settings)
    with transaction(settings.app_database_url) as session:
        row = unfounded(session, source, keys, policy_in_use())
        click.echo(f"{row.seen_by} claimed {row.seen_size} entries; nobody else knows more than {row.own_size}.")
    first = identified(settings, logins[0], Role.SYSTEM_ADMINISTRATOR)
    second = identified(settings, logins[1], Role.AUDIT_ADMINISTRATOR)
    with transaction(settings.app_database_url) as session:
        row = unfounded(session, source, keys, policy_in_use())
        entry = dismiss.declare(session, row, first, second, reasons)
    with transaction(settings.sequencer_database_url) as session:
        dismiss.go_on(session, entry.id)
    click.echo(f"Recorded by the entry {entry.id}. The worker goes on.")
