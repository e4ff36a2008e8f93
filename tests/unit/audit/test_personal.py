"""Sealing of personal details, and what verification reads without the writer."""

import base64
import subprocess
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Misconfigured
from audit.personal import SALT_SIZE, Seal, committed, details_of
from schemas.canonical import sha256_hex

SEAL = Seal(base64.urlsafe_b64encode(bytes(32)).decode())
ENTRY = uuid.UUID(int=7)


@given(st.dictionaries(st.text(), st.text()))
def test_what_is_sealed_opens_to_its_commitment(details: dict[str, str]) -> None:
    commitment, opening = committed(details)
    opened = SEAL.open(ENTRY, *SEAL.close(ENTRY, opening))
    assert details_of(opened) == details
    assert sha256_hex(opened) == commitment


def test_the_same_details_have_another_commitment_each_time() -> None:
    one, other = committed({"name": "张三"}), committed({"name": "张三"})
    assert one[0] != other[0]
    assert len(one[1]) > SALT_SIZE


@given(st.binary(max_size=60), st.integers(0, 10_000))
def test_a_changed_bit_does_not_open(opening: bytes, place: int) -> None:
    wrapped, ciphertext = SEAL.close(ENTRY, opening)
    whole = bytearray(wrapped + ciphertext)
    whole[place % len(whole)] ^= 1 << place % 8
    with pytest.raises(ValueError, match="decrypt|does not have"):
        SEAL.open(ENTRY, bytes(whole[: len(wrapped)]), bytes(whole[len(wrapped) :]))


def test_another_entry_or_site_does_not_open() -> None:
    sealed = SEAL.close(ENTRY, b"details")
    with pytest.raises(ValueError, match="does not decrypt"):
        SEAL.open(uuid.UUID(int=8), *sealed)
    with pytest.raises(ValueError, match="does not decrypt"):
        Seal(base64.urlsafe_b64encode(bytes([1] * 32)).decode()).open(ENTRY, *sealed)
    for wrapped, ciphertext in [(b"", b""), (b"\x01", b"x"), (sealed[0], b"")]:
        with pytest.raises(ValueError, match="does not"):
            SEAL.open(ENTRY, wrapped, ciphertext)


@pytest.mark.parametrize("key", ["", "x", "not base64!", base64.urlsafe_b64encode(bytes(31)).decode()])
def test_a_wrong_sealing_key_names_its_setting(key: str) -> None:
    with pytest.raises(Misconfigured, match="SHUNIU_SEALING_KEY"):
        Seal(key)


def test_verification_does_not_share_the_writers_code() -> None:
    program = "import audit.verify, sys; print(sorted(name for name in sys.modules if name.startswith('audit.')))"
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert "audit.verify_tree" in loaded
    assert not {"'audit.append'", "'audit.sequence'"} & set(loaded.strip("[]\n").split(", "))
