"""``shuniu offline``: what the receiver of an offline package does, on a machine of its own, without the hub."""

import base64
from pathlib import Path

import click
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from adapters.errors import InvalidInput
from exchange.modes.channel import private
from exchange.modes.offline_open import open_package
from portal.cli.key import receiving_key, signing_key
from schemas.canonical import canonical_bytes

READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("offline")
def command() -> None:
    """Open offline packages and sign their receipts."""


@command.command("open")
@click.argument("package", type=READABLE)
@click.option("--receive-key", type=READABLE, required=True, help="The agency's receive key (age identity).")
@click.option("--hub-key", required=True, help="The hub's public key: base64, or a file that holds it.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="An empty folder.")
@click.option("--sign-key", type=READABLE, help="The agency's signing key (PEM); signs the receipt.")
@click.option("--again", is_flag=True, help="Open a package that is no newer than the last one opened.")
def open_(package: Path, receive_key: Path, hub_key: str, out: Path, sign_key: Path | None, again: bool) -> None:
    """Verify and decrypt PACKAGE into an empty folder; write the receipt beside it.

    The last package opened is kept in a file beside the receive key.
    """
    signing = signing_key(sign_key) if sign_key is not None else None
    identity, trusted = str(receiving_key(receive_key)), read_public_key(hub_key)
    channel = receive_key.with_suffix(".channel.json")
    opened = open_package(package, identity, trusted, out, channel, again=again)
    click.echo(
        f"Package {opened.facts['number']} of {opened.facts['sender']} for {opened.facts['receiver']}: verified."
    )
    for path in opened.files:
        click.echo(f"  {path}  {opened.facts['files'][f'data/{path.name}']['rows']} rows")
    if opened.place.missing:
        first, last = opened.place.missing[0], opened.place.missing[-1]
        click.echo(f"Not opened here: packages {first} to {last} of this channel. Ask the hub about them.")
    receipt = {"receipt": opened.receipt, "signature": ""}
    if signing is not None:
        receipt["signature"] = base64.b64encode(signing.sign(canonical_bytes(opened.receipt))).decode()
    target = package.with_suffix(".receipt.json")
    with private(target) as sink:
        sink.write(orjson.dumps(receipt, option=orjson.OPT_INDENT_2))
    click.echo(f"Receipt: {target}. Upload it on the delivery's page to acknowledge.")
    if promise := str(opened.facts.get("promise", "")):
        kept = package.with_suffix(".promise")
        with private(kept) as sink:
            sink.write(promise.encode())
        click.echo(f"The log's promise to hold this delivery: {kept}. `shuniu audit check` says whether it was kept.")


def read_public_key(text: str) -> Ed25519PublicKey:
    """Read an Ed25519 public key: base64 of 32 raw bytes, given as text or as the name of a file that holds it.

    Raises:
        InvalidInput: it is neither.
    """
    path = Path(text)
    try:
        encoded = path.read_text(encoding="utf-8").strip() if len(text) < 200 and path.is_file() else text
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded, validate=True))
    except ValueError as error:
        raise InvalidInput("key.bad_public_key", "The hub's public key must be base64 of 32 bytes.") from error
