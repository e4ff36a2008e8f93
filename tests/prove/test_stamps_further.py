"""Time-stamps that are not the authority's are named; an authority that fails is shown and blocks nothing."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.errors import Misconfigured, Transient
from audit.stamps.models import LogStamp
from audit.stamps.run import run_forever, stamp
from audit.stamps.token import Authority
from tests.integration.audit.conftest import Log
from tests.integration.audit.test_sequence import wait_for
from tests.integration.audit.test_stamps import POLICY, Openssl, authority, kept, verified

__all__ = ["authority"]


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Openssl]:
    made = Openssl(tmp_path_factory.mktemp("tsa") / "b")
    yield made
    made.close()


def test_a_stamp_of_another_authority_policy_or_checkpoint_is_named(
    log: Log, authority: Openssl, other: Openssl
) -> None:
    settings = kept(log, authority)
    trusted = Authority.of(settings)
    assert trusted is not None
    stamp(settings, trusted)
    strangers = replace(settings, tsa_certificates=other.environment["SHUNIU_TSA_CERTIFICATES"])
    assert verified(log, strangers).counts == {"stamp_wrong": 1}
    assert verified(log, replace(settings, tsa_policy="1.2.3.4.2")).counts == {"stamp_wrong": 1}
    with log.session("owner") as session:
        session.connection().exec_driver_sql("UPDATE log_stamp SET stamped_at = stamped_at - interval '1 day'")
        session.commit()
    assert "its moment was changed" in verified(log, settings).findings[0].sentence
    with log.session("owner") as session:
        session.connection().exec_driver_sql("UPDATE log_stamp SET stamped_at = stamped_at + interval '1 day'")
        session.connection().exec_driver_sql("UPDATE log_checkpoint SET note = replace(note, E'\\n5\\n', E'\\n6\\n')")
        session.commit()
    assert "Mismatch between messages" in verified(log, settings).findings[0].sentence


def test_an_authority_that_fails_is_shown_and_blocks_nothing(log: Log, authority: Openssl, other: Openssl) -> None:
    settings = kept(log, authority)
    trusted = Authority.of(settings)
    assert trusted is not None
    for broken in (
        replace(trusted, url="http://127.0.0.1:9/"),
        replace(trusted, url=other.environment["SHUNIU_TSA_URL"]),
    ):
        made = stamp(settings, broken)
        assert made is not None
        assert (made.token, "gave no stamp" in made.problem) == (None, True)
    log.write(3)
    assert log.sequence() == 3
    stop = threading.Event()
    thread = threading.Thread(target=run_forever, args=(settings, stop))
    thread.start()

    def stamped() -> bool:
        with log.session("app") as session:
            [row] = session.query(LogStamp).all()
            return row.token is not None and row.problem == ""

    wait_for(stamped)
    stop.set()
    thread.join(10)
    with pytest.raises(Misconfigured, match="TSA_CERTIFICATES"):
        Authority.of(replace(settings, tsa_certificates=""))


def test_an_old_answer_is_not_taken_for_a_new_one(authority: Openssl, monkeypatch: pytest.MonkeyPatch) -> None:
    given = authority.environment
    trusted = Authority.trusting(Path(given["SHUNIU_TSA_CERTIFICATES"]), POLICY, given["SHUNIU_TSA_URL"])
    token, _ = trusted.asked(b"a checkpoint")
    monkeypatch.setattr(authority, "answer", lambda _: token)
    with pytest.raises(Transient, match="Nonce mismatch"):
        trusted.asked(b"a checkpoint")
