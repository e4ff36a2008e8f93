"""Many more requests than `make test` has time for, to every route by every kind of caller: none gives a fault."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRIES = 40


@pytest.mark.timeout(300 + 60 * TRIES)
def test_no_route_answers_500_however_long_one_tries() -> None:
    searched = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:xdist", "tests/integration/portal/test_nothing_answers_500.py"],
        cwd=ROOT,
        env=os.environ | {"SHUNIU_FUZZ_TRIES": str(TRIES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert searched.returncode == 0, searched.stdout
