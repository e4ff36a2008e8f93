"""Proof files (C2SP tlog-proof): read, written, checked, refused."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import InvalidInput
from audit.checkpoint import Checkpoint, sign_next
from audit.keys import SigningKey
from audit.log_keys import LogKeys
from audit.merkle import consistency_proof, inclusion_proof, leaf_hash, root
from audit.proof import Proof, check
from audit.tiles import extend, reader

ORIGIN = "hub.example/log"
KEY = SigningKey(ORIGIN, bytes(range(32)))
ENTRIES = [f"entry {number}".encode() for number in range(300)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
TILES = extend({}, 0, LEAVES)
SUBTREE = reader(lambda level, number: TILES[level, number])
NOTE = str(sign_next(KEY, None, Checkpoint(ORIGIN, 300, root(LEAVES)), consistency_proof(0, 300, SUBTREE)))


def proof_of(index: int, extra: bytes = b"") -> Proof:
    return Proof(index, tuple(inclusion_proof(index, 300, SUBTREE)), NOTE, extra)


@given(st.integers(0, 299), st.binary(max_size=20))
def test_a_proof_reads_back_and_holds(index: int, extra: bytes) -> None:
    proof = proof_of(index, extra)
    assert Proof.parse(str(proof)) == proof
    assert check(proof, ENTRIES[index], LogKeys(KEY.verifier)).size == 300


@given(st.integers(0, 299), st.integers(0, 299))
def test_a_proof_holds_for_its_own_entry_alone(index: int, other: int) -> None:
    if index != other:
        with pytest.raises(InvalidInput, match="does not show this entry"):
            check(proof_of(index), ENTRIES[other], LogKeys(KEY.verifier))
        with pytest.raises(InvalidInput, match="does not show this entry"):
            check(Proof(other, proof_of(index).path, NOTE), ENTRIES[index], LogKeys(KEY.verifier))


def test_a_proof_under_a_strangers_checkpoint_does_not_hold() -> None:
    stranger = SigningKey(ORIGIN, bytes(32))
    with pytest.raises(InvalidInput, match="not signed by the key"):
        check(proof_of(1), ENTRIES[1], LogKeys(stranger.verifier))


GOOD = str(proof_of(5))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1",
        GOOD.replace("@v1", "@v2"),
        GOOD.replace("index 5", "index 05"),
        GOOD.replace("index 5", "index -5"),
        GOOD.replace("index 5", "index 5\nextra eA=="),
        GOOD.replace("index 5", "index 5\n!"),
        GOOD.replace("index 5", f"index 5\n{base64.b64encode(bytes(31)).decode()}"),
        GOOD.replace("index 5", "index 5" + f"\n{base64.b64encode(bytes(32)).decode()}" * 65),
        GOOD.replace("\n\n", "\n"),
        GOOD[:-1],
        GOOD.partition("\n\n")[0] + "\n\nnothing\n\n— name AAAAAAAAAA==\n",
    ],
)
def test_what_is_no_proof_file_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Proof.parse(text)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for candidate in (text, f"c2sp.org/tlog-proof@v1\n{text}", GOOD[: len(text)] + text):
        try:
            Proof.parse(candidate)
        except InvalidInput:
            continue
