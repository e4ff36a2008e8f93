"""``shuniu key``: what an agency does with its keys, on a machine of its own, without the hub.

Private halves never leave the folder in which they were made.
"""

import base64
import os
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pyrage import DecryptError, IdentityError, decrypt, x25519

from adapters.errors import InvalidInput
from directory.keys.signing import PRIVATE_AGE_KEY, fingerprint, is_proof_of, public_text

READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)
SIGN_FILE, RECEIVE_FILE, PUBLIC_FILE = "sign.pem", "receive.age", "public.txt"


@click.group("key")
def command() -> None:
    """Make an agency's keys, prove that you hold them, sign with them."""


@command.command("new")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the keys.")
def new(out: Path) -> None:
    """Make a signing key and a receiving key; nothing that exists is overwritten."""
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (SIGN_FILE, RECEIVE_FILE, PUBLIC_FILE):
        if (out / name).exists():
            raise InvalidInput("key.exists", "{file} exists already. Choose an empty folder.", file=out / name)
    signing, receiving = Ed25519PrivateKey.generate(), x25519.Identity.generate()
    pem = signing.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    sign_text, receive_text = public_text(signing), str(receiving.to_public())
    _write(out / SIGN_FILE, pem, 0o600)
    _write(out / RECEIVE_FILE, f"# public key: {receive_text}\n{receiving}\n".encode(), 0o600)
    _write(out / PUBLIC_FILE, f"SIGN {sign_text}\nRECEIVE {receive_text}\n".encode(), 0o644)
    click.echo(f"Made in {out}. Keep {SIGN_FILE} and {RECEIVE_FILE} secret; register the lines of {PUBLIC_FILE}:")
    click.echo(f"SIGN    {sign_text}  (fingerprint {fingerprint(sign_text)})")
    click.echo(f"RECEIVE {receive_text}  (fingerprint {fingerprint(receive_text)})")


@command.command("prove")
@click.argument("challenge")
@click.option("--key", "key_file", type=READABLE, required=True, help="The private key that is to be proven.")
def prove(challenge: str, key_file: Path) -> None:
    """Answer the hub's CHALLENGE (a file, or the text itself) and print the answer."""
    text = _challenge_text(challenge)
    if PRIVATE_AGE_KEY.encode() in key_file.read_bytes():
        click.echo(_decrypted(text, receiving_key(key_file)))
        return
    signing = signing_key(key_file)
    if not is_proof_of(text, public_text(signing)):
        sentence = "This is no challenge for this key, so it was not signed. Copy the challenge again, as it is."
        raise InvalidInput("key.no_challenge", sentence)
    click.echo(base64.b64encode(signing.sign(text.encode())).decode())


@command.command("sign")
@click.argument("file", type=READABLE)
@click.option("--key", "key_file", type=READABLE, required=True, help="The agency's signing key (PEM).")
def sign(file: Path, key_file: Path) -> None:
    """Sign the bytes of FILE and print the signature (base64), apart from the file."""
    click.echo(base64.b64encode(signing_key(key_file).sign(file.read_bytes())).decode())


def _write(path: Path, body: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)


def _challenge_text(given: str) -> str:
    """The challenge from a file of that name, or else the argument itself."""
    try:
        is_file = Path(given).is_file()
    except OSError:  # a text too long to be a file's name
        is_file = False
    return (Path(given).read_text(encoding="utf-8") if is_file else given).strip()


def signing_key(path: Path) -> Ed25519PrivateKey:
    """Read an agency's signing key (PEM).

    Raises:
        InvalidInput: the file holds none, or an encrypted one.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise InvalidInput("key.file", "{file} holds no signing key. Give the file sign.pem.", file=path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInput("key.file", "{file} holds no signing key. Give the file sign.pem.", file=path)
    return key


def receiving_key(path: Path) -> x25519.Identity:
    """Read an agency's receiving key (age identity).

    Raises:
        InvalidInput: the file holds none.
    """
    lines = path.read_text(encoding="utf-8").split()
    try:
        return x25519.Identity.from_str(next(line for line in lines if line.startswith(PRIVATE_AGE_KEY)))
    except (IdentityError, StopIteration, ValueError) as error:
        sentence = "{file} holds no receiving key. Give the file receive.age."
        raise InvalidInput("key.file", sentence, file=path) from error


def _decrypted(challenge: str, identity: x25519.Identity) -> str:
    sentence = "The challenge was not encrypted to this key. Copy all of it, or give the other key."
    try:
        opened: bytes = decrypt(f"{challenge}\n".encode(), [identity])
        text = opened.decode()
    except (DecryptError, ValueError) as error:
        raise InvalidInput("key.no_challenge", sentence) from error
    if not is_proof_of(text, str(identity.to_public())):
        raise InvalidInput("key.no_challenge", sentence)
    return text
