"""The command that Airflow's tasks run."""

import json
import uuid

import pytest

from tests.integration.pipelines.conftest import Hub


@pytest.mark.parametrize("name", ["plan", "part", "commit", "serve", "deliver"])
def test_unknown_work_is_given_up_with_a_sentence(hub: Hub, name: str) -> None:
    step = hub.step(name, str(uuid.uuid4()))
    out, _ = step.communicate(timeout=60)
    answer = json.loads(out)
    assert (step.returncode, answer["error"]) == (1, "work.unknown")
    assert answer["problem"]


@pytest.mark.parametrize("arguments", [["plan"], ["sweep", str(uuid.uuid4())], ["nothing"], ["plan", "no-id"]])
def test_a_wrong_call_says_how_to_call(hub: Hub, arguments: list[str]) -> None:
    step = hub.step(*arguments)
    _, err = step.communicate(timeout=60)
    assert step.returncode == 2
    assert "Usage" in err


def test_a_database_that_does_not_answer_is_tried_again(hub: Hub) -> None:
    step = hub.step(
        "plan", str(uuid.uuid4()), SHUNIU_APP_DATABASE_URL="postgresql+psycopg://nobody:x@127.0.0.1:9/nothing"
    )
    out, _ = step.communicate(timeout=60)
    assert (step.returncode, json.loads(out)["error"]) == (75, "step.database")
