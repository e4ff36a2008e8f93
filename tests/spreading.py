"""How the tests are spread over processes: by file, the tests of the running hub together, the longest first."""

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

HUB = "tests/integration/hub/"
"""Its tests share a hub, whose start is too dear to be made by two processes."""
ORDER = (HUB, "tests/e2e/", "tests/integration/", "")
"""What takes long is begun first, so that no process is left alone with it at the end."""


class ByFileAndHub(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives out whole files, and all files of the hub's folder as if they were one."""

    def _split_scope(self, nodeid: str) -> str:
        return HUB if nodeid.startswith(HUB) else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFileAndHub:
    """The scheduler that xdist is to use; ``log`` takes its lines."""
    return ByFileAndHub(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first; the order within a file stays."""
    items.sort(key=lambda item: next(place for place, start in enumerate(ORDER) if item.nodeid.startswith(start)))
