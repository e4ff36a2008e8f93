"""Answers of an authority that are no stamps, and stamps on nothing; what is stamped, and how long it is held."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.errors import InvalidInput, Misconfigured, Transient
from audit.checkpoint import Checkpoint
from audit.keys import Cosigner
from audit.log_keys import log_keys
from audit.models import LogCheckpoint
from audit.note import Note
from audit.stamps.check import check_stamps
from audit.stamps.run import stamp
from audit.stamps.token import LARGEST_ANSWER, Authority, stamped_text
from audit.store.models import KeptCheckpoint
from audit.store.place import Place
from tests.integration.audit.conftest import Log
from tests.integration.audit.test_stamps import POLICY, Openssl, authority, kept, verified

__all__ = ["authority"]


def trusting(authority: Openssl) -> Authority:
    given = authority.environment
    return Authority.trusting(Path(given["SHUNIU_TSA_CERTIFICATES"]), POLICY, given["SHUNIU_TSA_URL"])


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_stamp_that_comes_with_a_failure_is_not_taken(
    authority: Openssl, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(authority, "status", status)
    with pytest.raises(Transient, match=f"status {status}"):
        trusting(authority).asked(b"a checkpoint")


def test_what_is_no_stamp_is_not_taken(authority: Openssl, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = authority.answer
    for answer, said in (
        (b"", "gave no stamp"),
        (b"\x30\x03no", "gave no stamp"),
        (bytes(LARGEST_ANSWER + 1), "status"),
    ):
        monkeypatch.setattr(authority, "answer", lambda _, answer=answer: answer)
        with pytest.raises(Transient, match=said):
            trusting(authority).asked(b"a checkpoint")
    monkeypatch.setattr(authority, "answer", lambda query: whole(query)[:-1] + b"\0")
    with pytest.raises(Transient, match="gave no stamp"):
        trusting(authority).asked(b"a checkpoint")


def test_without_a_policy_a_stamp_under_any_is_taken_and_who_does_not_answer_is_asked_again(authority: Openssl) -> None:
    given = authority.environment
    any_policy = Authority.trusting(Path(given["SHUNIU_TSA_CERTIFICATES"]), url=given["SHUNIU_TSA_URL"])
    token, moment = any_policy.asked(b"a checkpoint")
    assert any_policy.checked(token, b"a checkpoint") == moment
    for url in ("http://127.0.0.1:9/", "http://[/"):
        with pytest.raises(Transient, match="gave no stamp"):
            replace(any_policy, url=url).asked(b"a checkpoint")


def test_an_authority_that_cannot_be_used_is_named(authority: Openssl, tmp_path: Path) -> None:
    root = Path(authority.environment["SHUNIU_TSA_CERTIFICATES"])
    (tmp_path / "none.pem").write_text("no certificate")
    for path, policy in ((tmp_path / "missing", ""), (tmp_path / "none.pem", ""), (root, "no policy")):
        with pytest.raises(Misconfigured, match="cannot be used"):
            Authority.trusting(path, policy)


def test_a_stamp_is_of_one_checkpoint_and_held_as_long_as_that_is_kept(log: Log, authority: Openssl) -> None:
    settings = kept(log, authority)
    keys, trusted = log_keys(settings), trusting(authority)
    assert stamp(settings, trusted)
    place = Place.of(settings)
    with log.session("app") as session:
        due = session.query(KeptCheckpoint).one().retain_until
        note = session.get_one(LogCheckpoint, 5).note
    assert due is not None
    files = {}
    for version in place.locked.versions(place.key("stamps/")):
        files[version.key.rsplit(".", 1)[1]] = place.locked.read(version.key)
        until = place.locked.retained_until(version.key, version.version)
        assert until is not None
        assert until >= due.replace(microsecond=0) - timedelta(seconds=1)
    other = str(Note(str(Checkpoint(settings.log_origin, 4, bytes(32)))).signed(log.key)).encode()
    witness = Note.parse(note).cosigned(Cosigner.beside("w.example", bytes(32)), 1_700_000_000)
    assert stamped_text(str(witness), keys) == stamped_text(note, keys) == files["checkpoint"]
    for given in ({"other": other, "c": files["checkpoint"]}, {"c": str(witness).encode()}):
        [said] = check_stamps({"t": files["tsr"], **given}, keys, trusted)
        assert said.startswith("t: the log had its first 5 entries")
    forged = files["checkpoint"].replace(b"\n5\n", b"\n6\n")
    for wrong, reason in (({}, "no checkpoint was given"), ({"c": other}, "stamps no checkpoint here: This is not")):
        with pytest.raises(InvalidInput, match=reason):
            check_stamps({"t": files["tsr"], **wrong}, keys, trusted)
    with pytest.raises(InvalidInput, match="not signed by the key"):
        check_stamps({"t": files["tsr"], "c": forged}, keys, trusted)
    assert verified(log, replace(settings, tsa_policy="1.2.3.4.2")).counts == {"stamp_wrong": 1}
    assert verified(log, replace(settings, tsa_url="", tsa_certificates="")).unchecked_stamps == 1
    with log.session("owner") as owner:
        owner.connection().exec_driver_sql("DELETE FROM log_checkpoint")
        owner.commit()
    report = verified(log, settings)
    assert (report.counts, report.stamps) == ({"stamp_wrong": 1}, 0)
    assert "its checkpoint is gone" in report.findings[0].sentence
