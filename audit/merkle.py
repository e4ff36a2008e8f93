"""The Merkle tree of the log: hashes and proofs (RFC 6962, section 2.1; RFC 9162, sections 2.1.3 and 2.1.4).

Pure functions. A tree is read through `Subtree`, a function that gives the hash of a perfect subtree, so that proofs
come from tiles, from memory or from anything else alike.
"""

import hashlib
from collections.abc import Callable, Sequence
from hmac import compare_digest

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Subtree = Callable[[int, int], bytes]
"""``subtree(height, number)``: hash of the perfect subtree over ``2**height`` leaves from ``number << height`` on."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one log entry (RFC 6962, 2.1: SHA-256 of 0x00 and the entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node (RFC 6962, 2.1: SHA-256 of 0x01, left, right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that only grows: the perfect subtrees at its right edge, at most 64 hashes whatever its size.

    Args:
        completed: called with height and hash of every perfect subtree when its last leaf arrives, leaves included.
    """

    def __init__(self, completed: Callable[[int, bytes], None] | None = None) -> None:
        self.size = 0
        self._edge: list[bytes] = []
        self._completed = completed

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        node, height, rest = leaf, 0, self.size
        if self._completed:
            self._completed(0, node)
        while rest & 1:
            node, height, rest = node_hash(self._edge.pop(), node), height + 1, rest >> 1
            if self._completed:
                self._completed(height, node)
        self._edge.append(node)
        self.size += 1

    def extend(self, leaves: Sequence[bytes], every: int = 1) -> None:
        """Add the hashes of many leaves, in less time than one by one.

        Args:
            every: ``completed`` is called for heights that this divides, and not for leaves.
        """
        edge, completed, sha256 = self._edge, self._completed, hashlib.sha256
        for size, leaf in enumerate(leaves, self.size):
            node, rest, height = leaf, size, 0
            while rest & 1:
                node = sha256(b"\x01" + edge.pop() + node).digest()
                rest >>= 1
                height += 1
                if completed and height % every == 0:
                    completed(height, node)
            edge.append(node)
        self.size += len(leaves)

    def root(self) -> bytes:
        """Root of the tree as it stands."""
        return fold(self._edge)


def fold(subtrees: Sequence[bytes]) -> bytes:
    """Join perfect subtrees, largest first, into one hash; none give the root of the empty tree."""
    if not subtrees:
        return EMPTY_ROOT
    node = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        node = node_hash(left, node)
    return node


def root(leaves: Sequence[bytes]) -> bytes:
    """Root of the tree over these leaf hashes (RFC 6962, 2.1: MTH)."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def range_hash(start: int, end: int, subtree: Subtree) -> bytes:
    """Hash over leaves ``[start, end)``; ``start`` must be a multiple of the power of two that covers them."""
    parts = []
    while start < end:
        height = (end - start).bit_length() - 1
        parts.append(subtree(height, start >> height))
        start += 1 << height
    return fold(parts)


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """The hashes that lead from a leaf to the root, leaf's sibling first (RFC 6962, 2.1.1: PATH).

    Raises:
        ValueError: the tree of that size has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range_hash(middle, end, subtree))
            end = middle
        else:
            path.append(range_hash(start, middle, subtree))
            start = middle
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected_root: bytes) -> bool:
    """Whether the proof leads from the leaf hash at ``index`` to the root of a tree of ``size`` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf, expected_root, *proof):
        return False
    node, number, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            return False
        if number & 1 or number == last:
            node = node_hash(sibling, node)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and compare_digest(node, expected_root)


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """The hashes that show the tree of ``old`` leaves to be the beginning of that of ``new`` (RFC 6962, 2.1.2: PROOF).

    Empty when the sizes are equal or ``old`` is 0.

    Raises:
        ValueError: ``old`` is negative or larger than ``new``.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} leaves is not the beginning of one of {new}")
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old not in (0, end):
        middle = start + _split(end - start)
        if old <= middle:
            path.append(range_hash(middle, end, subtree))
            end = middle
        else:
            path.append(range_hash(start, middle, subtree))
            start, whole = middle, False
    if not whole:
        path.append(range_hash(start, end, subtree))
    return path[::-1]


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the old tree is the beginning of the new one (RFC 9162, 2.1.4.2).

    The empty tree is the beginning of every tree; its root and the proof must then be the empty ones.
    """
    if not 0 <= old <= new or not _are_hashes(old_root, new_root, *proof):
        return False
    if old == 0 and not compare_digest(old_root, EMPTY_ROOT):
        return False
    if old == new:
        return not proof and compare_digest(old_root, new_root)
    if old == 0:
        return not proof
    hashes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not hashes:
        return False
    return _walk_consistency(old - 1, new - 1, hashes, old_root, new_root)


def _walk_consistency(number: int, last: int, hashes: list[bytes], old_root: bytes, new_root: bytes) -> bool:
    while number & 1:
        number, last = number >> 1, last >> 1
    old_node = new_node = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            old_node, new_node = node_hash(sibling, old_node), node_hash(sibling, new_node)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            new_node = node_hash(new_node, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and compare_digest(old_node, old_root) and compare_digest(new_node, new_root)


def _split(count: int) -> int:
    """Largest power of two smaller than ``count``."""
    return 1 << (count - 1).bit_length() - 1


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_SIZE for value in values)
