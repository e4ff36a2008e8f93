"""What every command of the hub needs beneath it: PostgreSQL and an object store, embedded ones or one's own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from minio import Minio
from minio.error import MinioException
from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from adapters.errors import Misconfigured, ShuniuError
from adapters.services.databases import connect, ensure_databases
from adapters.services.environment import generated_keys, write_environment
from adapters.services.home import make_home
from adapters.services.ports import LOOPBACK, Ports, require_free
from adapters.services.postgres import EmbeddedPostgres
from adapters.services.seaweedfs import EmbeddedSeaweed, answers
from adapters.services.secrets import SecretFolder
from adapters.services.supervisor import Service, Supervisor

START_SECONDS = 120.0
S3_SETTINGS = ("SHUNIU_S3_URL", "SHUNIU_S3_ACCESS_KEY", "SHUNIU_S3_SECRET_KEY")


class Foundation:
    """Database and object store of one home.

    Args:
        home: the hub's home, absolute.
        environ: settings that were given; ``SHUNIU_DATABASE_URL`` and ``SHUNIU_S3_URL`` replace the embedded services.
        ports: where embedded services listen.
        secrets: keeps generated passwords and keys.
    """

    def __init__(self, home: Path, environ: Mapping[str, str], ports: Ports, secrets: SecretFolder) -> None:
        self._environ = dict(environ)
        self._ports = ports
        self._secrets = secrets
        self._bucket = environ.get("SHUNIU_S3_BUCKET") or "shuniu"
        own_database, own_store = environ.get("SHUNIU_DATABASE_URL"), environ.get("SHUNIU_S3_URL")
        self._postgres = None if own_database else EmbeddedPostgres(home, ports.postgres, secrets, self._environ)
        self._seaweed = None if own_store else EmbeddedSeaweed(home, ports, secrets)

    @property
    def owner_url(self) -> str:
        """Address of the owner of the hub's database."""
        return self._postgres.owner_url if self._postgres else self._environ["SHUNIU_DATABASE_URL"]

    def needed_ports(self) -> list[str]:
        """Names of the ports that the embedded services will listen on."""
        names = ["postgres"] if self._postgres else []
        return names + [field.name for field in fields(Ports) if self._seaweed and field.name.startswith("s3")]

    def check_own(self) -> None:
        """Make sure, before anything is started, that one's own database and object store can be used.

        Raises:
            Misconfigured: they cannot; the sentence names the setting.
        """
        if not self._postgres:
            connect(self.owner_url).close()
        if not self._seaweed:
            ensure_bucket(self._own_store(), self._bucket)

    def services(self) -> list[Service]:
        """The two services, to be given to a supervisor."""
        return [self._database(), self._store()]

    def settle(self) -> dict[str, str]:
        """Once both services answer: make databases, roles and the bucket; return all that as settings.

        Raises:
            Misconfigured: the database's owner lacks a right.
        """
        if self._postgres:
            self._postgres.ensure_owner()
        store = self._seaweed.as_environment() if self._seaweed else self._own_store()
        ensure_bucket(store, self._bucket)
        databases = ensure_databases(self.owner_url, self._secrets, self._environ)
        return {**databases.as_environment(), **store, **self._ports.as_environment(), **generated_keys(self._secrets)}

    def tidy(self) -> None:
        """Once both services have ended: remove what they leave outside the home."""
        if self._seaweed:
            self._seaweed.remove_sockets()

    def _database(self) -> Service:
        postgres = self._postgres
        if postgres:
            address = f"{LOOPBACK}:{postgres.port}"
            return Service("postgresql", address, postgres.prepare, postgres.is_ready)
        url = self.owner_url
        return Service("postgresql", "SHUNIU_DATABASE_URL", None, lambda: _connects(url))

    def _store(self) -> Service:
        if self._seaweed:
            return Service("seaweedfs", self._seaweed.url, self._seaweed.prepare, self._seaweed.is_ready)
        url = self._environ["SHUNIU_S3_URL"]
        return Service("object-store", url, None, lambda: answers(url))

    def _own_store(self) -> dict[str, str]:
        for name in S3_SETTINGS:
            if not self._environ.get(name):
                raise Misconfigured(
                    "services.s3_keys", "SHUNIU_S3_URL is set, but {setting} is not. Set it.", setting=name
                )
        return {name: self._environ[name] for name in S3_SETTINGS}


@contextmanager
def running(home: Path, ports: Ports | None = None) -> Iterator[dict[str, str]]:
    """Run an embedded PostgreSQL and an embedded SeaweedFS while the block lasts, and nothing else of the hub.

    Args:
        home: folder that keeps data, secrets and logs; made when missing.
        ports: where to listen; free ones when not given.

    Returns:
        The hub's settings as environment variables, which also stand in ``home/secrets/environment``. Databases and
        bucket are there, the tables are not: run the migrations.

    Raises:
        ShuniuError: a service did not come up.
    """
    home, ports = home.resolve(), ports or Ports.free()
    make_home(home)
    foundation = Foundation(home, {}, ports, SecretFolder(home / "secrets"))
    require_free(ports, foundation.needed_ports())
    supervisor = Supervisor(home)
    try:
        for service in foundation.services():
            supervisor.add(service)
        supervisor.wait_healthy([service.name for service in foundation.services()], START_SECONDS)
        environment = {**foundation.settle(), "SHUNIU_HOME": str(home)}
        write_environment(home, environment)
        yield environment
    finally:
        supervisor.stop()
        foundation.tidy()


def ensure_bucket(store: Mapping[str, str], bucket: str) -> None:
    """Make the bucket where it is missing, which also proves that address and keys are right.

    Args:
        store: ``SHUNIU_S3_URL`` and the two keys.
        bucket: its name.

    Raises:
        Misconfigured: the store does not answer, refuses the keys, or has no such bucket and will not make one.
    """
    address = parse_url(store["SHUNIU_S3_URL"])
    client = Minio(
        address.netloc or "",
        access_key=store["SHUNIU_S3_ACCESS_KEY"],
        secret_key=store["SHUNIU_S3_SECRET_KEY"],
        secure=address.scheme == "https",
        http_client=PoolManager(timeout=Timeout(connect=5, read=30), retries=3),
    )
    try:
        if not client.bucket_exists(bucket):
            client.make_bucket(bucket)
    except (MinioException, HTTPError, ValueError) as error:
        raise Misconfigured(
            "services.s3_unusable",
            "The object store at SHUNIU_S3_URL={url} cannot be used with bucket {bucket}: {reason}. "
            "Correct the address, SHUNIU_S3_ACCESS_KEY, SHUNIU_S3_SECRET_KEY or SHUNIU_S3_BUCKET.",
            url=store["SHUNIU_S3_URL"],
            bucket=bucket,
            reason=str(error),
        ) from error


def _connects(url: str) -> bool:
    try:
        connect(url).close()
    except ShuniuError:
        return False
    return True
