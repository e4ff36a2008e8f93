"""The whole hub that the tests of this folder share."""

from collections.abc import Iterator

import pytest

from adapters.services.ports import Ports
from tests.integration.running_hub import AIRFLOW, BASE, RunningHub, start_hub


@pytest.fixture(scope="package")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A whole hub, Airflow included, in a home of its own, from nothing.

    Its start takes half a minute of both processors and even at rest it takes a quarter of one, so it is started once
    and ends with this folder (`tests.spreading` gives the folder out whole).
    """
    shared = start_hub(tmp_path_factory.mktemp("hub") / "home", Ports.free().as_environment())
    try:
        shared.wait_for(BASE | AIRFLOW)
        yield shared
    finally:
        shared.end()
