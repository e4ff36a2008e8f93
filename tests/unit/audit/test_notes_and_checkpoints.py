"""Keys, notes and checkpoints, with the examples of C2SP signed-note and of Go's sumdb, byte for byte."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import InvalidInput, Misconfigured, Terminal
from audit.checkpoint import Checkpoint, open_checkpoint, sign_next
from audit.keys import SigningKey, VerifierKey, is_key_name, key_id
from audit.merkle import EMPTY_ROOT, consistency_proof, leaf_hash, root
from audit.note import Note
from audit.tiles import extend, reader

SPECIFICATION_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPECIFICATION_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    f"{GO_TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ORIGIN = "hub.example/log"
KEY = SigningKey(ORIGIN, bytes(range(32)))
LEAVES = [leaf_hash(bytes([number])) for number in range(100)]
TILES = extend({}, 0, LEAVES)


def proof_of(old: int, new: int) -> list[bytes]:
    return consistency_proof(old, new, reader(lambda level, number: TILES[level, number]))


def at(size: int, origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin, size, root(LEAVES[:size]))


def test_the_specifications_note_verifies() -> None:
    key = VerifierKey.parse(SPECIFICATION_KEY)
    assert str(key) == SPECIFICATION_KEY
    assert Note.parse(SPECIFICATION_NOTE).is_signed_by(key)
    assert str(Note.parse(SPECIFICATION_NOTE)) == SPECIFICATION_NOTE


def test_we_sign_what_go_signs() -> None:
    key = SigningKey("PeterNeumann", GO_SEED)
    assert str(key.verifier) == GO_KEY
    assert str(Note(GO_TEXT).signed(key)) == GO_NOTE


@pytest.mark.parametrize("start", range(len(GO_KEY)))
def test_a_damaged_key_is_refused(start: int) -> None:
    damaged = [GO_KEY[:start], GO_KEY[:start] + chr(ord(GO_KEY[start]) + 1) + GO_KEY[start + 1 :]]
    for text in [*damaged, GO_KEY[start + 1 :]]:
        with pytest.raises(InvalidInput):
            VerifierKey.parse(text)


def test_keys_of_another_kind_or_length_are_refused() -> None:
    for kind, material in ((0x66, bytes(32)), (0x01, bytes(33)), (0x01, b""), (0x04, bytes(31)), (0x06, bytes(32))):
        encoded = base64.b64encode(bytes([kind]) + material).decode()
        with pytest.raises(InvalidInput):
            VerifierKey.parse(f"name+{key_id('name', kind, material).hex()}+{encoded}")


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "a\x00"])
def test_names_that_cannot_name_a_key(name: str) -> None:
    assert not is_key_name(name)
    with pytest.raises(Misconfigured):
        SigningKey.from_setting(name, base64.b64encode(bytes(32)).decode())


@pytest.mark.parametrize("text", ["", "x", base64.b64encode(bytes(31)).decode()])
def test_a_wrong_log_key_names_its_setting(text: str) -> None:
    with pytest.raises(Misconfigured, match="SHUNIU_LOG_KEY"):
        SigningKey.from_setting(ORIGIN, text)


def test_signatures_of_strangers_are_passed_over_and_a_wrong_one_of_ours_is_not() -> None:
    stranger, namesake = SigningKey("stranger", bytes(32)), SigningKey(ORIGIN, bytes(32))
    note = Note("text\n").signed(stranger).signed(namesake)
    assert not note.is_signed_by(KEY.verifier)
    assert note.signed(KEY).is_signed_by(KEY.verifier)
    ours = Note("other text\n").signed(KEY).signatures
    assert not Note("text\n", (*note.signed(KEY).signatures, *ours)).is_signed_by(KEY.verifier)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        GO_NOTE[:-1],
        GO_NOTE.replace("\n\n", "\n"),
        GO_NOTE.replace("— ", "- "),
        GO_NOTE.replace("you", "y\x01u", 1),
        GO_NOTE.replace("x08g", "x08!"),
        GO_NOTE.replace("PeterNeumann", "Peter+Neumann"),
        "text\n\n— name AAAA\n",
        "text\n\n" + "— name AAAAAAAA\n" * 101,
    ],
)
def test_what_is_no_signed_note_is_refused(note: str) -> None:
    with pytest.raises(InvalidInput):
        Note.parse(note)


@given(
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=80),
    st.binary(min_size=32, max_size=32),
)
def test_a_signed_note_reads_back(text: str, seed: bytes) -> None:
    key = SigningKey("name", seed)
    note = Note(f"{text}\n").signed(key)
    assert Note.parse(str(note)) == note
    assert note.is_signed_by(key.verifier)


def test_a_checkpoint_reads_back_and_its_words_are_the_specifications() -> None:
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = Checkpoint.parse(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert str(checkpoint) == text
    assert Checkpoint.parse(f"{text}extension\n") == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o\n1\n",
        f"o\n1\n{base64.b64encode(bytes(31)).decode()}\n",
        f"o\n01\n{base64.b64encode(bytes(32)).decode()}\n",
        f"o\n-1\n{base64.b64encode(bytes(32)).decode()}\n",
        f"o\n1\n{base64.b64encode(bytes(32)).decode()}",
        f"\n1\n{base64.b64encode(bytes(32)).decode()}\n",
        f"o\n1\n{base64.b64encode(bytes(32)).decode()}\n\n",
        f"o\n{10**30}\n{base64.b64encode(bytes(32)).decode()}\n",
        "o\n1\n" + "!" * 44 + "\n",
        "o\n1\n" + "A" * 42 + "B=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Checkpoint.parse(text)


def test_only_a_checkpoint_of_the_log_and_its_key_is_trusted() -> None:
    note = str(sign_next(KEY, None, at(3), []))
    assert open_checkpoint(note, KEY.verifier, ORIGIN) == at(3)
    with pytest.raises(InvalidInput, match="not signed by the key"):
        open_checkpoint(note, SigningKey(ORIGIN, bytes(32)).verifier, ORIGIN)
    with pytest.raises(InvalidInput, match="not of other.example/log"):
        open_checkpoint(note, KEY.verifier, "other.example/log")
    with pytest.raises(InvalidInput, match="not signed by the key"):
        open_checkpoint(note.replace("\n3\n", "\n4\n"), KEY.verifier, ORIGIN)


@given(st.integers(1, 100), st.integers(1, 100))
def test_a_checkpoint_that_continues_the_last_is_signed_and_no_other(old: int, new: int) -> None:
    proof = proof_of(min(old, new), max(old, new))
    if new > old:
        assert sign_next(KEY, at(old), at(new), proof).is_signed_by(KEY.verifier)
    else:
        with pytest.raises(Terminal):
            sign_next(KEY, at(old), at(new), proof)


def test_a_fork_an_empty_log_and_another_origin_are_not_signed() -> None:
    proof = proof_of(40, 80)
    forked = Checkpoint(ORIGIN, 80, root([leaf_hash(b"forged"), *LEAVES[1:80]]))
    for previous, following, path in [
        (at(40), forked, proof),
        (at(40), at(80), proof[:-1]),
        (at(40, "other.example/log"), at(80), proof),
        (None, Checkpoint(ORIGIN, 0, EMPTY_ROOT), []),
        (None, at(80), proof),
    ]:
        with pytest.raises(Terminal):
            sign_next(KEY, previous, following, path)
