"""Promises of inclusion: made, read, judged; never taken for a checkpoint."""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import InvalidInput
from adapters.settings import Settings
from audit import tiles
from audit.checked import BROKEN, HOLDS, NOT_YET, Trust, check_files
from audit.checkpoint import Checkpoint, open_checkpoint, sign_next
from audit.dated import Dated
from audit.keys import Cosigner, SigningKey
from audit.leaves import source_of
from audit.log_keys import LogKeys
from audit.merkle import consistency_proof, inclusion_proof, leaf_hash, root
from audit.note import Note
from audit.promise import (
    CONTEXT,
    MOST_LEAVES,
    Promise,
    as_header,
    is_promise,
    judged,
    open_promise,
    promised,
    promised_term,
)
from audit.proof import Proof
from audit.witness.policy import Policy

ORIGIN = "hub.example/log"
KEY = SigningKey(ORIGIN, bytes(range(32)))
PROMISES = SigningKey(f"{ORIGIN}/promises", b"p" * 32).verifier
TRUST = Trust(LogKeys(KEY.verifier, None, PROMISES))
SETTINGS = Settings(Path(), promise_key=base64.b64encode(b"p" * 32).decode(), log_origin=ORIGIN)
MADE = datetime(2026, 11, 22, 8, tzinfo=UTC)
TERM = timedelta(seconds=660)
DUE = MADE + TERM
LATE = DUE + timedelta(seconds=1)
SIZE = 700
LEAVES = [leaf_hash(f"entry {number}".encode()) for number in range(SIZE)]
ERASED = leaf_hash(b"erased")
TILES = tiles.extend({}, 0, LEAVES)
SUBTREE = tiles.reader(lambda level, number: TILES[level, number])
NOTE = str(sign_next(KEY, None, Checkpoint(ORIGIN, SIZE, root(LEAVES)), consistency_proof(0, SIZE, SUBTREE)))


def promise_of(*leaves: bytes) -> bytes:
    return promised(SETTINGS, leaves, MADE).encode()


def proof_of(index: int) -> bytes:
    return str(Proof(index, tuple(inclusion_proof(index, SIZE, SUBTREE)), NOTE)).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The log as C2SP tlog-tiles lays it out."""
    (tmp_path / "checkpoint").write_text(NOTE)
    for (level, number), data in TILES.items():
        file = tmp_path / tiles.path(level, number, len(data) // 32)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return tmp_path


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=MOST_LEAVES), st.integers(0, 10**9))
def test_a_promise_reads_back(leaves: list[bytes], microseconds: int) -> None:
    moment = MADE + timedelta(microseconds=microseconds)
    note = promised(SETTINGS, leaves, moment)
    expected = Promise(ORIGIN, moment, moment + TERM, tuple(leaves))
    for data in (note.encode(), as_header(note).encode(), f"  {as_header(note)}\n".encode()):
        assert open_promise(data, PROMISES, ORIGIN) == expected


@pytest.mark.parametrize(("asked", "grace", "seconds"), [(60, 600, 660), (60, 0, 60), (900, 600, 900), (60, 5, 65)])
def test_nothing_is_promised_that_the_hub_may_break_while_it_goes_on_delivering(
    asked: int, grace: int, seconds: int
) -> None:
    settings = replace(SETTINGS, promise_seconds=asked, evidence_grace_seconds=grace)
    assert promised_term(settings) == timedelta(seconds=seconds)
    promise = open_promise(promised(settings, [LEAVES[0]], MADE).encode(), PROMISES, ORIGIN)
    assert promise.due_by - MADE == timedelta(seconds=seconds)


def test_a_promise_is_no_checkpoint_and_a_checkpoint_no_promise() -> None:
    note = promise_of(LEAVES[0]).decode()
    with pytest.raises(InvalidInput) as caught:
        open_checkpoint(note, PROMISES, ORIGIN)
    assert caught.value.code == "evidence.bad_checkpoint"
    with pytest.raises(InvalidInput) as caught:
        open_promise(NOTE.encode(), PROMISES, ORIGIN)
    assert caught.value.code == "evidence.bad_promise"


def test_no_promise_without_key_or_entries_and_of_sixteen_at_most() -> None:
    assert promised(SETTINGS, ()) == ""
    assert promised(replace(SETTINGS, promise_key=""), [LEAVES[0]]) == ""
    assert open_promise(promise_of(*LEAVES), PROMISES, ORIGIN).leaves == tuple(LEAVES[:MOST_LEAVES])
    assert len(as_header(promise_of(*LEAVES).decode())) < 2_000


def test_a_changed_promise_binds_nobody() -> None:
    good = promise_of(LEAVES[0]).decode()
    stranger = Note(good.partition("\n\n")[0] + "\n").signed(SigningKey(PROMISES.name, bytes(32)))
    by_the_log = str(Note(good.partition("\n\n")[0] + "\n").signed(KEY))
    moved = (good.replace("08:11:00", "08:11:01"), good.replace(ORIGIN, "other.example/log"))
    other = Note(str(Promise("other.example/log", MADE, DUE, (LEAVES[0],)))).signed(
        SigningKey(PROMISES.name, b"p" * 32)
    )
    for bad in (*moved, str(stranger), by_the_log, str(other)):
        with pytest.raises(InvalidInput, match="not signed by the key"):
            open_promise(bad.encode(), PROMISES, ORIGIN)


def test_what_only_looks_like_a_promise_is_none() -> None:
    wrapped = as_header(promise_of(LEAVES[0]).decode())
    assert is_promise(wrapped.encode())
    for data in (f"x{wrapped[1:-1]}x", f":{wrapped[1:-1]}x", ":!:", "::", ":", ""):
        assert not is_promise(data.encode()), data
    with pytest.raises(InvalidInput) as caught:
        open_promise(f"{CONTEXT}\n".encode() + b"\xff", PROMISES, ORIGIN)
    assert caught.value.code == "evidence.bad_promise"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(CONTEXT, CONTEXT + " "),
        lambda text: text.replace("08:11:00.000000Z", "08:11:00Z"),
        lambda text: text.replace("2026-11-22", "2026-13-22"),
        lambda text: text.replace("T08:", "T8:"),
        lambda text: text.replace("2026-11-22", "２026-11-22"),
        lambda text: text.replace(base64.b64encode(LEAVES[0]).decode(), "AAAA"),
        lambda text: text.replace(base64.b64encode(LEAVES[0]).decode() + "\n", ""),
        lambda text: text + base64.b64encode(LEAVES[1]).decode(),
        lambda text: text + (base64.b64encode(LEAVES[1]).decode() + "\n") * MOST_LEAVES,
    ],
)
def test_what_is_no_promise_is_refused(change: Callable[[str], str]) -> None:
    text = str(Promise(ORIGIN, MADE, LATE, (LEAVES[0],)))
    assert Promise.parse(text).leaves == (LEAVES[0],)
    with pytest.raises(InvalidInput) as caught:
        Promise.parse(change(text.replace("08:11:01", "08:11:00")))
    assert caught.value.code == "evidence.bad_promise"


def test_judged_by_the_moment_and_by_what_is_there() -> None:
    promise = Promise(ORIGIN, MADE, MADE + TERM, (LEAVES[0], ERASED))
    assert judged(promise, {LEAVES[0]: 0, ERASED: 1}, LATE).state == "kept"
    assert judged(promise, {LEAVES[0]: 0}, LATE).state == "broken"
    assert judged(promise, {LEAVES[0]: 0}, LATE).missing == (ERASED,)
    assert judged(promise, {LEAVES[0]: 0}, promise.due_by).state == "not due"
    early = [Dated(5, (int(MADE.timestamp()),))]
    assert judged(promise, {LEAVES[0]: 0, ERASED: 1}, LATE, early).in_time
    assert not judged(promise, {LEAVES[0]: 0}, LATE, early).in_time, "not all of them were there"


def dated_note(size: int, moment: datetime) -> Note:
    """A checkpoint of the first entries, signed with both keys at a moment."""
    subtree = tiles.reader(lambda level, number: tiles.extend({}, 0, LEAVES[:size])[level, number])
    checkpoint = Checkpoint(ORIGIN, size, root(LEAVES[:size]))
    return sign_next(KEY, None, checkpoint, consistency_proof(0, size, subtree), int(moment.timestamp()))


WITH_SECOND = Trust(LogKeys(KEY.verifier, KEY.second.verifier, PROMISES))


@pytest.mark.parametrize(
    ("size", "moment", "status", "said"),
    [
        (5, LATE, BROKEN, "p: KEPT LATE."),
        (5, DUE, HOLDS, "does not show from these checkpoints"),
        (5, DUE - timedelta(seconds=1), HOLDS, "does not show from these checkpoints"),
        (6, LATE, HOLDS, "does not show from these checkpoints"),
        (6, DUE, HOLDS, "does not show from these checkpoints"),
        (6, DUE - timedelta(seconds=1), HOLDS, "as number 5; it was there by"),
    ],
)
def test_a_checkpoint_that_was_kept_shows_whether_a_promise_was_kept_in_time(
    folder: Path, size: int, moment: datetime, status: int, said: str
) -> None:
    given = {"p": promise_of(LEAVES[5]), "c": str(dated_note(size, moment)).encode()}
    for more, source in (({}, source_of(str(folder))), ({"5": proof_of(5)}, None)):
        checked = check_files(given | more, WITH_SECOND, LATE, source)
        assert (checked.status, said in checked.lines[0]) == (status, True), checked.lines


def test_the_checkpoint_of_a_log_shows_by_itself_that_it_was_in_time(folder: Path) -> None:
    (folder / "checkpoint").write_text(str(dated_note(SIZE, MADE)))
    given = {"p": promise_of(LEAVES[5])}
    assert "it was there by" in check_files(given, WITH_SECOND, LATE, source_of(str(folder))).lines[0]
    without = check_files(given, TRUST, LATE, source_of(str(folder)))
    assert "does not show" in without.lines[0]


def test_by_a_policy_the_word_of_enough_witnesses_counts_and_of_lateness_the_logs_alone(folder: Path) -> None:
    witness = Cosigner("w.example", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
    policy = Policy.parse(f"log {KEY.verifier}\nwitness w {witness.verifier}\nquorum w\n")
    trust = Trust(WITH_SECOND.keys, policy)
    seen = {"in time": int(MADE.timestamp()), "late": int(LATE.timestamp())}
    (folder / "cosigned").write_text(str(dated_note(SIZE, MADE).cosigned(witness, seen["in time"])))
    source, promise = source_of(str(folder)), promise_of(LEAVES[5])
    assert "it was there by" in check_files({"p": promise}, trust, LATE, source).lines[0]
    (folder / "cosigned").write_text(str(dated_note(SIZE, MADE).cosigned(witness, seen["late"])))
    assert "does not show" in check_files({"p": promise}, trust, LATE, source).lines[0]
    old = str(dated_note(5, MADE).cosigned(witness, seen["late"])).encode()
    assert check_files({"p": promise, "c": old}, trust, LATE, source).status == HOLDS
    assert check_files({"p": promise, "c": str(dated_note(5, LATE)).encode()}, trust, LATE, source).status == BROKEN
    ahead = str(dated_note(5, LATE + timedelta(days=365))).encode()
    assert check_files({"p": promise, "c": ahead}, trust, LATE, source).status == HOLDS, "a clock that ran ahead"


def test_a_checkpoint_that_another_signed_shows_nothing(folder: Path) -> None:
    forged = str(dated_note(5, LATE)).replace("\n5\n", "\n4\n").encode()
    with pytest.raises(InvalidInput) as caught:
        check_files({"p": promise_of(LEAVES[5]), "c": forged}, WITH_SECOND, LATE, source_of(str(folder)))
    assert caught.value.code == "evidence.checkpoint_not_signed"


@pytest.mark.parametrize("index", [0, 255, 256, 511, 512, 699])
def test_a_kept_promise_is_found_in_a_folder_of_tiles(folder: Path, index: int) -> None:
    checked = check_files({"p": promise_of(LEAVES[index])}, TRUST, LATE, source_of(str(folder)))
    assert (checked.status, checked.lines[0][:8]) == (HOLDS, "p: kept.")
    assert f"number {index}." in checked.lines[0]


def test_a_broken_one_is_named_and_one_that_is_not_due_waits(folder: Path) -> None:
    given = {"p": promise_of(LEAVES[3], ERASED)}
    broken = check_files(given, TRUST, LATE, source_of(str(folder)))
    assert (broken.status, "BROKEN" in broken.lines[0], ERASED.hex() in broken.lines[0]) == (BROKEN, True, True)
    early = check_files(given, TRUST, MADE, source_of(str(folder)))
    assert (early.status, "not due yet" in early.lines[0]) == (NOT_YET, True)


def test_tiles_that_are_not_those_of_the_checkpoint_prove_nothing(folder: Path) -> None:
    tile = folder / tiles.path(0, 1)
    whole = tile.read_bytes()
    tile.write_bytes(ERASED + whole[32:])
    for wanted in (ERASED, leaf_hash(b"never")):
        with pytest.raises(InvalidInput) as caught:
            check_files({"p": promise_of(wanted)}, TRUST, LATE, source_of(str(folder)))
        assert caught.value.code == "evidence.tiles_of_another_log"
    tile.unlink()
    with pytest.raises(InvalidInput) as caught:
        check_files({"p": promise_of(ERASED)}, TRUST, LATE, source_of(str(folder)))
    assert caught.value.code == "evidence.tile_missing"
    (folder / "checkpoint").unlink()
    with pytest.raises(InvalidInput) as caught:
        check_files({"p": promise_of(ERASED)}, TRUST, LATE, source_of(str(folder)))
    assert caught.value.code == "evidence.no_checkpoint"


def test_a_proof_shows_that_a_promise_was_kept() -> None:
    kept = check_files({"p": promise_of(LEAVES[5]), "5": proof_of(5), "e": b"entry 5"}, TRUST, LATE)
    unknown = f"Whether it was there by {DUE.isoformat()} does not show from these checkpoints."
    assert (kept.status, kept.lines) == (HOLDS, (f"p: kept. What was promised is in the log, as number 5. {unknown}",))
    half = check_files({"p": promise_of(LEAVES[5], LEAVES[6]), "5": proof_of(5)}, TRUST, LATE)
    assert (half.status, "not shown by these proofs" in half.lines[0]) == (BROKEN, True)


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"p": promise_of(LEAVES[5])}, "evidence.promise_alone"),
        ({"p": promise_of(LEAVES[5]), "6": proof_of(6)}, "evidence.proof_of_another"),
        ({"p": promise_of(LEAVES[5]), "5": proof_of(5), "e": b"entry 6"}, "evidence.not_promised"),
        ({"5": proof_of(5)}, "evidence.not_a_pair"),
        ({"e": b"entry 5"}, "evidence.not_a_pair"),
        ({"5": proof_of(5), "e": b"entry 6"}, "evidence.not_included"),
    ],
)
def test_files_that_do_not_go_together_are_refused(files: dict[str, bytes], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_files(files, TRUST, LATE)
    assert caught.value.code == code


def test_a_promise_needs_the_key_of_promises() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_files({"p": promise_of(LEAVES[5]), "5": proof_of(5)}, Trust(LogKeys(KEY.verifier)), LATE)
    assert caught.value.code == "evidence.no_promise_key"


def test_a_moment_beyond_all_calendars_is_told_as_the_last_one() -> None:
    for moment in (2**40, 2**63 - 1, 2**64 - 1):
        told = Dated(SIZE, (moment,)).signed_after(MADE)
        assert told is not None
        assert told.year == 9999
