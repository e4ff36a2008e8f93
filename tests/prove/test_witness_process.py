"""A witness as an agency runs it, killed and started again, and alone in its folder."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from audit.merkle import leaf_hash
from audit.note import Note
from audit.witness.cosign import cosigners
from audit.witness.keeping import origin_hash
from tests.integration.audit.test_witness import LEAVES, ORIGIN, Running, running, submission

__all__ = ["running"]


def test_a_killed_witness_keeps_its_promise(running: Running) -> None:
    assert running.submit(submission(0, 10))[0] == 200
    status, lines = running.submit(submission(10, 60))
    assert status == 200
    assert running.end(signal.SIGKILL) == -signal.SIGKILL
    running.start()
    assert running.submit(submission(0, 20)) == (409, "60\n")
    assert running.submit(submission(60, 70, [leaf_hash(b"rewritten"), *LEAVES[1:]]))[0] == 422
    kept = Note.parse(urllib.request.urlopen(f"{running.url}/{origin_hash(ORIGIN)}/checkpoint").read().decode())
    assert "".join(map(str, kept.signatures[1:])) == lines
    assert running.submit(submission(60, 70))[0] == 200
    first, second = cosigners(running.folder / "w", "")
    assert kept.is_signed_by(first.verifier)
    assert kept.is_signed_by(second.verifier)


def test_a_second_witness_in_the_same_folder_does_not_start(running: Running) -> None:
    environ = {"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parents[2])}
    given = ["witness", "--folder", "w", "--log", "log-keys.txt", "--port", "0"]
    command = [sys.executable, "-m", "portal.cli.main", *given]
    done = subprocess.run(
        command, cwd=running.folder, env=environ, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "Another witness runs" in done.stderr
