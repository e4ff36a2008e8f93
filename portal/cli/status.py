"""``shuniu status``: each service, where it is and how it is."""

import json
import sys

import click

from adapters.services.home import reported_services, running_process
from adapters.services.supervisor import Health
from adapters.settings import Settings

WELL = {Health.HEALTHY, Health.DONE}
COLUMNS = ("name", "health", "pid", "restarts", "address", "note")


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(as_json: bool) -> None:
    """Show each service of this home. Exit status 0: all are healthy; 1: some are not; 3: the hub does not run."""
    home = Settings.load().home
    pid = running_process(home)
    services = reported_services(home) if pid else []
    if as_json:
        click.echo(
            json.dumps({"home": str(home), "running": pid is not None, "pid": pid, "services": services}, indent=2)
        )
    elif not pid:
        click.echo(f"No hub runs in {home}. Start it with `shuniu up`.")
    else:
        _show(services)
    sys.exit(3 if not pid else 0 if all(service["health"] in WELL for service in services) else 1)


def _show(services: list[dict[str, object]]) -> None:
    rows = [list(COLUMNS)]
    rows += [[str(service[name]) if service[name] != "" else "-" for name in COLUMNS] for service in services]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
