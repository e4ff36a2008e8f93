"""``shuniu glass``: the emergency account, sealed in two halves, and opened when nobody else can sign in."""

import time
from pathlib import Path

import click
from sqlalchemy import select

from adapters.database import transaction
from adapters.errors import ShuniuError
from adapters.services.secrets import write_private
from adapters.settings import Settings
from audit.actor import HUB
from audit.append import append
from audit.models import LogLeaf
from directory.people.glass import Broken, break_glass, seal_glass
from directory.people.roles import Role
from portal.at_terminal import identified
from portal.wiring import wire

SIGNED_WITHIN = 20.0
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group("glass")
def command() -> None:
    """The emergency account."""


@command.command()
@click.option("--security-administrator", "login", required=True, metavar="LOGIN", help="Who seals; asks the password.")
@click.option("--holder", "holders", required=True, multiple=True, help="Name of one who keeps a half; give two.")
@click.option("--out", type=FOLDER, required=True, help="Where half-1.txt and half-2.txt are written.")
def seal(login: str, holders: tuple[str, ...], out: Path) -> None:
    """Make the emergency account, or seal it anew. Print the two files, erase them, keep each half in another place."""
    settings = _settings()
    if len(holders) != 2:
        raise click.UsageError("Name two holders: --holder twice.")
    actor = identified(settings, login, Role.SECURITY_ADMINISTRATOR, one_of_two=False)
    with transaction(settings.app_database_url) as session:
        sealed = seal_glass(session, actor, (holders[0], holders[1]))
    for number, half in enumerate(sealed.halves, 1):
        write_private(out / f"half-{number}.txt", f"{half}\n")
    click.echo(f"The emergency account is sealed. Half 1 is for {holders[0]}, half 2 for {holders[1]}; see {out}.")


@command.command("break")
@click.option("--reason", required=True, help="Why nobody else can sign in; evidence, and shown to all administrators.")
def break_(reason: str) -> None:
    """Open the emergency account for an hour; asks for both halves. Everything done with it is marked."""
    settings = _settings()
    halves = click.prompt("First half", hide_input=True), click.prompt("Second half", hide_input=True)
    try:
        with transaction(settings.app_database_url) as session:
            broken = break_glass(session, halves, reason)
    except ShuniuError as error:
        if error.refusal:
            with transaction(settings.app_database_url) as session:
                after = {"code": error.code}
                append(session, error.refusal.kind, error.refusal.subject, HUB, outcome="REFUSED", after=after)
        raise
    signed = _signed(settings, broken)
    click.echo(f"{broken.login}  {broken.password}  until {broken.until:%Y-%m-%d %H:%M} UTC")
    click.echo(f"Sign in at {settings.portal_url}. The evidence {broken.entry.id} is {signed}.")


def _settings() -> Settings:
    settings = Settings.load()
    settings.require("app_database_url", "sealing_key")
    wire(settings)
    return settings


def _signed(settings: Settings, broken: Broken) -> str:
    """Wait until the entry is in the signed log, so that nobody can take it back; the log may be the emergency."""
    deadline = time.monotonic() + SIGNED_WITHIN
    wanted = select(LogLeaf.leaf_index).where(LogLeaf.evidence_id == broken.entry.id)
    while time.monotonic() < deadline:
        with transaction(settings.app_database_url) as session:
            index = session.scalar(wanted)
        if index is not None:
            return f"number {index} of the signed log"
        time.sleep(0.2)
    return "written and waits for its signature: the log does not go on"
