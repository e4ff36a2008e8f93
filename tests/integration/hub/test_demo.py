"""The demo's story in a whole hub, at a small size; `tests/prove/test_demo.py` plays it whole, and again."""

import json
import stat

import pytest

from tests.integration.running_hub import RunningHub


@pytest.mark.timeout(900)
def test_every_step_of_the_story_does_what_it_should(hub: RunningHub) -> None:
    report = json.loads((hub.home / "demo" / "report.json").read_text(encoding="utf-8"))
    assert [step for step in report["steps"] if not step["ok"]] == []
    assert {step["name"][0] for step in report["steps"]} == set("123456")
    assert sum(step["evidence_index"] is not None for step in report["steps"]) > len(report["steps"]) / 2
    assert report["seconds"] < 300
    assert 0 < report["largest_bytes"] < 6 * 2**30
    assert "Every step did what it should." in hub.output()
    for kept in ("demo-accounts.json", "demo-made.json"):
        assert stat.S_IMODE((hub.home / "secrets" / kept).stat().st_mode) == 0o600
