"""Cosignatures of both kinds, their messages byte for byte as C2SP tlog-cosignature writes them, and the second key."""

import base64
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import InvalidInput
from audit.checkpoint import Checkpoint, open_checkpoint, sign_next
from audit.cosigned import ed25519_message, ml_dsa_message
from audit.keys import ED25519_COSIGNATURE, ML_DSA_44, Cosigner, SigningKey, VerifierKey, key_id
from audit.log_keys import LogKeys, parse_log_keys
from audit.merkle import leaf_hash, root
from audit.note import Note, Signature

TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
ROOT = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
MOMENT = 1_679_315_147
KEY = SigningKey("hub.example/log", bytes(range(32)))
CHECKPOINT = Checkpoint("hub.example/log", 1, root([leaf_hash(b"entry")]))
WITNESS = Cosigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(bytes(32)))


def test_the_ed25519_message_is_the_specifications() -> None:
    assert ed25519_message(TEXT.encode(), MOMENT).decode() == f"cosignature/v1\ntime 1679315147\n{TEXT}"


def test_the_ml_dsa_message_is_the_specifications_structure() -> None:
    name, origin = b"witness.example/w1", b"example.com/behind-the-sofa"
    expected = struct.pack(
        f">12sB{len(name)}sQB{len(origin)}sQQ32s",
        b"subtree/v1\n\0", len(name), name, MOMENT, len(origin), origin, 0, 20_852_163, ROOT,
    )  # fmt: skip
    assert ml_dsa_message(name.decode(), TEXT.encode(), MOMENT) == expected


@pytest.mark.parametrize("text", [b"", b"o\n1\n", b"o\nx\nAAAA\n", b"o\n1\nAAAA\n", b"o" * 256 + TEXT.encode()[27:]])
def test_what_is_no_checkpoint_has_no_message_and_no_valid_cosignature(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        ml_dsa_message("name", text, 1)
    assert not KEY.second.verifier.verifies(text, bytes(8 + 2420))


def test_lines_carry_the_moment_and_a_signature_that_the_library_verifies() -> None:
    note = Note(TEXT).cosigned(WITNESS, MOMENT).cosigned(KEY.second, MOMENT)
    first, second = note.signatures
    assert (len(first.value), len(second.value)) == (8 + 64, 8 + 2420)
    assert first.value[:8] == second.value[:8] == MOMENT.to_bytes(8, "big")
    assert first.key_id == key_id("witness.example/w1", ED25519_COSIGNATURE, WITNESS.verifier.public)
    assert second.key_id == key_id("hub.example/log", ML_DSA_44, KEY.second.verifier.public)
    message = f"cosignature/v1\ntime {MOMENT}\n{TEXT}".encode()
    Ed25519PublicKey.from_public_bytes(WITNESS.verifier.public).verify(first.value[8:], message)
    message = ml_dsa_message("hub.example/log", TEXT.encode(), MOMENT)
    MLDSA44PublicKey.from_public_bytes(KEY.second.verifier.public).verify(second.value[8:], message)


@pytest.mark.parametrize("cosigner", [WITNESS, KEY.second])
@given(place=st.integers(0, 8 + 63), bit=st.integers(0, 7))
def test_a_cosignature_holds_for_its_text_its_moment_and_its_name_alone(
    cosigner: Cosigner, place: int, bit: int
) -> None:
    value = cosigner.sign(TEXT.encode(), MOMENT)
    key = cosigner.verifier
    assert key.verifies(TEXT.encode(), value)
    changed = bytearray(value)
    changed[place] ^= 1 << bit
    assert not key.verifies(TEXT.encode(), bytes(changed))
    assert not key.verifies(TEXT.replace("163", "164").encode(), value)
    renamed = VerifierKey("another", key.public, key.kind)
    assert renamed.verifies(TEXT.encode(), value) == (key.kind == ED25519_COSIGNATURE)


def test_public_keys_of_cosigners_read_back() -> None:
    for key in (WITNESS.verifier, KEY.second.verifier):
        assert VerifierKey.parse(str(key)) == key
    promises = SigningKey("hub.example/log/promises", bytes(32)).verifier
    assert parse_log_keys(f"{KEY.verifier}\n{KEY.second.verifier}\n") == LogKeys(KEY.verifier, KEY.second.verifier)
    assert parse_log_keys(str(KEY.verifier)) == LogKeys(KEY.verifier)
    whole = LogKeys(KEY.verifier, KEY.second.verifier, promises)
    assert parse_log_keys(str(whole)) == whole
    other = SigningKey("other.example/log", bytes(32))
    for text in (
        "",
        str(KEY.second.verifier),
        f"{KEY.verifier} {other.second.verifier}",
        f"{KEY.verifier} x",
        f"{promises} {KEY.verifier}",
    ):
        with pytest.raises(InvalidInput):
            parse_log_keys(text)


def test_a_checkpoint_has_both_signatures_of_the_log_and_both_are_checked() -> None:
    note = sign_next(KEY, None, CHECKPOINT, [], MOMENT)
    second = KEY.second.verifier
    assert note.is_signed_by(KEY.verifier)
    assert note.is_signed_by(second)
    assert open_checkpoint(str(note), KEY.verifier, "hub.example/log", second) == CHECKPOINT
    ours = note.signatures[1]
    damaged = Signature(ours.name, ours.key_id, ours.value[:-1] + bytes([ours.value[-1] ^ 1]))
    with pytest.raises(InvalidInput, match="not signed"):
        open_checkpoint(str(Note(note.text, (note.signatures[0], damaged))), KEY.verifier, "hub.example/log", second)


def test_a_checkpoint_from_before_the_second_key_still_verifies_and_the_second_alone_is_not_enough() -> None:
    second = KEY.second.verifier
    old = Note(str(CHECKPOINT)).signed(KEY)
    assert open_checkpoint(str(old), KEY.verifier, "hub.example/log", second) == CHECKPOINT
    alone = Note(str(CHECKPOINT)).cosigned(KEY.second, MOMENT)
    with pytest.raises(InvalidInput, match="not signed"):
        open_checkpoint(str(alone), KEY.verifier, "hub.example/log", second)


def test_the_second_key_is_that_of_the_seed_and_not_the_seed_itself() -> None:
    again = SigningKey("hub.example/log", bytes(range(32))).second
    assert again.verifier == KEY.second.verifier
    assert SigningKey("hub.example/log", bytes(32)).second.verifier != KEY.second.verifier
    undivided = Cosigner("hub.example/log", MLDSA44PrivateKey.from_seed_bytes(bytes(range(32))))
    assert KEY.second.verifier != undivided.verifier
    # kept as a fixed point: another derivation would give every running site another key
    assert KEY.second.verifier.identity.hex() == "c183cb4e"
