"""The embedded Apache Airflow 3.3: API server, scheduler and DAG processor on a database of their own.

Its whole configuration is one file that only we can read. Nothing secret goes through the environment, because tasks
inherit it: they get ``SHUNIU_HOME`` and ``SHUNIU_COMMAND`` and nothing else of ours.
"""

import configparser
import io
import json
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from adapters.clock import system_now
from adapters.errors import Misconfigured
from adapters.services.ports import LOOPBACK
from adapters.services.process import Command
from adapters.services.seaweedfs import answers
from adapters.services.secrets import SecretFolder, write_private

HUB_USER = "hub"
ADMINISTRATOR = "admin"
PARALLELISM = 4
KEEP_DAYS = 30

# Airflow's programs make hundreds of thousands of objects at their start and keep them: with Python's usual threshold
# of 700, a tenth of the start goes into looking for garbage among these.
PATIENT = """\
import gc
gc.set_threshold(50_000, 20, 50)
"""

# Workers are forks of the scheduler. What a task needs is imported before they fork: the first task of each worker
# would take five seconds longer otherwise.
WARM = """\
import airflow.sdk.execution_time.supervisor
import airflow.sdk.execution_time.task_runner
import airflow.providers.standard.operators.bash
import airflow.providers.standard.decorators.bash
"""

# What `python -m airflow` does.
MAIN = """\
from airflow.__main__ import main
main()
"""


@dataclass(frozen=True)
class EmbeddedAirflow:
    """Airflow in ``$SHUNIU_HOME/airflow``.

    Args:
        home: the hub's home.
        port: the API server's TCP port on loopback.
        dags: folder of the DAG files.
        database_url: Airflow's own database.
        secrets: keeps its keys and passwords.
        shuniu: absolute path of the command that tasks call; they get it quoted as a shell wants it.
    """

    home: Path
    port: int
    dags: Path
    database_url: str
    secrets: SecretFolder
    shuniu: Path

    @property
    def folder(self) -> Path:
        """Airflow's home folder."""
        return self.home / "airflow"

    @property
    def url(self) -> str:
        """Address of API and pages."""
        return f"http://{LOOPBACK}:{self.port}"

    def as_environment(self) -> dict[str, str]:
        """Address and login as the hub's settings."""
        return {
            "SHUNIU_AIRFLOW_URL": self.url,
            "SHUNIU_AIRFLOW_USER": HUB_USER,
            "SHUNIU_AIRFLOW_PASSWORD": self.secrets.password("airflow-hub"),
        }

    def migrate(self) -> Command:
        """Write the configuration; return the command that brings Airflow's database up to date and ends."""
        self._configure()
        if self._is_migrated():
            return self._command("airflow-migrate", [sys.executable, "-I", "-S", "-c", ""])
        return self._airflow("airflow-migrate", "db", "migrate")

    def api_server(self) -> Command:
        """The command that answers the REST API, shows the pages and serves the tasks; the migration has ended."""
        self._mark_migrated()
        return self._airflow("airflow-api", "api-server")

    def scheduler(self) -> Command:
        """The command that decides what runs, and runs it."""
        return self._command(
            "airflow-scheduler", [sys.executable, "-c", PATIENT + WARM + MAIN, "scheduler", "--skip-serve-logs"]
        )

    def dag_processor(self) -> Command:
        """The command that reads the DAG files."""
        return self._airflow("airflow-dag-processor", "dag-processor")

    def clean(self) -> Command:
        """The command that drops runs older than KEEP_DAYS from Airflow's database; old logs are dropped right here.

        What a run did for the hub is in the hub's own tables and evidence; Airflow's tell what went wrong lately.
        """
        oldest = system_now() - timedelta(days=KEEP_DAYS)
        _drop_old_files(self.folder / "logs", oldest.timestamp())
        arguments = ("--clean-before-timestamp", oldest.isoformat(), "--skip-archive", "--yes")
        return self._airflow("airflow-clean", "db", "clean", *arguments)

    def is_ready(self) -> bool:
        """Whether the API server answers, tasks' questions included: the first one makes it prepare for seconds."""
        return answers(f"{self.url}/api/v2/version") and answers(f"{self.url}/execution/health", seconds=30)

    def _airflow(self, name: str, *arguments: str) -> Command:
        return self._command(name, [sys.executable, "-c", PATIENT + MAIN, *arguments])

    def _command(self, name: str, argv: list[str]) -> Command:
        return Command(
            name=name,
            argv=argv,
            folder=self.folder,
            environ={
                "AIRFLOW_HOME": str(self.folder),
                "HOME": str(self.folder),
                "LC_ALL": "C.UTF-8",
                "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
                "PYTHONUNBUFFERED": "1",
                "SHUNIU_COMMAND": shlex.quote(str(self.shuniu)),
                "SHUNIU_HOME": str(self.home),
                "TZ": "UTC",
            },
            grace_seconds=15,
        )

    def _is_migrated(self) -> bool:
        """Whether this version's migration was seen to end on this very database; saves ten seconds at each start."""
        try:
            with psycopg.connect(_plain(self.database_url), connect_timeout=5) as connection:
                row = connection.execute(
                    "SELECT version FROM shuniu_migrated WHERE to_regclass('alembic_version') IS NOT NULL"
                ).fetchone()
        except psycopg.errors.UndefinedTable:
            return False
        return row == (_version(),)

    def _mark_migrated(self) -> None:
        """Remember in Airflow's database that this version's migration has ended."""
        with psycopg.connect(_plain(self.database_url), connect_timeout=5) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS shuniu_migrated (version text NOT NULL)")
            connection.execute("DELETE FROM shuniu_migrated")
            connection.execute("INSERT INTO shuniu_migrated VALUES (%s)", [_version()])

    def _configure(self) -> None:
        _version()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        passwords = {
            HUB_USER: self.secrets.password("airflow-hub"),
            ADMINISTRATOR: self.secrets.password("airflow-admin"),
        }
        write_private(self.folder / "passwords.json", json.dumps(passwords))
        write_private(self.folder / "airflow.cfg", _rendered(self._options()))

    def _options(self) -> Mapping[str, Mapping[str, object]]:
        plain = make_url(self.database_url)
        return {
            "core": {
                "dags_folder": self.dags,
                "plugins_folder": self.folder / "plugins",
                "executor": "LocalExecutor",
                "parallelism": PARALLELISM,
                "mp_start_method": "fork",
                "hostname_callable": "socket.gethostname",
                "load_examples": False,
                "dags_are_paused_at_creation": False,
                "dag_discovery_safe_mode": False,
                "fernet_key": self.secrets.fernet_key("airflow-fernet-key"),
                "simple_auth_manager_users": f"{HUB_USER}:user,{ADMINISTRATOR}:admin",
                "simple_auth_manager_passwords_file": self.folder / "passwords.json",
                "execution_api_server_url": f"{self.url}/execution/",
            },
            "database": {
                "sql_alchemy_conn": plain.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False),
                "sql_alchemy_conn_async": plain.set(drivername="postgresql+asyncpg").render_as_string(
                    hide_password=False
                ),
            },
            "logging": {
                "base_log_folder": self.folder / "logs",
                "dag_processor_child_process_log_directory": self.folder / "logs" / "dag_processor",
                "colored_console_log": False,
            },
            "api": {
                "host": LOOPBACK,
                "port": self.port,
                "workers": 1,
                "base_url": self.url,
                "secret_key": self.secrets.password("airflow-secret-key"),
                "enable_swagger_ui": False,
            },
            "api_auth": {"jwt_secret": self.secrets.password("airflow-jwt-secret", size=64)},
            "scheduler": {
                # How soon a woken run moves on: each look costs about 20 ms, so five a second are a tenth of a core.
                "scheduler_idle_sleep_time": 0.2,
                "enable_health_check": False,
                "catchup_by_default": False,
                "orphaned_tasks_check_interval": 30,
                "task_instance_heartbeat_timeout": 60,
            },
            "dag_processor": {
                "parsing_processes": 1,
                "refresh_interval": 60,
                "min_file_process_interval": 60,
                "stale_dag_threshold": 60,
            },
        }


def _drop_old_files(folder: Path, oldest: float) -> None:
    """Drop files last written before a moment (seconds since 1970), and folders that this leaves empty."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and not path.is_symlink() and path.stat().st_mtime < oldest:
            path.unlink()
        elif path.is_dir() and not path.is_symlink() and path.stat().st_mtime < oldest and not any(path.iterdir()):
            path.rmdir()


def _rendered(options: Mapping[str, Mapping[str, object]]) -> str:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_dict(
        {
            section: {name: str(value).replace("%", "%%") for name, value in pairs.items()}
            for section, pairs in options.items()
        }
    )
    text = io.StringIO("# Written at every start of the hub; changes made here are lost.\n")
    text.seek(0, io.SEEK_END)
    parser.write(text)
    return text.getvalue()


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _version() -> str:
    try:
        return version("apache-airflow")
    except PackageNotFoundError as error:
        raise Misconfigured(
            "services.airflow_missing",
            "The package apache-airflow is not installed. "
            "Install `shuniu[services]`, or set SHUNIU_AIRFLOW_URL to an Airflow of your own.",
        ) from error
