"""The whole hub in one home: its foundation, its own programs, Airflow, and one supervisor over all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adapters.airflow import AirflowClient
from adapters.errors import ShuniuError
from adapters.services.airflow import EmbeddedAirflow
from adapters.services.databases import ensure_airflow_database
from adapters.services.environment import given_settings, write_environment
from adapters.services.foundation import START_SECONDS, Foundation
from adapters.services.home import HomeLock, end_leftovers
from adapters.services.ports import LOOPBACK, Ports, require_free
from adapters.services.process import Command
from adapters.services.seaweedfs import answers
from adapters.services.secrets import SecretFolder
from adapters.services.supervisor import Condition, Service, Supervisor

PORTAL_SECONDS = 180.0
AIRFLOW_SECONDS = 300.0
LOG_KEY = "SHUNIU_LOG_KEY"
CLEAN_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class Programs:
    """What the hub runs of its own, named by the room above that knows it.

    Args:
        migrate: brings the hub's tables up to date, given the owner's address.
        portal: command line of the portal.
        worker: command line of the worker.
        dags: folder of the DAG files.
        shuniu: absolute path of the command ``shuniu``, for Airflow's tasks.
        public: settings that follow from the others and are no secrets: the log's public keys.
    """

    migrate: Callable[[str], None]
    portal: Sequence[str]
    worker: Sequence[str]
    dags: Path
    shuniu: Path
    public: Callable[[Mapping[str, str]], Mapping[str, str]]


@dataclass
class Hub:
    """A hub in its home, from start to stop.

    Args:
        home: the hub's home, absolute.
        environ: settings that were given (the process's environment); they win over what is generated.
        programs: what to run of our own.
        say: takes a line of progress.

    Raises:
        ShuniuError: another hub runs in this home, or a setting is wrong.
    """

    home: Path
    environ: Mapping[str, str]
    programs: Programs
    say: Callable[[str], None] = field(default=print)

    def __post_init__(self) -> None:
        self.ports = Ports.load(self.environ)
        self.portal_url = self.environ.get("SHUNIU_PORTAL_URL") or f"http://{LOOPBACK}:{self.ports.portal}"
        self._lock = HomeLock(self.home)
        self._secrets = SecretFolder(self.home / "secrets")
        self._supervisor = Supervisor(self.home)
        self._foundation: Foundation | None = None
        self._log_key = ""

    def start(self) -> None:
        """Start everything and wait until the portal answers; Airflow may still be coming up then.

        Raises:
            ShuniuError: something cannot start; whatever had started is ended again.
        """
        try:
            foundation = self._foundation = Foundation(self.home, self.environ, self.ports, self._secrets)
            foundation.check_own()
            own_airflow = self._own_airflow() if self.environ.get("SHUNIU_AIRFLOW_URL") else None
            end_leftovers(self.home)
            require_free(self.ports, ["portal", *foundation.needed_ports(), *([] if own_airflow else ["airflow"])])
            self.say("Starting PostgreSQL and the object store.")
            self._run(foundation.services(), START_SECONDS)
            self.say("Bringing the database up to date.")
            environment = foundation.settle()
            self.programs.migrate(foundation.owner_url)
            airflow = own_airflow or self._embedded_airflow(foundation.owner_url)
            environment |= {"SHUNIU_PORTAL_URL": self.portal_url, **airflow[0], **given_settings(self.environ)}
            given = {name: value for name, value in self.environ.items() if name.startswith("SHUNIU_")}
            environment |= given
            environment |= self.programs.public(environment)
            write_environment(self.home, environment)
            self._log_key = environment[LOG_KEY]
            self.say("Starting the portal, the worker and Airflow.")
            for service in airflow[1]:
                self._supervisor.add(service)
            self._run(self._own_programs(foundation), PORTAL_SECONDS)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything in good order and give the home free."""
        self._supervisor.stop()
        if self._foundation:
            self._foundation.tidy()
        self._lock.release()

    def kill(self) -> None:
        """End everything at once; a `stop` that waits returns soon after."""
        self._supervisor.kill()

    def conditions(self) -> list[Condition]:
        """How each service is."""
        return self._supervisor.conditions()

    def wait_for_airflow(self, seconds: float = AIRFLOW_SECONDS) -> None:
        """Wait until Airflow takes runs.

        Raises:
            Transient: it does not come up in time.
        """
        names = [condition.name for condition in self.conditions() if condition.name.startswith("airflow")]
        self._supervisor.wait_healthy(names, seconds, patient=True)

    def _run(self, services: Sequence[Service], seconds: float) -> None:
        for service in services:
            self._supervisor.add(service)
        self._supervisor.wait_healthy([service.name for service in services], seconds)

    def _own_programs(self, foundation: Foundation) -> list[Service]:
        needs = tuple(service.name for service in foundation.services())
        return [
            Service(
                "portal",
                self.portal_url,
                lambda: self._program("portal", self.programs.portal),
                lambda: answers(f"http://{LOOPBACK}:{self.ports.portal}/health"),
                after=needs,
            ),
            Service("worker", "", lambda: self._program("worker", self.programs.worker, signs=True), after=needs),
        ]

    def _program(self, name: str, argv: Sequence[str], *, signs: bool = False) -> Command:
        inherited = ("PATH", "HOME", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "TMPDIR")
        environ = {key: value for key, value in self.environ.items() if key in inherited or key.startswith("SHUNIU_")}
        environ |= {"SHUNIU_HOME": str(self.home), "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8"}
        environ[LOG_KEY] = self._log_key if signs else ""
        return Command(name, argv, self.home, environ)

    def _own_airflow(self) -> tuple[dict[str, str], list[Service]]:
        given = {
            name: self.environ.get(f"SHUNIU_AIRFLOW_{name.upper()}", "")
            for name in ("url", "token", "user", "password")
        }
        client = AirflowClient(**given)
        client.check_login()
        service = Service("airflow", given["url"], None, lambda: _is_healthy(client))
        return {f"SHUNIU_AIRFLOW_{name.upper()}": value for name, value in given.items()}, [service]

    def _embedded_airflow(self, owner_url: str) -> tuple[dict[str, str], list[Service]]:
        airflow = EmbeddedAirflow(
            self.home,
            self.ports.airflow,
            self.programs.dags,
            ensure_airflow_database(owner_url, self._secrets),
            self._secrets,
            self.programs.shuniu,
        )
        environment = airflow.as_environment()
        client = AirflowClient(airflow.url)
        migrated, answering = ("postgresql", "airflow-migrate"), ("postgresql", "airflow-api")
        return environment, [
            Service("airflow-migrate", "", airflow.migrate, after=("postgresql",), once=True),
            Service("airflow-clean", "", airflow.clean, after=migrated, every=CLEAN_SECONDS),
            Service("airflow-api", airflow.url, airflow.api_server, airflow.is_ready, after=migrated),
            Service(
                "airflow-scheduler",
                "",
                airflow.scheduler,
                lambda: _part_is_healthy(client, "scheduler"),
                after=answering,
            ),
            Service(
                "airflow-dag-processor",
                "",
                airflow.dag_processor,
                lambda: _part_is_healthy(client, "dag_processor"),
                after=migrated,
            ),
        ]


def _is_healthy(client: AirflowClient) -> bool:
    try:
        return all(state == "healthy" for state in client.health().values())
    except ShuniuError:
        return False


def _part_is_healthy(client: AirflowClient, part: str) -> bool:
    try:
        return client.health().get(part) == "healthy"
    except ShuniuError:
        return False
