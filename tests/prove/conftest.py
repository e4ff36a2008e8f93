"""The long proofs stand on the same services as the integration tests."""

from tests.integration.conftest import *  # noqa: F403  # the same fixtures
