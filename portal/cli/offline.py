"""``shuniu offline``: what the receiver of an offline package does, on a machine of its own, without the hub."""

import base64
from pathlib import Path

import click
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from adapters.errors import InvalidInput
from exchange.modes.offline_open import open_package
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
def open_(package: Path, receive_key: Path, hub_key: str, out: Path, sign_key: Path | None) -> None:
    """Verify and decrypt PACKAGE into an empty folder; write the receipt beside it."""
    identity = receive_key.read_text(encoding="utf-8").strip().splitlines()[-1]
    opened = open_package(package, identity, read_public_key(hub_key), out)
    click.echo(
        f"Package {opened.facts['number']} of {opened.facts['sender']} for {opened.facts['receiver']}: verified."
    )
    for path in opened.files:
        click.echo(f"  {path}  {opened.facts['files'][f'data/{path.name}']['rows']} rows")
    receipt = {"receipt": opened.receipt, "signature": ""}
    if sign_key is not None:
        key = load_pem_private_key(sign_key.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise InvalidInput("key.not_ed25519", "{file} is not an Ed25519 key.", file=sign_key)
        receipt["signature"] = base64.b64encode(key.sign(canonical_bytes(opened.receipt))).decode()
    target = package.with_suffix(".receipt.json")
    target.write_bytes(orjson.dumps(receipt, option=orjson.OPT_INDENT_2))
    click.echo(f"Receipt: {target}. Upload it on the delivery's page to acknowledge.")


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
