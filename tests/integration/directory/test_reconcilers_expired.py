"""The directory's tables beside a log whose older texts have expired: what is not known is no accusation."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.errors import Transient
from adapters.object_lock import LockedStore
from adapters.settings import Settings
from audit.archive import read
from audit.reconcile import registered
from audit.verify import verify_log
from tests.integration.audit.conftest import Log
from tests.integration.directory.test_reconcilers import differences, everything, people, version
from tests.integration.expired import archived_away, pieces
from tests.integration.portal.test_api_evidence import sequenced

__all__ = ["everything", "people", "version"]


@pytest.fixture
def session(fresh: dict[str, str]) -> Iterator[Session]:
    """A session of the application's role in a database of the test's own, which the owner sees too."""
    engine = create_engine(fresh["SHUNIU_APP_DATABASE_URL"], poolclass=NullPool)
    with Session(engine) as opened:
        yield opened
    engine.dispose()


def test_what_has_expired_accuses_nobody(session: Session, everything: None, fresh: dict[str, str]) -> None:
    session.commit()
    settings = Settings.load(fresh)
    sequenced(settings)
    found = {}
    with Session(create_engine(settings.database_url, poolclass=NullPool)) as owner:
        assert differences(owner) == set()
        for first, end in list(pieces(owner, 12)):
            archived_away(owner, first, end)
            found[first, end] = differences(owner)
            owner.rollback()
    assert {piece: names for piece, names in found.items() if names} == {}


def test_a_store_that_is_away_is_named_and_accuses_nobody(
    session: Session, everything: None, fresh: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session.commit()
    log = Log(fresh)
    sequenced(log.settings)

    def away(*_: object, **__: object) -> bytes:
        raise Transient("store.away", "It does not answer.")

    monkeypatch.setattr(LockedStore, "read", away)
    monkeypatch.setattr(read, "_site", [read.Archives(log.settings)])
    with Session(create_engine(log.settings.database_url, poolclass=NullPool)) as owner:
        differences(owner)  # registers
        end = list(pieces(owner, 1))[-1][1]
        archived_away(owner, 0, end, expired=False)
        report = verify_log(owner, log.key.verifier, log.settings.log_origin, registered())
    told = [each.sentence for each in report.findings if each.code == "store_away"]
    assert {each.split(":")[0] for each in told} >= {
        "role",
        "system-addresses",
        "agency-former",
        "agency-content",
        "review",
    }
    assert all("not compared" in each and "It does not answer." in each for each in told)
    assert [each for each in report.findings if each.code.startswith("reconcile.")] == []
