"""Keys as text, and the commands with which an agency makes and uses them on a machine of its own."""

import base64
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pyrage import encrypt, x25519

from adapters.errors import InvalidInput
from directory.keys import signing
from directory.keys.models import AgencyKey, KeyPurpose
from portal.cli.key import command

CODE = "11310000000000019X"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run("new", "--out", str(tmp_path / "keys"))
    return tmp_path / "keys"


def public(folder: Path, purpose: str) -> str:
    lines = (folder / "public.txt").read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines)[purpose]


def test_new_keys_are_the_owners_alone_and_never_overwritten(folder: Path) -> None:
    for name in ("sign.pem", "receive.age"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert (folder / "sign.pem").read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    before = (folder / "sign.pem").read_bytes()
    with pytest.raises(InvalidInput, match="exists already"):
        run("new", "--out", str(folder))
    assert (folder / "sign.pem").read_bytes() == before
    assert "PRIVATE" not in (folder / "public.txt").read_text() + (folder / "public.txt").read_text().upper()


def test_a_signing_key_is_proven_by_a_signature_over_the_challenge(folder: Path) -> None:
    key = signing.checked_public_key(KeyPurpose.SIGN, public(folder, "SIGN"))
    text = signing.proof_text(CODE, "SIGN", key, "r" * 43)
    answer = run("prove", text, "--key", str(folder / "sign.pem"))
    assert signing.verifies(key, text.encode(), signing.signature_from_text(answer))


def test_nothing_but_a_challenge_of_this_key_is_signed_as_proof(folder: Path) -> None:
    other = signing.proof_text(CODE, "SIGN", base64.b64encode(b"x" * 32).decode(), "r" * 43)
    for text in (other, '{"agreement":"AG-1"}', "shuniu-key-proof/1"):
        with pytest.raises(InvalidInput, match="not signed"):
            run("prove", text, "--key", str(folder / "sign.pem"))


def test_a_receiving_key_is_proven_by_the_decrypted_challenge(folder: Path, tmp_path: Path) -> None:
    recipient = signing.checked_public_key(KeyPurpose.RECEIVE, public(folder, "RECEIVE"))
    text = signing.proof_text(CODE, "RECEIVE", recipient, "r" * 43)
    file = tmp_path / "challenge.txt"
    file.write_bytes(encrypt(text.encode(), [x25519.Recipient.from_str(recipient)], armored=True))
    assert run("prove", str(file), "--key", str(folder / "receive.age")) == text
    file.write_bytes(encrypt(b"a package", [x25519.Recipient.from_str(recipient)], armored=True))
    with pytest.raises(InvalidInput):
        run("prove", str(file), "--key", str(folder / "receive.age"))


def test_a_file_is_signed_apart_from_it(folder: Path, tmp_path: Path) -> None:
    document = tmp_path / "agreement.json"
    document.write_bytes(b'{"number":"AG-1"}')
    signature = signing.signature_from_text(run("sign", str(document), "--key", str(folder / "sign.pem")))
    key = AgencyKey(purpose=KeyPurpose.SIGN.value, public_key=public(folder, "SIGN"))
    assert signing.verify_signature(key, document.read_bytes(), signature)
    assert not signing.verify_signature(key, document.read_bytes() + b" ", signature)
    receiving = AgencyKey(purpose=KeyPurpose.RECEIVE.value, public_key=public(folder, "SIGN"))
    assert not signing.verify_signature(receiving, document.read_bytes(), signature)


def test_wrong_files_are_named(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no signing key"):
        run("sign", str(folder / "public.txt"), "--key", str(folder / "receive.age"))


@pytest.mark.parametrize(
    ("purpose", "text"),
    [
        (KeyPurpose.SIGN, ""),
        (KeyPurpose.SIGN, "not base64!"),
        (KeyPurpose.SIGN, base64.b64encode(b"x" * 31).decode()),
        (KeyPurpose.SIGN, base64.b64encode(bytes(32)).decode()),
        (KeyPurpose.SIGN, base64.b64encode(b"\x01" + bytes(31)).decode()),
        (KeyPurpose.SIGN, None),
        (KeyPurpose.RECEIVE, "age1short"),
        (KeyPurpose.RECEIVE, "ssh-ed25519 AAAA"),
        pytest.param(KeyPurpose.RECEIVE, str(x25519.Identity.generate()), id="a secret key"),
    ],
)
def test_what_is_no_public_key_is_refused(purpose: KeyPurpose, text: object) -> None:
    with pytest.raises(InvalidInput):
        signing.checked_public_key(purpose, text)


@pytest.mark.parametrize("text", ["", "AAAA", "é", None, base64.b64encode(bytes(65)).decode()])
def test_what_is_no_signature_is_refused(text: object) -> None:
    with pytest.raises(InvalidInput):
        signing.signature_from_text(text)


def test_keys_have_one_written_form() -> None:
    text = signing.public_text(Ed25519PrivateKey.generate())
    assert signing.checked_public_key(KeyPurpose.SIGN, f"  {text}\n") == text
