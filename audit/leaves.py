"""Look for leaves in a log as others keep it: a hub's public addresses, or a folder of C2SP tlog-tiles.

Nothing that is read is trusted: a leaf counts as found when the checkpoint that the log signed includes it, and as
missing when all leaves together give that checkpoint's root and it is not among them.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import urllib3

from adapters.errors import InvalidInput, Transient
from audit import tiles
from audit.checkpoint import Checkpoint
from audit.merkle import HASH_SIZE, inclusion_proof, verify_inclusion

Source = Callable[[str], bytes | None]
"""Gives what lies at a path of C2SP tlog-tiles (``checkpoint``, ``tile/0/000``); None when nothing does."""

CHECKPOINT = "checkpoint"
COSIGNED = "cosigned"
"""Where a log has its last checkpoint, and the newest that enough witnesses cosigned."""
LOG_PATH = "/api/v1/log/"
LARGEST_ANSWER = 1 << 20
_TIMEOUT = urllib3.Timeout(connect=10, read=30)


@dataclass(frozen=True)
class Seen:
    """What a log was seen to hold.

    Attributes:
        checkpoint: signed by the log.
        numbers: leaf hash to number, of those leaves that were looked for and found.
        note: the checkpoint's, as it was read.
    """

    checkpoint: Checkpoint
    numbers: dict[bytes, int]
    note: str


def source_of(place: str) -> Source:
    """The log at a hub's address (``https://hub.example``) or in a folder."""
    return _hub(place) if place.startswith(("http://", "https://")) else _folder(Path(place))


def look_for(
    source: Source, wanted: Collection[bytes], trusted: Callable[[str], Checkpoint], name: str = CHECKPOINT
) -> Seen:
    """Look for leaf hashes, from the newest entries back, until all are found or nothing is left to read.

    Args:
        wanted: leaf hashes, 32 bytes each.
        name: of the checkpoint to go by.
        trusted: reads a signed checkpoint, or refuses it with InvalidInput.

    Raises:
        InvalidInput: the checkpoint is missing or refused, or what lies beside it does not belong to it.
        Transient: the hub does not answer.
    """
    note = source(name)
    if note is None:
        raise InvalidInput("evidence.no_checkpoint", "There is no {name} at this place.", name=name)
    read = note.decode(errors="replace")
    checkpoint = trusted(read)
    missing, numbers, hashes = set(wanted), dict[bytes, int](), list[bytes]()
    for number, tile in _newest_first(source, checkpoint.size):
        for offset in range(len(tile) // HASH_SIZE):
            leaf = tile[offset * HASH_SIZE : (offset + 1) * HASH_SIZE]
            if leaf in missing:
                missing.discard(leaf)
                numbers[leaf] = number * tiles.WIDTH + offset
        if len(tile) == tiles.TILE_SIZE:
            hashes.append(tiles.tile_hash(tile))
        if not missing:
            break
    if missing:
        _require_whole(source, checkpoint, hashes[::-1])
    for leaf, index in numbers.items():
        _require_included(source, checkpoint, leaf, index)
    return Seen(checkpoint, numbers, read)


def _newest_first(source: Source, size: int) -> Iterator[tuple[int, bytes]]:
    for number in reversed(range(-(-size // tiles.WIDTH))):
        yield number, tile_of(source, 0, number, size)


def tile_of(source: Source, level: int, number: int, size: int) -> bytes:
    """A tile as wide as a tree of this size has it; a partial one may have grown full meanwhile.

    Raises:
        InvalidInput: it is missing, or too short.
    """
    width = tiles.width(level, number, size)
    data = source(tiles.path(level, number, width))
    if data is None and width < tiles.WIDTH:
        data = source(tiles.path(level, number))
    if data is None or len(data) < width * HASH_SIZE:
        raise InvalidInput(
            "evidence.tile_missing",
            "The log's {tile} is missing or too short there. Fetch the log again, whole.",
            tile=tiles.path(level, number, width),
        )
    return data[: width * HASH_SIZE]


def _require_whole(source: Source, checkpoint: Checkpoint, hashes: list[bytes]) -> None:
    """All leaves that were read are those of the checkpoint.

    Args:
        hashes: of all full tiles of leaves, in order.
    """
    upper = tiles.extend({}, 0, hashes)

    def tile(level: int, number: int) -> bytes:
        return upper.get((level - 1, number), b"") if level else tile_of(source, 0, number, checkpoint.size)

    if tiles.tree_root(checkpoint.size, tile) != checkpoint.root:
        raise _other(checkpoint)


def _require_included(source: Source, checkpoint: Checkpoint, leaf: bytes, index: int) -> None:
    read = tiles.reader(lambda level, number: tile_of(source, level, number, checkpoint.size))
    path = inclusion_proof(index, checkpoint.size, read)
    if not verify_inclusion(leaf, index, checkpoint.size, path, checkpoint.root):
        raise _other(checkpoint)


def _other(checkpoint: Checkpoint) -> InvalidInput:
    return InvalidInput(
        "evidence.tiles_of_another_log",
        "The hashes there do not give the root of their checkpoint of {size} entries: they were changed, or are another"
        " log's. Tell the audit administrator.",
        size=checkpoint.size,
    )


def _folder(folder: Path) -> Source:
    def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    return read


def _hub(address: str) -> Source:
    pool = urllib3.PoolManager(timeout=_TIMEOUT, retries=False)

    def read(path: str) -> bytes | None:
        try:
            with pool.request("GET", address.rstrip("/") + LOG_PATH + path, preload_content=False) as answer:
                data = answer.read(LARGEST_ANSWER)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise _silent(address, type(error).__name__) from error
        if answer.status not in {200, 404}:
            raise _silent(address, f"status {answer.status}")
        return data if answer.status == 200 else None

    return read


def _silent(address: str, reason: str) -> Transient:
    return Transient(
        "evidence.hub_silent",
        "The hub at {address} did not answer ({reason}). Try again.",
        address=address,
        reason=reason,
    )
