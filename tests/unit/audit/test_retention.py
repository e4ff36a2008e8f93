"""How long evidence is kept: rules are data, nothing goes below them; what an archive's bytes must be."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.errors import Misconfigured
from adapters.settings import Settings
from audit.archive.format import BLOCK, Header, Kept, opened, packed, packed_block
from audit.retention import Retention


def site(**values: object) -> Settings:
    return Settings(home=Path(), **values)  # type: ignore[arg-type]  # each test gives what the setting takes


@pytest.mark.parametrize(
    ("given", "years"),
    [
        ({}, 3),
        ({"retention_rule": "district-five-years"}, 5),
        ({"retention_rule": "district-five-years", "retention_years": 7}, 7),
        ({"retention_years": 3, "hot_months": 36}, 3),
    ],
)
def test_evidence_is_kept_as_long_as_the_rule_says_or_longer(given: dict[str, object], years: int) -> None:
    assert Retention.of(site(**given)).years == years


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"retention_years": 2}, "SHUNIU_RETENTION_YEARS is 2: by national-2024 evidence is kept for 3 years"),
        ({"retention_rule": "district-five-years", "retention_years": 4}, "for 5 years at least"),
        ({"retention_rule": "nowhere"}, "names no rule: nowhere. There are district-five-years, national-2024"),
        ({"hot_months": 0}, "between 1 and the 36 months"),
        ({"hot_months": 37}, "between 1 and the 36 months"),
    ],
)
def test_nothing_goes_below_the_rule(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence):
        Retention.of(site(**given))


def test_the_hot_period_ends_with_a_month() -> None:
    thirteen = Retention.of(site())
    assert thirteen.before(datetime(2026, 11, 23, tzinfo=UTC)) == datetime(2025, 10, 1, tzinfo=UTC)
    assert thirteen.before(datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2024, 12, 1, tzinfo=UTC)


def written(count: int, first: int = 0) -> tuple[Header, bytes]:
    """An archive of so many entries."""
    entries = [
        Kept(first + n, f'{{"n":{n},"text":"张三\u2028"}}'.encode(), None if n % 2 else b"x") for n in range(count)
    ]
    blocks = [packed_block(entries[start : start + BLOCK]) for start in range(0, count, BLOCK)]
    header = Header("test/log", 0, "", first, first + count, "note\n", tuple(block for block, _ in blocks))
    return header, packed(header.line() + b"\n") + b"".join(data for _, data in blocks)


@settings(max_examples=30)
@given(
    count=st.integers(1, 600),
    first=st.integers(0, 2**40),
    place=st.floats(0, 1, exclude_max=True),
    flip=st.integers(1, 255),
)
def test_an_archive_is_read_as_it_was_written_and_no_changed_byte_passes(
    count: int, first: int, place: float, flip: int
) -> None:
    header, data = written(count, first)
    again, size = opened(data)
    assert (again, again.digest) == (header, header.digest)
    entries = [each for number in range(len(header.blocks)) for each in block(header, data, size, number)]
    assert [each.index for each in entries] == list(range(first, first + count))
    assert entries[0].body.decode().startswith('{"n":0')
    changed = bytearray(data)
    changed[int(place * len(data))] ^= flip
    try:
        other, start = opened(bytes(changed))
        assert other.digest == header.digest, "a header may change in its gzip only, never in what it says"
        for number in range(len(header.blocks)):
            block(header, bytes(changed), start, number)
        assert changed[size:] == data[size:]
    except ValueError:
        pass


def block(header: Header, data: bytes, size: int, number: int) -> list[Kept]:
    offset, length = header.place(number)
    return header.entries(number, data[size + offset : size + offset + length])


def test_a_block_of_other_entries_is_refused() -> None:
    header, data = written(3)
    _, size = opened(data)
    other = packed_block([Kept(n, b"{}", None) for n in range(3)])[1]
    with pytest.raises(ValueError, match="block 0 was changed"):
        header.entries(0, other)
    assert len(block(header, data, size, 0)) == 3
