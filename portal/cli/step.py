"""``shuniu step``: one step of moving data, called by an Airflow task; it prints one JSON line.

Exit status: 0 done (or done before), 75 (EX_TEMPFAIL) try again later, 1 given up. Imports are kept few, because a
person may wait for the answer.
"""

import json
import sys
import traceback
import uuid
from typing import Any

import click
from sqlalchemy.exc import OperationalError

import audit.append
import exchange.release
from adapters.errors import ShuniuError
from adapters.settings import Settings
from pipelines.steps import STEPS, run_step, run_sweep

TRY_AGAIN = 75


@click.command("step")
@click.argument("name", type=click.Choice([*STEPS, "sweep"]))
@click.argument("work_id", type=click.UUID, required=False)
def command(name: str, work_id: uuid.UUID | None) -> None:
    """Run the step NAME of the work WORK_ID (a UUID); `sweep` has no work.

    Airflow's tasks call this. Doing a step twice changes nothing.
    """
    if (work_id is None) != (name == "sweep"):
        raise click.UsageError("Give the id of the work, except for sweep.")
    settings = Settings.load()
    settings.require("app_database_url", "sealing_key")
    audit.append.configure(settings.log_origin, settings.sealing_key)
    exchange.release.configure(settings.sealing_key.encode()[:64])
    try:
        _say(run_sweep(settings) if work_id is None else run_step(settings, name, work_id))
    except ShuniuError as error:
        _say({"error": error.code, "problem": str(error)})
        sys.exit(TRY_AGAIN if error.retry_may_help else 1)
    except OperationalError:
        _say({"error": "step.database", "problem": "The hub's database does not answer. The step is tried again."})
        sys.exit(TRY_AGAIN)
    except Exception as error:  # the row counts the attempts, and gives the work up when there were too many
        traceback.print_exc()
        _say({"error": "step.failed", "problem": f"{type(error).__name__}: {error}"})
        sys.exit(TRY_AGAIN)


def _say(result: dict[str, Any]) -> None:
    click.echo(json.dumps(result, ensure_ascii=False, default=str))
