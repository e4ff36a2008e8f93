"""Tiles against the definition of C2SP tlog-tiles, and growth in batches against growth at once."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import EMPTY_ROOT, HASH_SIZE, inclusion_proof, leaf_hash, range_hash, root, verify_inclusion
from audit.tiles import (
    Key,
    around,
    count,
    edge,
    extend,
    named,
    path,
    reader,
    shape,
    tile_hash,
    tree_root,
    width,
)

LEAVES = [leaf_hash(number.to_bytes(4, "big")) for number in range(66_000)]
SIZES = st.one_of(st.integers(0, 1_500), st.sampled_from([255, 256, 257, 511, 512, 513]))


def tiles_of(size: int) -> dict[Key, bytes]:
    """All tiles of a tree by the specification: hash i of tile n at level l is MTH(D[(n*256+i)*256**l : …+256**l])."""
    found: dict[Key, bytes] = {}
    hashes, level = LEAVES[:size], 0
    while hashes:
        for number in range(0, len(hashes), 256):
            found[level, number // 256] = b"".join(hashes[number : number + 256])
        hashes = [root(hashes[start : start + 256]) for start in range(0, len(hashes) - 255, 256)]
        level += 1
    return found


def root_of_edge(tiles: dict[Key, bytes], size: int) -> bytes:
    """Root of a tree from no more tiles than these; a `KeyError` when more are asked for."""
    return tree_root(size, lambda level, number: tiles[level, number])


@pytest.mark.parametrize(
    ("number", "served"), [(0, "000"), (67, "067"), (1_000, "x001/000"), (1_234_067, "x001/x234/067")]
)
def test_paths_are_those_of_the_specification(number: int, served: str) -> None:
    assert path(2, number) == f"tile/2/{served}"
    assert path(0, number, 17) == f"tile/0/{served}.p/17"


@given(st.integers(0, 63), st.integers(0, 10**18 - 1), st.integers(1, 256))
def test_the_name_of_a_tile_names_it_again(level: int, number: int, wide: int) -> None:
    assert named(path(level, number, wide).removeprefix("tile/")) == (level, number, wide)


@given(st.from_regex(r"[0-9]{1,3}/(x?[0-9]{3,4}/){0,7}x?[0-9]{1,4}(\.p/[0-9]{1,4})?", fullmatch=True) | st.text())
def test_a_name_is_read_only_as_it_is_written(name: str) -> None:
    found = named(name)
    assert found is None or path(*found) == f"tile/{name}"


@pytest.mark.parametrize("name", ["00/000", "0/00", "0/x000/000", "0/000.p/256", "0/000.p/0", "0/000.p/01", "0/0²0"])
def test_other_ways_to_write_a_name_name_nothing(name: str) -> None:
    assert named(name) is None


def test_the_specifications_example_of_70_000_entries() -> None:
    assert list(shape(70_000)) == [(0, 70_000), (1, 273), (2, 1)]
    assert [(key, width(*key, 70_000)) for key in edge(70_000)] == [((0, 273), 112), ((1, 1), 17), ((2, 0), 1)]
    assert width(0, 272, 70_000) == width(1, 0, 70_000) == 256
    assert width(0, 274, 70_000) == 0
    assert [(key, width(*key, 256)) for key in edge(256)] == [((1, 0), 1)]


@given(SIZES)
def test_a_tree_grown_at_once_has_the_specified_tiles(size: int) -> None:
    grown = extend({}, 0, LEAVES[:size])
    assert grown == tiles_of(size)
    assert {key: len(tile) // HASH_SIZE for key, tile in grown.items()} == {
        (level, number): width(level, number, size)
        for level, hashes in shape(size)
        for number in range(-(-hashes // 256))
    }


@given(st.lists(SIZES, min_size=1, max_size=6))
def test_a_tree_grown_in_batches_is_the_same_and_needs_its_edge_alone(sizes: list[int]) -> None:
    tree: dict[Key, bytes] = {}
    for before, after in pairwise([0, *sorted(sizes)]):
        stored = {key: tree[key] for key in edge(before)}
        tree |= extend(stored, before, LEAVES[before:after])
        assert root_of_edge({key: tree[key] for key in edge(after)}, after) == root(LEAVES[:after])
    assert tree == tiles_of(max(sizes))


def test_growth_over_the_border_of_the_second_level() -> None:
    tree = extend({}, 0, LEAVES[:65_500])
    for before, after in pairwise([65_500, 65_535, 65_536, 65_537, 66_000]):
        tree |= extend({key: tree[key] for key in edge(before)}, before, LEAVES[before:after])
        assert (2, 0) in tree or after < 65_536
    assert tree == tiles_of(66_000)
    assert tree_root(66_000, lambda level, number: tree[level, number]) == root(LEAVES)


def test_an_edge_that_is_not_the_sizes_is_refused() -> None:
    tree = extend({}, 0, LEAVES[:300])
    with pytest.raises(ValueError, match=r"tile/0/001 is 1408 bytes wide, not 1440"):
        extend(tree, 301, LEAVES[301:310])
    with pytest.raises(ValueError, match=r"tile/0/001 is 0 bytes wide"):
        extend({}, 300, LEAVES[300:310])


@given(st.data(), SIZES.filter(bool))
def test_proofs_read_from_tiles_hold(data: st.DataObject, size: int) -> None:
    tree = extend({}, 0, LEAVES[:size])
    index = data.draw(st.integers(0, size - 1))
    wanted = {place: tree[place] for place in around(index, size)}
    subtree = reader(lambda level, number: wanted[level, number])
    proof = inclusion_proof(index, size, subtree)
    assert verify_inclusion(LEAVES[index], index, size, proof, root(LEAVES[:size]))
    assert range_hash(0, size, subtree) == root(LEAVES[:size])


def test_a_reader_refuses_what_a_tile_does_not_hold() -> None:
    tree = extend({}, 0, LEAVES[:300])
    subtree = reader(lambda level, number: tree.get((level, number), b""))
    assert subtree(0, 299) == LEAVES[299]
    with pytest.raises(LookupError, match=r"tile/0/001 does not reach hash 44"):
        subtree(0, 300)
    with pytest.raises(LookupError):
        subtree(8, 1)


def test_small_things() -> None:
    assert tree_root(0, lambda level, number: b"") == EMPTY_ROOT
    assert edge(0) == []
    assert extend({}, 0, []) == {}
    assert count(1, 65_535) == 255
    assert tile_hash(b"".join(LEAVES[:256])) == root(LEAVES[:256])
