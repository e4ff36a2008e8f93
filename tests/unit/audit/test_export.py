"""A signed export is checked offline, and a change of any byte of it shows."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.errors import InvalidInput
from audit.checkpoint import Checkpoint
from audit.export import check_export, is_export, write_export
from audit.keys import SigningKey
from audit.log_keys import PROMISES, LogKeys
from audit.note import Note

LOG, HUB = SigningKey("log.example", bytes(32)), SigningKey(f"log.example{PROMISES}", bytes([1]) * 32)
KEYS = LogKeys(LOG.verifier, LOG.second.verifier, HUB.verifier)
NOTE = str(Note(str(Checkpoint("log.example", 7, bytes(32)))).signed(LOG).cosigned(LOG.second, 0))
FACTS = {
    "what": "search",
    "asked": {"kind": "release."},
    "rows": 2,
    "more": False,
    "exported_at": "2026-11-22T08:00:00Z",
    "person": "p",
    "agency": "a",
    "entry": "e",
}


def made() -> bytes:
    out = io.BytesIO()
    write_export(out, FACTS, io.BytesIO("一,二\r\n三,四\r\n".encode()), "rows.csv", NOTE, HUB)
    return out.getvalue()


WHOLE = made()


def test_an_export_holds_and_says_what_was_asked() -> None:
    assert is_export(WHOLE)
    assert made() == WHOLE
    sentence = check_export(WHOLE, KEYS)
    assert sentence.startswith('the export holds: 2 rows of search, asked {"kind":"release."}, exported at 2026-11-22')
    assert sentence.endswith("the log log.example had 7 entries.")


@settings(max_examples=300)
@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_any_changed_byte_shows(place: int, change: int) -> None:
    changed = bytearray(WHOLE)
    changed[place] ^= change
    with pytest.raises(InvalidInput):
        check_export(bytes(changed), KEYS)


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=20))
def test_what_was_cut_off_or_put_in_shows(place: int, more: bytes) -> None:
    for changed in (WHOLE[:place], WHOLE[:place] + more + WHOLE[place:], WHOLE + more):
        with pytest.raises(InvalidInput):
            check_export(changed, KEYS)


def test_another_hubs_export_is_refused() -> None:
    other = SigningKey(f"log.example{PROMISES}", bytes([2]) * 32).verifier
    with pytest.raises(InvalidInput, match="is not signed by the key"):
        check_export(WHOLE, LogKeys(LOG.verifier, None, other))
