"""``shuniu worker``: short work, the evidence sequencer, and what falls due, until it is asked to end."""

import logging

import click

from adapters.settings import Settings
from portal.worker import main


@click.command("worker")
def command() -> None:
    """Do short work and sequence evidence until SIGTERM; any number of workers may run."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    main(Settings.load())
