"""How the searches' index writes down which entries have a value.

In a step, a value that many entries have gets a bitmap of its own. One that few have goes into a bucket with others,
each entry beside a mark of its value; there are 256 buckets for each field, so that a step has few rows however many
values it has, and a value is found by reading two of them.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np

COLUMNS = ("kind", "outcome", "agency_code", "person_id", "resource_code", "grant_number", "matter", "subject")
"""Columns of ``audit.models.Evidence`` that are indexed."""
STEP_OF_CASE = "step"
"""A field besides: the case, where an entry names no resource. A resource has many cases, and each few such entries."""
FIELDS = (*COLUMNS, STEP_OF_CASE)
STEP = 4_096
RUN = 64
"""Steps whose rows are put together when the last of them is made."""
MANY = 64
"""Entries of a step from which on a value has its own bitmap: their records in a bucket would take as much room."""
_Numbers = np.ndarray[Any, np.dtype[np.int64]]
FREQUENT = np.dtype([("step", ">u4"), ("bits", "u1", STEP // 8)])
RARE = np.dtype([("place", ">u4"), ("mark", ">u4")])
"""A place is the step times 4,096 plus the rank, which serves for 4,294,967,296 entries."""


@dataclass(frozen=True)
class Term:
    """What stands for a value of a field: by itself, and in a bucket with its mark."""

    own: int
    bucket: int
    mark: int


def term(field: str, value: str) -> Term:
    """The term of a value; equal ones of two fields differ."""
    own = _digest(field, value)
    return Term(own, _bucket(field, own >> 32 & 0xFF), own & 0xFFFF_FFFF)


def postings(step: int, columns: Mapping[str, Sequence[str]]) -> dict[int, bytes]:
    """Records of one step by term.

    Args:
        columns: for each field the entries' values, by rank.
    """
    found: dict[int, bytes] = {}
    for field, values in columns.items():
        known = {value: _digest(field, value) for value in set(values)}
        digests = np.fromiter((known[value] for value in values), np.int64, STEP)
        each, which, counts = np.unique(digests, return_inverse=True, return_counts=True)
        many = counts >= MANY
        for number in np.flatnonzero(many).tolist():
            found[int(each[number])] = step.to_bytes(4, "big") + np.packbits(which == number).tobytes()
        found.update(_buckets(field, step, digests, np.flatnonzero(~many[which])))
    return found


def _buckets(field: str, step: int, digests: _Numbers, ranks: _Numbers) -> Iterator[tuple[int, bytes]]:
    """The records of entries whose values share buckets."""
    numbers = digests[ranks] >> 32 & 0xFF
    order = np.argsort(numbers, kind="stable")
    records = np.empty(len(ranks), RARE)
    records["place"] = step * STEP + ranks[order]
    records["mark"] = digests[ranks[order]] & 0xFFFF_FFFF
    ends = np.cumsum(np.bincount(numbers, minlength=256)).tolist()
    data, size = records.tobytes(), RARE.itemsize
    for number, (begin, end) in enumerate(itertools.pairwise([0, *ends])):
        if begin < end:
            yield _bucket(field, number), data[begin * size : end * size]


def places_of(buckets: Iterable[bytes], marks: Iterable[int]) -> _Numbers:
    """Places in buckets' records that have one of the marks; very rarely one of another value, too."""
    wanted = np.unique(np.fromiter(marks, np.uint32))
    likely = np.zeros(1 << 16, np.bool_)
    likely[wanted & 0xFFFF] = True
    each = (np.frombuffer(data, RARE) for data in buckets)
    few = [records[likely[records["mark"] & 0xFFFF]] for records in each]  # quick, and leaves few to be looked for
    records = np.concatenate([np.empty(0, RARE), *few])
    has = np.isin(records["mark"].astype(np.uint32), wanted)
    places: _Numbers = records["place"][has].astype(np.int64)
    return places


def _digest(field: str, value: str) -> int:
    """8 bytes that stand for the value; four of them are its mark and one its bucket."""
    return _signed(blake2b(f"{field}\0{value}".encode(), digest_size=8).digest())


@cache
def _bucket(field: str, number: int) -> int:
    return _signed(blake2b(f"{field}\1{number}".encode(), digest_size=8).digest())


def _signed(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)
