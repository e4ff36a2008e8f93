"""Arithmetic of hash tiles (C2SP tlog-tiles): which tiles a tree has, how they grow, what can be read from them.

Pure functions. A tile is the concatenation of up to 256 hashes; ``(level, number)`` names it. Level 0 holds leaf
hashes, a hash at level *l* stands for 256**l leaves. A tile narrower than 256 is partial and has no hash at the level
above.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from audit.merkle import HASH_SIZE, Subtree, range_hash

WIDTH = 256
HEIGHT = 8
TILE_SIZE = WIDTH * HASH_SIZE
REMEMBERED = 512
"""Tiles whose inner hashes a process remembers, 24 KiB each."""

_NAME = re.compile(r"([0-9]{1,2})/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([0-9]{1,3}))?")

Key = tuple[int, int]
"""Level and number of a tile."""


def path(level: int, number: int, width: int = WIDTH) -> str:
    """Where a tile is served, e.g. ``tile/0/x001/x234/067.p/5``."""
    return f"tile/{level}/{_number_path(number)}{_partial(width)}"


def named(name: str) -> tuple[int, int, int] | None:
    """Level, number and width of the tile that is served at ``tile/`` and this name; None when none can be there."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    level, number = int(found[1]), int(re.sub("[x/]", "", found[2]))
    hashes = int(found[3]) if found[3] else WIDTH
    written_so = 1 <= hashes <= WIDTH and path(level, number, hashes) == f"tile/{name}"
    return (level, number, hashes) if written_so else None


def count(level: int, size: int) -> int:
    """Number of hashes that a tree of ``size`` leaves has at a level."""
    return size >> HEIGHT * level


def width(level: int, number: int, size: int) -> int:
    """Number of hashes in a tile of a tree of ``size`` leaves; 0 where the tree has no such tile."""
    return max(0, min(WIDTH, count(level, size) - number * WIDTH))


def shape(size: int) -> Iterator[tuple[int, int]]:
    """For each level of a tree of ``size`` leaves, lowest first: the level and its number of hashes."""
    level = 0
    while count(level, size):
        yield level, count(level, size)
        level += 1


def edge(size: int) -> list[Key]:
    """The partial tiles at the right edge of a tree: all that is needed to go on, and to compute its root."""
    return [(level, hashes // WIDTH) for level, hashes in shape(size) if hashes % WIDTH]


def around(index: int, size: int) -> set[Key]:
    """The tiles that a proof of inclusion is read from: those above the leaf, and the tree's right edge."""
    return {(level, index >> HEIGHT * (level + 1)) for level, _ in shape(size)} | set(edge(size))


def extend(stored: Mapping[Key, bytes], size: int, leaves: Sequence[bytes]) -> dict[Key, bytes]:
    """Append leaf hashes to a tree.

    Args:
        stored: at least the tiles that `edge` names for ``size``.
        size: number of leaves so far.
        leaves: hashes of the new leaves, in order.

    Returns:
        Every tile that is new or wider than before, whole.

    Raises:
        ValueError: a stored tile has not the width that the size asks for.
    """
    changed: dict[Key, bytes] = {}
    level, fresh = 0, b"".join(leaves)
    while fresh:
        before = count(level, size)
        number, held = divmod(before, WIDTH)
        kept = stored.get((level, number), b"") if held else b""
        if len(kept) != held * HASH_SIZE:
            raise ValueError(f"tile {path(level, number)} is {len(kept)} bytes wide, not {held * HASH_SIZE}")
        pieces = _cut(kept + fresh)
        changed.update({(level, number + offset): piece for offset, piece in enumerate(pieces)})
        fresh = b"".join(tile_hash(piece) for piece in pieces if len(piece) == TILE_SIZE)
        level += 1
    return changed


def tile_hash(tile: bytes) -> bytes:
    """Root over a full tile's hashes: its one hash at the level above."""
    while len(tile) > HASH_SIZE:
        tile = _paired(tile)
    return tile


def reader(tile: Callable[[int, int], bytes]) -> Subtree:
    """A reader of perfect subtrees over stored tiles.

    Args:
        tile: gives the hashes of ``(level, number)``, at least as wide as the tree that is read.

    Raises:
        LookupError: (by the reader) a tile is narrower than what is asked of it.
    """

    def subtree(height: int, number: int) -> bytes:
        level, within = divmod(height, HEIGHT)
        tile_number, offset = divmod(number << within, WIDTH)
        place = (offset >> within) * HASH_SIZE
        node = _nodes(tile(level, tile_number))[within][place : place + HASH_SIZE]
        if len(node) != HASH_SIZE:
            raise LookupError(f"tile {path(level, tile_number)} does not reach hash {offset + (1 << within) - 1}")
        return node

    return subtree


def tree_root(size: int, tile: Callable[[int, int], bytes]) -> bytes:
    """Root of a tree of ``size`` leaves; asks for the tiles that `edge` names and no others.

    Raises:
        LookupError: a tile is missing or too narrow.
    """
    return range_hash(0, size, reader(tile))


@lru_cache(maxsize=REMEMBERED)
def _nodes(tile: bytes) -> tuple[bytes, ...]:
    """The hashes of all perfect subtrees within a tile, by height; remembered by its content, so never out of date."""
    nodes = [tile]
    for _ in range(HEIGHT - 1):
        nodes.append(_paired(nodes[-1]))
    return tuple(nodes)


def _paired(hashes: bytes) -> bytes:
    """The hashes one height above; the last of an odd number has none."""
    pair = 2 * HASH_SIZE
    starts = range(0, len(hashes) - pair + 1, pair)
    return b"".join([hashlib.sha256(b"\x01" + hashes[start : start + pair]).digest() for start in starts])


def _cut(data: bytes, size: int = TILE_SIZE) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _number_path(number: int) -> str:
    groups = [f"{number % 1000:03d}"]
    while number >= 1000:
        number //= 1000
        groups.append(f"x{number % 1000:03d}")
    return "/".join(reversed(groups))


def _partial(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"
