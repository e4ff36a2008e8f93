"""``python -m bench [NAME ...]``: run the benchmarks, print one table, write ``var/bench/results.json``."""

import sys
from pathlib import Path

import click

from adapters.errors import ShuniuError
from bench.all import BENCHES
from bench.figures import Figure, table, write
from bench.world import ROWS, world

FOLDER = Path("var") / "bench"
RESULTS = FOLDER / "results.json"


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(sorted(BENCHES)))
@click.option("--rows", type=click.IntRange(2_000), default=ROWS, show_default=True, help="Legal entities.")
def main(names: tuple[str, ...], rows: int) -> None:
    """Run the named benchmarks, all without a name; exit status 1 when a goal is missed."""
    figures: list[Figure] = []
    try:
        with world((FOLDER / "home").absolute(), rows) as stage:
            for name in names or BENCHES:
                click.echo(f"Measuring {name} …")
                figures += BENCHES[name](stage)
    except ShuniuError as error:
        raise click.ClickException(f"{error} [{error.code}]") from error
    write(figures, RESULTS)
    for line in table(figures):
        click.echo(line)
    click.echo(f"Written to {RESULTS}")
    sys.exit(0 if all(figure.met for figure in figures) else 1)


main()
