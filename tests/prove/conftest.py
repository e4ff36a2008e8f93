"""The long proofs stand on the same services, and the same logs, as the integration tests."""

from tests.integration.audit.conftest import *  # noqa: F403  # the same fixtures
from tests.integration.conftest import *  # noqa: F403  # the same fixtures
