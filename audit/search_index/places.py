"""The place of an entry in the order of searches, its moment and its id, as 24 bytes that sort alike."""

import uuid
from datetime import datetime

from adapters.clock import EPOCH, MICROSECOND

PLACE_SIZE = 24
Place = tuple[datetime, uuid.UUID]


def packed(place: Place) -> bytes:
    """Microseconds since 1970 in 8 bytes, 0 before, and the id's 16."""
    return max(0, (place[0] - EPOCH) // MICROSECOND).to_bytes(8, "big") + place[1].bytes


def unpacked(data: bytes) -> Place:
    """The place that ``packed`` gave."""
    return EPOCH + int.from_bytes(data[:8], "big") * MICROSECOND, uuid.UUID(bytes=bytes(data[8:]))


def ranks_before(places: bytes, bound: bytes) -> int:
    """How many of the places, which are in order, sort before a bound; this may be shorter than a place."""
    low, high = 0, len(places) // PLACE_SIZE
    while low < high:
        middle = (low + high) // 2
        if places[middle * PLACE_SIZE : (middle + 1) * PLACE_SIZE] < bound:
            low = middle + 1
        else:
            high = middle
    return low
