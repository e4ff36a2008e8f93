"""``shuniu offline open``: keys are read before anything is opened."""

import io
from datetime import timedelta
from pathlib import Path

import orjson
import pyrage
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from adapters.clock import system_now
from adapters.errors import InvalidInput
from directory.keys.signing import public_text
from exchange.modes.offline import pack_files
from exchange.modes.package import PackageFacts
from portal.cli.offline import command

HUB, SIGNS = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A receiver's folder with a package and its keys."""
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "receive.age").write_text(f"# public key: {identity.to_public()}\n{identity}\n")
    (tmp_path / "sign.pem").write_bytes(pem(SIGNS, NoEncryption()))
    (tmp_path / "data.csv").write_text("code\n1\n")
    ends = (system_now() + timedelta(days=1)).isoformat()
    facts = PackageFacts(
        "d",
        "JF-1",
        "hub",
        "code",
        str(identity.to_public()),
        1,
        "",
        "g",
        "r",
        1,
        ("code",),
        "p",
        ends,
        ends,
        "a promise\n",
    )
    sink = io.BytesIO()
    pack_files({tmp_path / "data.csv": 1}, sink, facts, HUB, tmp_path)
    (tmp_path / "p.shuniu").write_bytes(sink.getvalue())
    return tmp_path


def pem(key: Ed25519PrivateKey, encryption: KeySerializationEncryption) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def opened(machine: Path, *more: str) -> Result:
    keys = ["--receive-key", str(machine / "receive.age"), "--sign-key", str(machine / "sign.pem")]
    target = ["--hub-key", public_text(HUB), "--out", str(machine / "out")]
    return CliRunner().invoke(command, ["open", str(machine / "p.shuniu"), *keys, *target, *more])


def test_a_package_is_opened_and_its_receipt_signed(machine: Path) -> None:
    result = opened(machine)
    assert result.exit_code == 0, result.output
    assert (machine / "out" / "data.csv").read_text() == "code\n1\n"
    assert orjson.loads((machine / "p.receipt.json").read_bytes())["signature"]
    assert orjson.loads((machine / "receive.channel.json").read_bytes())["hub"]["sequence"] == 1
    assert (machine / "p.promise").read_text() == "a promise\n"


@pytest.mark.parametrize("wrong", ["encrypted", "other kind", "no key"])
def test_a_wrong_signing_key_is_said_before_anything_is_opened(machine: Path, wrong: str) -> None:
    rsa = generate_private_key(65_537, 2_048) if wrong == "other kind" else None
    content = {
        "encrypted": pem(SIGNS, BestAvailableEncryption(b"secret")),
        "other kind": rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) if rsa else b"",
        "no key": b"hello",
    }
    (machine / "sign.pem").write_bytes(content[wrong])
    result = opened(machine)
    assert isinstance(result.exception, InvalidInput)
    assert result.exception.code == "key.file"
    assert not (machine / "out").exists()
    assert not (machine / "receive.channel.json").exists()
    (machine / "sign.pem").write_bytes(pem(SIGNS, NoEncryption()))
    assert opened(machine).exit_code == 0


def test_a_file_that_is_no_receiving_key_is_said(machine: Path) -> None:
    (machine / "receive.age").write_text("hello\n")
    result = opened(machine)
    assert isinstance(result.exception, InvalidInput)
    assert not (machine / "out").exists()
