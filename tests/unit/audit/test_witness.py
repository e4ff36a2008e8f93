"""The witness's answers, each status as C2SP tlog-witness says, and what it keeps on its disk."""

import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Conflict, InvalidInput, Misconfigured, Terminal
from audit.checkpoint import Checkpoint
from audit.cosigned import LATEST, moment_of
from audit.keys import ED25519_COSIGNATURE, ML_DSA_44, SigningKey
from audit.merkle import EMPTY_ROOT, consistency_proof, leaf_hash, root
from audit.note import Note
from audit.tiles import extend, reader
from audit.witness.call import Reply
from audit.witness.cosign import Witness
from audit.witness.keeping import origin_hash
from audit.witness.submission import LARGEST_BODY, Submission

ORIGIN = "hub.example/log"
KEY = SigningKey(ORIGIN, bytes(range(32)))
LOGS = (KEY.verifier, KEY.second.verifier)
LEAVES = [leaf_hash(bytes([number])) for number in range(100)]
TILES = extend({}, 0, LEAVES)


def proof_of(old: int, new: int) -> tuple[bytes, ...]:
    return tuple(consistency_proof(old, new, reader(lambda level, number: TILES[level, number])))


def at(size: int, leaves: list[bytes] = LEAVES) -> Note:
    checkpoint = Checkpoint(ORIGIN, size, root(leaves[:size]))
    return Note(str(checkpoint)).signed(KEY).cosigned(KEY.second, 1_700_000_000)


def body(old: int, note: Note, proof: tuple[bytes, ...] = ()) -> bytes:
    return str(Submission(old, proof, str(note))).encode()


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "w", "witness.example/w1", LOGS)


def test_a_log_that_grows_is_cosigned_with_both_keys_and_the_checkpoint_is_served(witness: Witness) -> None:
    assert witness.last_note(origin_hash(ORIGIN)).status == 404
    for old, new in ((0, 10), (10, 10), (10, 64), (64, 100)):
        answer = witness.add_checkpoint(body(old, at(new), proof_of(old, new)))
        assert answer.status == 200
        note = Note.parse(f"{at(new)}{answer.body}")
        assert [cosigner.verifier.kind for cosigner in witness.cosigners] == [ED25519_COSIGNATURE, ML_DSA_44]
        assert all(note.is_signed_by(cosigner.verifier) for cosigner in witness.cosigners)
        assert all(moment_of(line.value) > 1_700_000_000 for line in Note.parse(f"\n\n{answer.body}").signatures)
        kept = Note.parse(witness.last_note(origin_hash(ORIGIN)).body)
        assert (kept.text, len(kept.signatures)) == (note.text, 4)
        assert kept.signatures[2:] == note.signatures[2:]
        assert kept.is_signed_by(KEY.verifier)
    assert witness.last_note("0" * 64).status == witness.last_note("../witness.key").status == 404


def test_nothing_but_a_known_logs_checkpoint_is_served(witness: Witness, tmp_path: Path) -> None:
    for place in ("outside.checkpoint", "w/other.checkpoint"):
        (tmp_path / place).write_text(str(at(10)))
    for digest in ("../outside", "other", ""):
        assert witness.last_note(digest).status == 404, digest


def test_a_stale_old_size_is_told_the_size_cosigned_last(witness: Witness) -> None:
    assert witness.add_checkpoint(body(5, at(10), proof_of(5, 10))).body == "0\n"
    assert witness.add_checkpoint(body(0, at(10))).status == 200
    stale = witness.add_checkpoint(body(0, at(20)))
    assert (stale.status, stale.body, stale.kind) == (409, "10\n", "text/x.tlog.size")


def test_a_fork_and_a_rewritten_history_are_refused_and_kept_as_proof(witness: Witness, tmp_path: Path) -> None:
    assert witness.add_checkpoint(body(0, at(10))).status == 200
    other = [leaf_hash(b"rewritten"), *LEAVES[1:]]
    tiles = extend({}, 0, other)
    forged = tuple(consistency_proof(10, 20, reader(lambda level, number: tiles[level, number])))
    fork = witness.add_checkpoint(body(10, at(10, other)))
    assert (fork.status, "another root" in fork.body, Reply(409, fork.body).its_size) == (409, True, None)
    for refused in (
        body(10, at(20, other), forged),
        body(10, at(20, other), proof_of(10, 20)),
        body(10, at(20)),
        body(10, at(20), proof_of(10, 20)[:-1]),
        body(10, at(10), proof_of(5, 10)),
    ):
        assert witness.add_checkpoint(refused).status == 422
    assert len(list((tmp_path / "w" / "refused").iterdir())) == 6
    assert witness.add_checkpoint(body(10, at(20), proof_of(10, 20))).status == 200


def test_empty_trees_and_first_proofs_follow_the_specification(witness: Witness) -> None:
    wrong = Note(str(Checkpoint(ORIGIN, 0, bytes(32)))).signed(KEY)
    assert witness.add_checkpoint(body(0, wrong)).status == 409
    assert witness.add_checkpoint(body(0, at(10), proof_of(5, 10))).status == 422
    assert witness.add_checkpoint(body(0, Note(str(Checkpoint(ORIGIN, 0, EMPTY_ROOT))).signed(KEY))).status == 200


def test_unknown_logs_keys_and_wrong_signatures_are_refused(witness: Witness) -> None:
    stranger = SigningKey("other.example/log", bytes(32))
    unknown = Note(str(Checkpoint("other.example/log", 1, bytes(32)))).signed(stranger)
    assert witness.add_checkpoint(body(0, unknown)).status == 404
    namesake = SigningKey(ORIGIN, bytes(32))
    assert witness.add_checkpoint(body(0, Note(at(10).text).signed(namesake))).status == 403
    first, second = at(10).signatures
    assert witness.add_checkpoint(body(0, Note(at(11).text, (first,)))).status == 403
    assert witness.add_checkpoint(body(0, Note(at(10).text, (first, at(11).signatures[1])))).status == 403
    assert witness.add_checkpoint(body(0, Note(at(10).text, (second,)).signed(namesake))).status == 200


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"",
        lambda text: text[4:],
        lambda text: text.replace(b"old 10", b"old 010"),
        lambda text: text.replace(b"old 10", b"old -1"),
        lambda text: text.replace(b"old 10", b"old 21"),
        lambda text: text.replace(b"old 10", b"OLD 10"),
        lambda text: text.replace(b"\n\n", b"\n", 1),
        lambda text: text.replace(b"\n", b"\nAAAA\n", 1),
        lambda text: text.replace(b"\n", b"\n!\n", 1),
        lambda text: text.replace(b"\n", b"\n" + (b"A" * 43 + b"=\n") * 64, 1),
        lambda text: text[:-1],
        lambda text: text + b"\xff",
        lambda text: text + b"x" * LARGEST_BODY,
    ],
)
def test_what_is_no_submission_is_answered_400(witness: Witness, damage: object) -> None:
    assert callable(damage)
    assert witness.add_checkpoint(damage(body(10, at(20), proof_of(10, 20)))).status == 400


def test_a_tree_has_at_most_as_many_leaves_as_the_specification_allows() -> None:
    for size, whole in ((LATEST, True), (LATEST + 1, False)):
        given = body(0, Note(str(Checkpoint(ORIGIN, size, bytes(32)))).signed(KEY))
        if whole:
            assert Submission.parse(given).checkpoint.size == size
        else:
            with pytest.raises(InvalidInput):
                Submission.parse(given)


@given(st.binary(max_size=400))
def test_no_bytes_whatever_end_in_anything_but_a_refusal(data: bytes) -> None:
    for tried in (data, b"old 0\n\n" + data):
        with pytest.raises(InvalidInput):
            Submission.parse(tried)


def test_the_key_is_made_once_for_its_owner_alone_and_keeps_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    with pytest.raises(Misconfigured, match="--name"):
        Witness(folder, "", LOGS)
    first = Witness(folder, "witness.example/w1", LOGS)
    assert stat.S_IMODE((folder / "witness.key").stat().st_mode) == 0o600
    with pytest.raises(Conflict, match="Another witness"):
        Witness(folder, "", LOGS)
    first.close()
    again = Witness(folder, "", LOGS)
    assert [each.verifier for each in again.cosigners] == [each.verifier for each in first.cosigners]
    again.close()
    with pytest.raises(Misconfigured, match="key file"):
        Witness(folder, "another.example/w", LOGS)
    (folder / "witness.key").write_text("witness.example/w1 AAAA\n")
    with pytest.raises(Misconfigured, match="key file"):
        Witness(folder, "", LOGS)


def test_a_witness_whose_record_was_changed_does_not_start(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    first = Witness(folder, "witness.example/w1", LOGS)
    assert first.add_checkpoint(body(0, at(10))).status == 200
    first.close()
    record = folder / f"{origin_hash(ORIGIN)}.checkpoint"
    for damaged in (str(at(20)), record.read_text().replace("\n10\n", "\n11\n"), "nothing"):
        record.write_text(damaged)
        with pytest.raises(Terminal, match="changed by somebody"):
            Witness(folder, "", LOGS)


def test_a_witness_does_not_take_one_logs_record_for_anothers(tmp_path: Path) -> None:
    folder, other = tmp_path / "w", SigningKey("other.example/log", bytes(32))
    first = Witness(folder, "witness.example/w1", (KEY.verifier, other.verifier))
    theirs = Note(str(Checkpoint(other.verifier.name, 0, EMPTY_ROOT))).signed(other)
    assert [first.add_checkpoint(body(0, each)).status for each in (at(10), theirs)] == [200, 200]
    first.close()
    ours, others = (folder / f"{origin_hash(origin)}.checkpoint" for origin in (ORIGIN, other.verifier.name))
    ours.write_text(others.read_text())
    with pytest.raises(Terminal, match="changed by somebody"):
        Witness(folder, "", LOGS)


def test_of_many_submissions_at_once_each_is_checked_against_the_one_before(witness: Witness) -> None:
    assert witness.add_checkpoint(body(0, at(1))).status == 200
    answers: list[tuple[int, int]] = []

    def submit(size: int) -> None:
        answers.append((size, witness.add_checkpoint(body(1, at(size), proof_of(1, size))).status))

    threads = [threading.Thread(target=submit, args=(size,)) for size in range(2, 34)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [taken] = [size for size, status in answers if status == 200]
    assert {status for size, status in answers if size != taken} == {409}
    assert witness.add_checkpoint(body(0, at(100))).body == f"{taken}\n"


@pytest.mark.parametrize(
    ("reply", "size"),
    [
        (Reply(409, "17\n"), 17),
        (Reply(409, "0"), 0),
        (Reply(409, "9" * 15), 10**15 - 1),
        (Reply(409, "9" * 16), None),
        (Reply(409, "９"), None),
        (Reply(409, "-1"), None),
        (Reply(409), None),
        (Reply(200, "17"), None),
    ],
)
def test_a_size_is_believed_that_a_log_can_have(reply: Reply, size: int | None) -> None:
    assert reply.its_size == size
