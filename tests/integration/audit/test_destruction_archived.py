"""Details in archives: they are destroyed as others are, and a request stays open while they cannot be read."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

import audit.append
from adapters.errors import Conflict, Transient
from adapters.object_lock import LockedStore
from audit.append import append, configured
from audit.archive import read
from audit.archive.models import LogArchive
from audit.destruction.ask import ask_for_subject
from audit.destruction.decide import confirm
from audit.destruction.models import Destruction
from audit.subjects.blind import SubjectKind
from tests.integration.audit.conftest import Log
from tests.integration.audit.test_archive import Kept, moved
from tests.integration.audit.test_destruction import ASKS, DECIDES, EARLY, PERSON, calls, standing


class Asked:
    """A request to destroy what names a person: new entries, and one that only an archive has."""

    def __init__(self, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log, self.kept = log, Kept(log)
        then = self.kept.before - timedelta(days=41)
        monkeypatch.setattr(audit.append, "system_now", lambda: then)
        self.archived = self._call()
        self.kept.write_old(monkeypatch)
        moved(self.kept)
        read.configure(log.settings)
        self.new = calls(log)["asked"]
        with log.session("app") as app:
            self.id = ask_for_subject(app, ASKS, SubjectKind.RESIDENT_ID, PERSON, EARLY).id
            app.commit()
        read.configure(log.settings)

    def _call(self) -> uuid.UUID:
        with self.log.session("app") as app:
            token = configured().blind.token(SubjectKind.RESIDENT_ID, PERSON)
            details = {"subjects": {"head": PERSON}}
            made = append(app, "release.completed", "release/1", ASKS, personal=details, subjects=[token]).id
            app.commit()
        return made

    def confirm(self) -> str:
        """Confirm it, as a request of the portal does."""
        with self.log.session("app") as app:
            state = confirm(app, DECIDES, self.id).state
            app.commit()
        return state

    def state(self) -> tuple[str, bool, bool]:
        """The request's state, and whether the keys of the archived entry and of a new one still stand."""
        with self.log.session("app") as app:
            return app.get_one(Destruction, self.id).state, standing(app, self.archived), standing(app, self.new)


@pytest.fixture
def asked(log: Log, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    yield Asked(log, monkeypatch)
    read._site.clear()


def test_a_store_that_is_away_closes_no_request(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> bytes:
        raise Transient("store.away", "It is away.")

    monkeypatch.setattr(LockedStore, "read", away)
    with pytest.raises(Transient, match="It is away"):
        asked.confirm()
    assert asked.state() == ("ASKED", True, True)
    monkeypatch.undo()
    assert asked.confirm() == "CONFIRMED"
    assert asked.state() == ("CONFIRMED", False, False)


def test_a_damaged_archive_leaves_the_request_open_and_an_expired_one_is_passed_over(asked: Asked) -> None:
    with asked.log.session("owner") as owner:
        owner.execute(text("UPDATE log_archive SET digest = reverse(digest) WHERE number = 0"))
        owner.commit()
    with pytest.raises(Conflict, match=f"the entry {asked.archived} by this number"):
        asked.confirm()
    assert asked.state() == ("ASKED", True, True)
    with asked.log.session("owner") as owner:
        row = owner.get_one(LogArchive, 0)
        row.expired_at = row.retain_until
        owner.commit()
    assert asked.confirm() == "CONFIRMED"
    assert asked.state() == ("CONFIRMED", True, False)
