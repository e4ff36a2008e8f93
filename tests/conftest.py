"""Properties are tested for what they say, not for how long an example takes; pytest has the time-outs.

The run is spread over the processors: a file's tests stay together, and so do all that share the whole hub, which come
first because they take longest.
"""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")
LONGEST = "the whole hub"


@pytest.hookimpl(tryfirst=True)  # the plug-in reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name each test's group (pytest-xdist, ``--dist loadgroup``), and put the longest group first."""
    for item in items:
        whole_hub = "hub" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group(LONGEST if whole_hub else str(item.path)))
    items.sort(key=lambda item: "hub" not in getattr(item, "fixturenames", ()))
