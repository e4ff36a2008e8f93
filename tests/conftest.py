"""Properties are tested for what they say, not for how long an example takes; pytest has the time-outs."""

from hypothesis import HealthCheck, settings

from tests.in_memory import pytest_configure
from tests.spreading import pytest_collection_modifyitems, pytest_xdist_make_scheduler

__all__ = ["pytest_collection_modifyitems", "pytest_configure", "pytest_xdist_make_scheduler"]

settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")
