"""Which port each service listens on, and whether it is free."""

import errno
import secrets
import socket
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

from adapters.errors import Misconfigured

LOOPBACK = "127.0.0.1"
_LOWEST, _TRIALS = 10_000, 1_000
_GIVEN_AWAY = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""First and last of the ports that Linux gives to outgoing connections."""


@dataclass(frozen=True)
class Ports:
    """The TCP ports on loopback, each a setting: ``portal`` is ``SHUNIU_PORTAL_PORT``, and so on.

    SeaweedFS is one process of four parts, each with an HTTPS and a gRPC port.
    """

    portal: int = 8300
    postgres: int = 8310
    airflow: int = 8320
    s3: int = 8330
    s3_grpc: int = 8331
    s3_master: int = 8332
    s3_master_grpc: int = 8333
    s3_volume: int = 8334
    s3_volume_grpc: int = 8335
    s3_filer: int = 8336
    s3_filer_grpc: int = 8337

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Read the ports that an environment sets; the others keep their defaults.

        Raises:
            Misconfigured: a value is no port number.
        """
        return cls(
            **{
                field.name: _port_number(setting_name(field.name), environ[setting_name(field.name)])
                for field in fields(cls)
                if environ.get(setting_name(field.name))
            }
        )

    @classmethod
    def free(cls) -> Self:
        """Ports that nobody listens on now; for tests and trials beside a running hub."""
        with ExitStack() as held:
            return replace(cls(), **{field.name: _free_port(held) for field in fields(cls)})

    def as_environment(self) -> dict[str, str]:
        """The ports as environment variables."""
        return {setting_name(field.name): str(getattr(self, field.name)) for field in fields(self)}


def setting_name(name: str) -> str:
    """The environment variable of a port: ``postgres`` gives ``SHUNIU_POSTGRES_PORT``."""
    return f"SHUNIU_{name.upper()}_PORT"


def require_free(ports: Ports, names: Iterable[str]) -> None:
    """Check that nobody listens on the named ports.

    Args:
        ports: all ports.
        names: field names of those that are about to be used.

    Raises:
        Misconfigured: a port is taken; the sentence names it and the setting that moves it.
    """
    for name in names:
        number = getattr(ports, name)
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((LOOPBACK, number))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
                raise Misconfigured(
                    "services.port_taken",
                    "Port {port} is needed for {service} and cannot be used: {reason}. "
                    "Free it, or choose another with {setting}.",
                    port=number,
                    service=name,
                    reason=error.strerror,
                    setting=setting_name(name),
                ) from error


def _free_port(held: ExitStack) -> int:
    """A port that nobody has, held until the stack closes; none that an outgoing connection may be given after that."""
    ends = int(_GIVEN_AWAY.read_text().split()[0]) if _GIVEN_AWAY.exists() else 0
    for _ in range(_TRIALS):
        holder = held.enter_context(socket.socket())
        with suppress(OSError):
            holder.bind((LOOPBACK, _LOWEST + secrets.randbelow(ends - _LOWEST) if ends > _LOWEST else 0))
            number: int = holder.getsockname()[1]
            return number
    raise Misconfigured("services.no_port", "No port from {lowest} on is free on this machine.", lowest=_LOWEST)


def _port_number(setting: str, text: str) -> int:
    if text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise Misconfigured(
        "services.port_invalid",
        "The setting {setting} must be a port number from 1 to 65535, not {text}.",
        setting=setting,
        text=text,
    )
