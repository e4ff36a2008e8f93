"""A whole load in this process, step by step, without Airflow: for benches and tests."""

import uuid
from typing import Any

from adapters.settings import Settings
from pipelines.steps import run_step


def load_now(settings: Settings, work_id: uuid.UUID) -> dict[str, Any]:
    """Run every step of a load.

    Raises:
        ShuniuError: as the step that failed.
    """
    for part in run_step(settings, "plan", work_id)["parts"]:
        run_step(settings, "part", uuid.UUID(part))
    run_step(settings, "commit", work_id)
    return run_step(settings, "serve", work_id)
