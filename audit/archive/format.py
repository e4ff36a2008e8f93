"""The format of an archive, ``shuniu:archive/1``: JSON lines in gzip (RFC 1952), as ``gunzip`` reads them.

The first gzip member is the header, one line of canonical JSON (RFC 8785). Each further member is a block of up to 256
lines, one for each entry, in log order; of an entry that was declared lost the line has the hash alone. The header
names the SHA-256 of each block as it is stored and the digest of the archive before, so that the header's own SHA-256
vouches for the whole file and for all files before it, and any one block can be read and checked alone.
"""

import base64
import gzip
import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import orjson

from schemas.canonical import canonical_bytes

FORMAT = "shuniu:archive/1"
BLOCK = 256
LARGEST_HEADER = 1 << 24


@dataclass(frozen=True)
class Block:
    """A block as it is stored: its bytes and their SHA-256, hex."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Kept:
    """What an archive keeps of an entry: its canonical text, and the ciphertext of its personal details, if any.

    Of an entry that was declared lost it keeps ``leaf``, its hash in the tree, which is empty otherwise.
    """

    index: int
    body: bytes
    ciphertext: bytes | None
    leaf: bytes = b""

    def line(self) -> bytes:
        """The entry as a line of a block."""
        if self.leaf:
            return orjson.dumps({"index": self.index, "leaf": base64.b64encode(self.leaf).decode()}) + b"\n"
        told: dict[str, Any] = {"index": self.index, "entry": self.body.decode()}
        if self.ciphertext is not None:
            told["ciphertext"] = base64.b64encode(self.ciphertext).decode()
        return orjson.dumps(told) + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """Read a line.

        Raises:
            ValueError: it is none.
        """
        told = _mapping(line)
        if told.keys() == {"index", "leaf"}:
            return cls(int(told["index"]), b"", None, base64.b64decode(str(told["leaf"]), validate=True))
        sealed = told.get("ciphertext")
        ciphertext = None if sealed is None else base64.b64decode(str(sealed), validate=True)
        try:
            return cls(int(told["index"]), str(told["entry"]).encode(), ciphertext)
        except KeyError as error:
            raise ValueError("no line of an archive") from error


@dataclass(frozen=True)
class Header:
    """An archive's header.

    Attributes:
        origin: the log's name.
        number: the archive's, from 0.
        previous: digest of the archive before; empty for the first.
        first: number of its first entry.
        end: number after its last.
        checkpoint: a signed checkpoint of the log that covers them.
        blocks: its blocks, in order.
    """

    origin: str
    number: int
    previous: str
    first: int
    end: int
    checkpoint: str
    blocks: tuple[Block, ...]

    def line(self) -> bytes:
        """The header as the file's first line."""
        return canonical_bytes({"format": FORMAT, **asdict(self), "blocks": [asdict(block) for block in self.blocks]})

    @property
    def digest(self) -> str:
        """What vouches for the file: SHA-256 of the header's line, hex."""
        return hashlib.sha256(self.line()).hexdigest()

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """Read a header.

        Raises:
            ValueError: it is none.
        """
        told = dict(_mapping(line))
        try:
            if told.pop("format") != FORMAT:
                raise ValueError("another format")
            blocks = tuple(Block(**block) for block in told.pop("blocks"))
            header = cls(**told, blocks=blocks)
        except (TypeError, KeyError) as error:
            raise ValueError("no header of an archive") from error
        if header.line() != line or len(blocks) != -(-(header.end - header.first) // BLOCK):
            raise ValueError("no header of an archive")
        return header

    def place(self, number: int) -> tuple[int, int]:
        """Where a block lies behind the header, and how long it is, in bytes."""
        return sum(block.bytes for block in self.blocks[:number]), self.blocks[number].bytes

    def entries(self, number: int, data: bytes) -> list[Kept]:
        """The entries of a block, checked against the header.

        Raises:
            ValueError: these bytes are not the block's.
        """
        if hashlib.sha256(data).hexdigest() != self.blocks[number].sha256:
            raise ValueError(f"block {number} was changed")
        first = self.first + number * BLOCK
        kept = [Kept.parse(line) for line in unpacked(data).splitlines()]
        if [each.index for each in kept] != list(range(first, min(first + BLOCK, self.end))):
            raise ValueError(f"block {number} has other entries than it should")
        return kept


def packed(line: bytes) -> bytes:
    """Lines as a gzip member; the same lines always give the same bytes."""
    return gzip.compress(line, 6, mtime=0)


def packed_block(entries: Sequence[Kept]) -> tuple[Block, bytes]:
    """A block and its bytes."""
    data = packed(b"".join(each.line() for each in entries))
    return Block(len(data), hashlib.sha256(data).hexdigest()), data


def unpacked(data: bytes) -> bytes:
    """The lines in a gzip member.

    Raises:
        ValueError: it is none.
    """
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError("not gzip") from error


def opened(data: bytes) -> tuple[Header, int]:
    """The header of a whole file, and how many bytes it takes.

    Raises:
        ValueError: the file does not begin with one.
    """
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        line = reader.decompress(data, LARGEST_HEADER)
    except zlib.error as error:
        raise ValueError("not gzip") from error
    if not reader.eof:
        raise ValueError("no header of an archive")
    return Header.parse(line.removesuffix(b"\n")), len(data) - len(reader.unused_data)


def _mapping(line: bytes) -> Mapping[str, Any]:
    told = orjson.loads(line)
    if not isinstance(told, dict):
        raise ValueError("not an object")
    return told
