"""The hub and its witnesses, processes of their own: agreement, absence, and what an attacker cannot hide."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from sqlalchemy import select, text
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint as TheirCheckpoint

from adapters.clock import system_now
from adapters.database import transaction
from adapters.errors import InvalidInput
from audit import standing as flow
from audit.checked import Trust, check_files
from audit.checkpoint import Checkpoint
from audit.log_keys import log_keys
from audit.merkle import leaf_hash
from audit.models import Evidence
from audit.note import Note
from audit.proof import Proof, prove
from audit.queries import entry_at, log_state
from audit.report import Report
from audit.stall.record import record_quorum
from audit.store.place import CHECKPOINT, COSIGNED, Place
from audit.store.run import Publisher
from audit.store.verify import verify_store
from audit.tiles import extend, tree_root
from audit.witness import collect, standing
from audit.witness.call import Reply
from audit.witness.collect import tend
from audit.witness.cosign import cosigners
from audit.witness.models import LogCosignature
from audit.witness.policy import Policy, read_policy
from audit.witness.quorum import agreeing
from audit.witness.verify import verify_cosignatures
from tests.integration.audit.conftest import ROLES, Log
from tests.integration.audit.test_witness import Running


class Site:
    """A log, two witnesses that run, and the policy that names them; both must agree."""

    def __init__(self, log: Log, folder: Path) -> None:
        self.log = log
        keys = f"{log.key.verifier}\n{log.key.second.verifier}\n"
        self.running = {name: self._started(folder / name, keys) for name in ("water", "court")}
        self.path = folder / "policy"
        lines = [
            f"witness {name} {cosigners(process.folder / 'w', '')[place].verifier} {process.url}"
            for place, (name, process) in enumerate(self.running.items())
        ]
        self.path.write_text("\n".join([*lines, "group both all water court", "quorum both", ""]))
        self.policy: Policy = read_policy(self.path)

    def tend(self, name: str, log: Log | None = None, *, again: bool = False) -> str | None:
        """Ask one witness once."""
        url = (log or self.log).environment[ROLES["app"]]
        return tend(url, self.policy.witnesses[name], again=again)

    def grow(self, count: int) -> None:
        """Write entries and let them be numbered."""
        self.log.write(count)
        assert self.log.sequence() == count

    def verified(self, log: Log | None = None) -> Report:
        """What `shuniu audit verify --policy` finds."""
        with (log or self.log).session("app") as session:
            report = (log or self.log).verify(session)
            verify_cosignatures(session, self.policy, report)
        return report

    @staticmethod
    def _started(folder: Path, keys: str) -> Running:
        folder.mkdir()
        return Running(folder, keys)


@pytest.fixture
def site(log: Log, tmp_path: Path) -> Iterator[Site]:
    site = Site(log, tmp_path)
    standing.configure(str(site.path))
    yield site
    standing.configure("")
    for process in site.running.values():
        if process.process.poll() is None:
            process.end(signal.SIGTERM)


def refusals(log: Log) -> list[str]:
    with log.session("app") as session:
        kinds = select(Evidence.subject).where(Evidence.kind == "witness.refused", Evidence.outcome == "REFUSED")
        return sorted(session.scalars(kinds))


def test_growth_is_cosigned_and_the_state_says_who_agrees(site: Site) -> None:
    assert site.tend("water") is None, "an empty log has no checkpoint to submit"
    site.grow(5)
    assert (site.tend("water"), site.tend("water")) == ("", None)
    with site.log.session("app") as session:
        assert standing.agreement(session).size == 0, "one of two is not enough"
    assert site.tend("court") == ""
    site.grow(300)
    assert (site.tend("water"), site.tend("court")) == ("", "")
    with site.log.session("app") as session:
        agreed = standing.agreement(session)
        assert [(each.name, each.size, each.problem) for each in agreed.witnesses] == [
            ("water", 305, ""),
            ("court", 305, ""),
        ]
        assert (agreed.size, agreed.contradicted) == (305, False)
        assert len(session.scalars(select(LogCosignature)).all()) == 4
    report = site.verified()
    assert (report.ok, report.witnesses, report.agreed_size) == (True, {"water": 305, "court": 305}, 305)


def test_too_few_witnesses_for_longer_than_the_grace_are_said_and_recorded_once(site: Site) -> None:
    def look() -> tuple[bool, int]:
        with transaction(site.log.environment[ROLES["app"]]) as session:
            return standing.agreement(session).lacking, record_quorum(session)

    site.grow(5)
    assert (site.tend("water"), site.tend("court")) == ("", "")
    flow.configure(0)
    try:
        assert look() == (False, 0), "enough agree to all"
        site.grow(1)
        assert site.tend("water") == ""
        assert [look(), look()] == [(True, 1), (True, 0)], "one of two is not enough"
        flow.configure(600)
        assert look() == (False, 1), "within the grace it is nothing"
        flow.configure(0)
        assert look() == (True, 1)
        assert site.log.sequence() == 3
        assert [site.tend(name) for name in ("water", "court")] == ["", ""]
        assert look() == (False, 1)
    finally:
        flow.configure(600)
    with site.log.session("app") as session:
        told = select(Evidence.kind).where(Evidence.kind.like("witness.quorum%"), Evidence.subject == "log_stall/1")
        lost, regained = "witness.quorum_lost", "witness.quorum_regained"
        assert list(session.scalars(told.order_by(Evidence.recorded_at))) == [lost, regained, lost, regained]


def test_a_history_rewritten_and_signed_with_the_logs_own_keys_is_refused(site: Site) -> None:
    site.grow(5)
    assert (site.tend("water"), site.tend("court")) == ("", "")
    rewrite(site.log, 5)
    assert site.tend("court", again=True) == "REFUSED", "the same size with another root"
    report = site.verified()
    assert report.counts["cosignature_wrong"] == 2
    assert (report.witnesses, report.agreed_size) == ({"water": 0, "court": 0}, 0)
    assert report.counts["quorum_missing"] == 1
    assert site.log.sequence() == 1, "the refusal itself is evidence"
    assert site.tend("water") == "REFUSED", "a larger tree that does not continue the smaller"
    assert refusals(site.log) == ["witness/court", "witness/water"]
    assert list((site.running["water"].folder / "w" / "refused").iterdir())


@pytest.mark.parametrize(
    ("reply", "problem", "entries"),
    [
        (Reply(409), "REFUSED", ["witness/court"]),
        (Reply(409, "another root"), "REFUSED", ["witness/court"]),
        (Reply(409, "5\n"), "REFUSED", ["witness/court"]),
        (Reply(409, "9\n"), "BEHIND", ["witness/court"]),
        (Reply(422), "REFUSED", ["witness/court"]),
        (Reply(0), "AWAY", []),
    ],
)
def test_a_conflict_at_the_size_that_a_witness_knows_is_a_contradiction(
    site: Site, monkeypatch: pytest.MonkeyPatch, reply: Reply, problem: str, entries: list[str]
) -> None:
    site.grow(5)
    assert site.tend("court") == ""
    monkeypatch.setattr(collect, "call", lambda url, body: reply)
    assert site.tend("court", again=True) == problem
    assert refusals(site.log) == entries
    with site.log.session("app") as session:
        assert standing.agreement(session).contradicted is bool(entries)


def test_a_conflict_without_a_size_before_any_is_agreed_is_no_answer(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.grow(5)
    monkeypatch.setattr(collect, "call", lambda url, body: Reply(409))
    assert site.tend("court") == "AWAY"
    assert refusals(site.log) == []


def rewrite(log: Log, size: int) -> None:
    """What a thief of the log's key and the owner's password does: change an entry, and all that follows from it."""
    with log.session("owner") as owner:
        body = owner.scalar(
            text("SELECT body FROM evidence_text JOIN log_leaf USING (evidence_id) WHERE leaf_index = 1")
        ).replace(b"test/1", b"test/9")
        for change in (
            "UPDATE evidence_text SET body = :body WHERE evidence_id = ",
            "UPDATE evidence SET leaf_hash = :hash, subject = 'test/9' WHERE id = ",
        ):
            of_entry = text(f"{change} (SELECT evidence_id FROM log_leaf WHERE leaf_index = 1)")
            owner.execute(of_entry, {"body": body, "hash": leaf_hash(body)})
        leaves = owner.scalars(
            text("SELECT leaf_hash FROM evidence JOIN log_leaf ON evidence_id = id ORDER BY leaf_index")
        ).all()
        tiles = extend({}, 0, leaves)
        forged = Checkpoint(log.settings.log_origin, size, tree_root(size, lambda *place: tiles[place]))
        dated = int(owner.scalars(text("SELECT signed_at FROM log_checkpoint")).one().timestamp())
        note = str(Note(str(forged)).signed(log.key).cosigned(log.key.second, dated))
        owner.execute(text("UPDATE log_tile SET hashes = :hashes"), {"hashes": tiles[0, 0]})
        owner.execute(text("UPDATE log_checkpoint SET root = :root, note = :note"), {"root": forged.root, "note": note})
        owner.commit()
    assert log.verified().ok, "without witnesses nobody sees it"


def test_what_goes_out_carries_the_cosignatures(site: Site, tmp_path: Path) -> None:
    place = Place.of(site.log.settings)
    publisher = Publisher(site.log.settings, place)
    site.grow(5)
    publisher.step()
    assert (site.tend("water"), site.tend("court")) == ("", "")
    site.grow(5)
    publisher.step()
    assert site.tend("water") == ""
    site.grow(5)
    with site.log.session("app") as session:
        assert signers(str(prove(session, 3)), site) == (5, ["water", "court"]), "an older one with enough witnesses"
        assert signers(str(prove(session, 7)), site) == (15, [])
        assert signers(log_state(session).checkpoint, site) == (15, [])
    assert site.tend("court") == "", "it follows the other witness, so that they meet on a checkpoint"
    with site.log.session("app") as session:
        assert signers(str(prove(session, 7)), site) == (10, ["water", "court"])
    assert signers(read(place, COSIGNED), site) == (5, ["water", "court"])
    publisher.step()
    assert signers(read(place, COSIGNED), site) == (10, ["water", "court"])
    assert site.tend("court") == ""
    assert signers(read(place, CHECKPOINT), site) == (15, [])
    publisher.step()
    assert signers(read(place, CHECKPOINT), site) == (15, ["court"])
    theirs = TheirCheckpoint.from_text(read(place, COSIGNED))
    for witness in site.policy.witnesses.values():  # one cosigns with Ed25519, the other with ML-DSA-44
        theirs.verify(Vkey.from_string(str(witness.key)))
        with pytest.raises(InvalidSignature):
            replace(theirs, size=11).verify(Vkey.from_string(str(witness.key)))
    with site.log.session("app") as session:
        report = Report("")
        verify_store(session, place, site.log.key.verifier, report)
        assert report.ok, report.findings
        proof, body = str(prove(session, 7)), entry_at(session, 7).row.body
    trust = Trust(log_keys(site.log.settings), site.policy)
    found = check_files({"p": proof.encode(), "e": body}, trust, system_now())
    assert found.lines[0].endswith("of 10 entries, cosigned by water, court.")
    with site.log.session("app") as session, pytest.raises(InvalidInput, match="is not enough for both"):
        check_files({"p": str(prove(session, 12)).encode(), "e": entry_at(session, 12).row.body}, trust, system_now())


def read(place: Place, name: str) -> str:
    return (place.read(name) or b"").decode()


def signers(text: str, site: Site) -> tuple[int, list[str]]:
    """The size that a checkpoint, or the one in a proof, states, and which witnesses of the policy cosigned it."""
    note = Proof.parse(text).checkpoint if text.startswith("c2sp.org/tlog-proof") else text
    return Checkpoint.parse(Note.parse(note).text).size, agreeing(Note.parse(note), site.policy)


def test_a_policy_that_asks_for_none_lacks_none(log: Log, tmp_path: Path) -> None:
    """Its witnesses are asked and their word is shown; that they have said nothing is no alarm."""
    key = cosigners(tmp_path / "w", "w.example")[0].verifier
    log.write(3)
    log.sequence()
    lacking = {}
    try:
        for quorum in ("water", "none"):
            (tmp_path / "policy").write_text(f"witness water {key}\nquorum {quorum}\n")
            standing.configure(str(tmp_path / "policy"))
            with log.session("app") as session:
                said = standing.agreement(session)
            lacking[quorum] = (len(said.witnesses), said.size, said.lacking_since is not None)
    finally:
        standing.configure("")
    assert lacking == {"water": (1, 0, True), "none": (1, 0, False)}
