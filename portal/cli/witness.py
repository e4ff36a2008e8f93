"""``shuniu witness``: what another agency runs to watch the hub's evidence log. It needs no hub and no database."""

import logging
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

import click

from audit.keys import VerifierKey
from audit.log_keys import parse_log_keys
from audit.witness.cosign import Witness, cosigners
from audit.witness.serve import Server

READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("witness")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="Keeps key and state.")
@click.option("--name", default="", help="Its name, such as witness.agency.example; needed at the first start.")
@click.option("--log", "logs", type=READABLE, multiple=True, help="Public keys of a log, as `shuniu audit key` prints.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where it listens.")
@click.option("--port", type=click.IntRange(0, 65535), default=8340, show_default=True)
@click.option("--keys", "only_keys", is_flag=True, help="Print its public keys for the hub's policy, and end.")
def command(folder: Path, name: str, logs: tuple[Path, ...], host: str, port: int, only_keys: bool) -> None:
    """Cosign checkpoints of logs, unless one forks or rewrites what it was (C2SP tlog-witness)."""
    if only_keys:
        for cosigner in cosigners(folder, name):
            click.echo(str(cosigner.verifier))
        return
    if not logs:
        raise click.UsageError("Name the keys of at least one log: --log FILE.")
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    server = Server((host, port), Witness(folder, name, [key for file in logs for key in _keys(file)]))

    def stop(*_: int | FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    click.echo(
        f"The witness {server.witness.cosigners[0].verifier.name} listens on port {server.server_port} of {host}."
    )
    with server:
        server.serve_forever()


def _keys(file: Path) -> list[VerifierKey]:
    return parse_log_keys(file.read_text(encoding="utf-8")).checkpoint_keys
