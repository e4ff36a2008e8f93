"""The place of an entry in the order of searches, its moment and its id, as 24 bytes that sort alike."""

import uuid
from datetime import UTC, datetime, timedelta

PLACE_SIZE = 24
Place = tuple[datetime, uuid.UUID]
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def packed(place: Place) -> bytes:
    """Microseconds since 1970 in 8 bytes, 0 before, and the id's 16."""
    return max(0, (place[0] - _EPOCH) // _MICROSECOND).to_bytes(8, "big") + place[1].bytes


def unpacked(data: bytes) -> Place:
    """The place that ``packed`` gave."""
    return _EPOCH + int.from_bytes(data[:8], "big") * _MICROSECOND, uuid.UUID(bytes=bytes(data[8:]))


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
