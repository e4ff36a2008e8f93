"""A whole hub that a command of its own runs, for tests that need more than a database and an object store."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from adapters.services.home import reported_services
from adapters.settings import Settings

SHUNIU = str(Path(sys.executable).with_name("shuniu"))
BASE = {"postgresql", "seaweedfs", "portal", "worker"}
AIRFLOW = {"airflow-api", "airflow-scheduler", "airflow-dag-processor"}


@dataclass(frozen=True)
class RunningHub:
    """Its home, what its environment sets, its process."""

    home: Path
    environ: dict[str, str]
    process: subprocess.Popen[str]

    @property
    def settings(self) -> Settings:
        """Settings that every command of this hub sees."""
        return Settings.load(self.environ)

    @property
    def airflow(self) -> dict[str, str]:
        """Settings that make another hub use this one's Airflow."""
        settings = self.settings
        return {
            "SHUNIU_AIRFLOW_URL": settings.airflow_url,
            "SHUNIU_AIRFLOW_USER": settings.airflow_user,
            "SHUNIU_AIRFLOW_PASSWORD": settings.airflow_password,
        }

    def shuniu(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of this hub to its end."""
        return subprocess.run(
            [SHUNIU, *arguments], env=self.environ, capture_output=True, text=True, timeout=60, check=False
        )

    def output(self) -> str:
        """What the command has said."""
        return (self.home.parent / "up.log").read_text()

    def end(self, seconds: float = 240.0) -> None:
        """Ask the hub to end and wait until it has; one that does not is killed, and the test fails."""
        self.process.terminate()
        try:
            self.process.wait(seconds)
        finally:
            self.process.kill()
            self.process.wait()

    def wait_for(self, names: set[str], seconds: float = 240.0) -> None:
        """Wait until the named services are healthy."""
        deadline = time.monotonic() + seconds
        while not names <= {row["name"] for row in reported_services(self.home) if row["health"] == "healthy"}:
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, reported_services(self.home)
            time.sleep(0.2)

    def wait_until_said(self, words: str, seconds: float) -> None:
        """Wait until the command has said something."""
        deadline = time.monotonic() + seconds
        while words not in self.output():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.2)


def start_hub(home: Path, environ: dict[str, str], *command: str) -> RunningHub:
    """Run `shuniu up`, or another command, in a home; the hub is still starting when this returns."""
    environ = {"PATH": os.environ["PATH"], "SHUNIU_HOME": str(home), **environ}
    (home / "run" / "services.json").unlink(missing_ok=True)
    arguments = [SHUNIU, *(command or ("up",))]
    with (home.parent / "up.log").open("a") as output:
        process = subprocess.Popen(arguments, env=environ, stdout=output, stderr=output, text=True)
    return RunningHub(home, environ, process)
