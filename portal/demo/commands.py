"""Running the command ``shuniu`` for the story: at an agency's own machine, or where the hub is."""

import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from portal.demo.stage import Stage, Unexpected

SECONDS = 120.0


def shuniu(folder: Path, *arguments: str) -> str:
    """Run a command as an agency does, without the hub: in a folder of its own, which is its home folder too.

    Returns:
        What it printed.

    Raises:
        Unexpected: it failed.
    """
    return _run(folder, {}, arguments)


def shuniu_here(stage: Stage, *arguments: str, statuses: Collection[int] = (0,)) -> str:
    """Run a command as the operator does, with the hub's settings; otherwise as ``shuniu``.

    Args:
        statuses: exit statuses that are no failure.
    """
    home = stage.settings.home
    given = {name: value for name, value in os.environ.items() if name.startswith("SHUNIU_")}
    return _run(home, given | {"SHUNIU_HOME": str(home)}, arguments, statuses)


def _run(folder: Path, environ: dict[str, str], arguments: tuple[str, ...], statuses: Collection[int] = (0,)) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("shuniu")), *arguments],
        cwd=folder,
        env={"PATH": os.defpath, "HOME": str(folder), "LC_ALL": "C.UTF-8", **environ},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode not in statuses:
        raise Unexpected(
            "demo.command",
            "`shuniu {command}` failed: {reason}",
            command=" ".join(arguments[:2]),
            reason=(done.stderr or done.stdout).strip(),
        )
    return done.stdout.strip()
