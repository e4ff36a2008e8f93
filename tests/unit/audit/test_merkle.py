"""Our tree against a word-for-word transcription of RFC 6962, section 2.1, and against published hashes."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    range_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

ENTRIES = [bytes.fromhex(text) for text in ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]]
ENTRIES.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
# Roots of the first 0 to 8 of these entries, as Certificate Transparency implementations publish them.
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = st.integers(1, 600)


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4, "big")) for number in range(size)]


def naive_split(size: int) -> int:
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def naive_root(hashes: Sequence[bytes]) -> bytes:
    if not hashes:
        return hashlib.sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    k = naive_split(len(hashes))
    return hashlib.sha256(b"\x01" + naive_root(hashes[:k]) + naive_root(hashes[k:])).digest()


def naive_path(m: int, hashes: Sequence[bytes]) -> list[bytes]:
    if len(hashes) == 1:
        return []
    k = naive_split(len(hashes))
    if m < k:
        return [*naive_path(m, hashes[:k]), naive_root(hashes[k:])]
    return [*naive_path(m - k, hashes[k:]), naive_root(hashes[:k])]


def naive_subproof(m: int, hashes: Sequence[bytes], complete: bool) -> list[bytes]:
    if m == len(hashes):
        return [] if complete else [naive_root(hashes)]
    k = naive_split(len(hashes))
    if m <= k:
        return [*naive_subproof(m, hashes[:k], complete), naive_root(hashes[k:])]
    return [*naive_subproof(m - k, hashes[k:], False), naive_root(hashes[:k])]


class Memory:
    """Perfect subtrees over leaf hashes in memory."""

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self.hashes = hashes

    def __call__(self, height: int, number: int) -> bytes:
        part = self.hashes[number << height : (number + 1) << height]
        assert len(part) == 1 << height, "asked for a subtree that is not perfect"
        return naive_root(part)


def flipped(data: bytes, bit: int) -> bytes:
    return (int.from_bytes(data, "big") ^ 1 << bit % (8 * len(data))).to_bytes(len(data), "big")


def test_roots_are_the_published_ones() -> None:
    hashes = [leaf_hash(entry) for entry in ENTRIES]
    assert [root(hashes[:size]).hex() for size in range(9)] == ROOTS
    assert EMPTY_ROOT.hex() == ROOTS[0]


@given(SIZES)
def test_root_and_frontier_agree_with_the_rfc(size: int) -> None:
    hashes = leaves(size)
    frontier = Frontier()
    for leaf in hashes:
        frontier.append(leaf)
    assert root(hashes) == frontier.root() == naive_root(hashes) == range_hash(0, size, Memory(hashes))
    assert frontier.size == size


def test_frontier_tells_every_perfect_subtree_once() -> None:
    seen: list[tuple[int, bytes]] = []
    frontier = Frontier(lambda height, node: seen.append((height, node)))
    hashes = leaves(11)
    for leaf in hashes:
        frontier.append(leaf)
    memory = Memory(hashes)
    assert sorted(seen) == sorted(
        (height, memory(height, number)) for height in range(4) for number in range(11 >> height)
    )


@given(SIZES, SIZES)
def test_a_frontier_grows_by_many_leaves_as_by_one(size: int, first: int) -> None:
    one: list[tuple[int, bytes]] = []
    many: list[tuple[int, bytes]] = []
    single, batch = (
        Frontier(lambda *each: one.append(each)),
        Frontier(lambda *each: many.append(each)),
    )
    hashes = leaves(size)
    for leaf in hashes:
        single.append(leaf)
    batch.extend(hashes[:first], every=2)
    batch.extend(hashes[first:], every=2)
    assert (batch.size, batch.root()) == (single.size, single.root())
    assert many == [each for each in one if each[0] and each[0] % 2 == 0]


@given(st.data(), SIZES)
def test_inclusion_proofs_are_those_of_the_rfc_and_hold(data: st.DataObject, size: int) -> None:
    hashes = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, Memory(hashes))
    assert proof == naive_path(index, hashes)
    assert verify_inclusion(hashes[index], index, size, proof, root(hashes))


@given(st.data(), st.integers(2, 300))
def test_a_changed_inclusion_proof_does_not_hold(data: st.DataObject, size: int) -> None:
    hashes, whole = leaves(size), root(leaves(size))
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, Memory(hashes))
    place, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    changed = [flipped(node, bit) if at == place else node for at, node in enumerate(proof)]
    assert not verify_inclusion(hashes[index], index, size, changed, whole)
    assert not verify_inclusion(flipped(hashes[index], bit), index, size, proof, whole)
    assert not verify_inclusion(hashes[index], index, size, proof, flipped(whole, bit))
    assert not verify_inclusion(hashes[index], index, size, proof[:-1], whole)
    assert not verify_inclusion(hashes[index], index, size, [*proof, whole], whole)
    assert not verify_inclusion(hashes[index], index, size, [node + b"\x00" for node in proof], whole)
    other = data.draw(st.integers(-2, size + 2).filter(lambda value: value != index))
    assert not verify_inclusion(hashes[index], other, size, proof, whole)


@given(st.data(), SIZES)
def test_consistency_proofs_are_those_of_the_rfc_and_hold(data: st.DataObject, new: int) -> None:
    hashes = leaves(new)
    old = data.draw(st.integers(0, new))
    proof = consistency_proof(old, new, Memory(hashes))
    assert proof == (naive_subproof(old, hashes, True) if old else [])
    assert verify_consistency(old, new, root(hashes[:old]), root(hashes), proof)


@given(st.data(), st.integers(2, 300))
def test_a_rewritten_tree_is_not_consistent(data: st.DataObject, new: int) -> None:
    hashes = leaves(new)
    old = data.draw(st.integers(1, new - 1))
    at, bit = data.draw(st.integers(0, old - 1)), data.draw(st.integers(0, 255))
    rewritten = [flipped(leaf, bit) if number == at else leaf for number, leaf in enumerate(hashes)]
    proof = consistency_proof(old, new, Memory(rewritten))
    assert not verify_consistency(old, new, root(hashes[:old]), root(rewritten), proof)
    honest = consistency_proof(old, new, Memory(hashes))
    assert not verify_consistency(old, new, root(hashes[:old]), root(rewritten), honest)
    place = data.draw(st.integers(0, len(honest) - 1))
    changed = [flipped(node, bit) if number == place else node for number, node in enumerate(honest)]
    assert not verify_consistency(old, new, root(hashes[:old]), root(hashes), changed)
    assert not verify_consistency(old, new, root(hashes[:old]), root(hashes), honest[:-1])
    assert not verify_consistency(old, new, root(hashes[:old]), root(hashes), [*honest, EMPTY_ROOT])


def test_sizes_that_cannot_be_are_refused() -> None:
    whole = root(leaves(5))
    with pytest.raises(ValueError, match="no leaf 5"):
        inclusion_proof(5, 5, Memory(leaves(5)))
    with pytest.raises(ValueError, match="not the beginning"):
        consistency_proof(6, 5, Memory(leaves(5)))
    assert not verify_consistency(6, 5, whole, whole, [])
    assert not verify_consistency(-1, 5, whole, whole, [])
    assert not verify_consistency(0, 5, whole, whole, [])
    assert not verify_consistency(5, 5, whole, EMPTY_ROOT, [])
    assert not verify_consistency(3, 5, root(leaves(3)), whole, [])


def test_the_sides_of_a_node_are_told_apart() -> None:
    left, right = leaves(2)
    assert node_hash(left, right) != node_hash(right, left)
