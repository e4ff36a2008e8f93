"""Running ``shuniu`` as an agency does: in a folder of its own, without the hub's settings."""

import os
import subprocess
import sys
from pathlib import Path

from portal.demo.stage import Unexpected

SECONDS = 60.0


def shuniu(folder: Path, *arguments: str) -> str:
    """Run a command of ``shuniu`` in a folder and return what it printed.

    Args:
        folder: working folder; also its home folder, so that it finds no hub.

    Raises:
        Unexpected: it failed.
    """
    done = subprocess.run(
        [str(Path(sys.executable).with_name("shuniu")), *arguments],
        cwd=folder,
        env={"PATH": os.defpath, "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise Unexpected(
            "demo.command", "`shuniu {command}` failed: {reason}", command=" ".join(arguments[:2]), reason=done.stderr
        )
    return done.stdout.strip()
