"""Witnesses' word of an hour lies under lock too, and verification names what became of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from adapters.clock import system_now
from audit.note import Note
from audit.report import Report
from audit.store.models import KeptCheckpoint
from audit.store.place import Place
from audit.store.run import Publisher
from audit.store.verify import verify_store
from tests.integration.audit.conftest import Log
from tests.integration.audit.test_witnesses import Site, signers
from tests.integration.audit.test_witnesses import site as site

WITHOUT_LOCK = "shuniu"
"""A bucket that was made without object lock."""


def kept(site: Site, **settings: str) -> tuple[Place, dict[bool, KeptCheckpoint]]:
    """One step of the publisher, and what is kept since, by whether it is the cosigned one."""
    changed = Log(site.log.environment | settings).settings
    place = Place.of(changed)
    Publisher(changed, place).step()
    with site.log.session("app") as session:
        rows = {row.cosigned: row for row in session.scalars(select(KeptCheckpoint))}
        session.expunge_all()
    return place, rows


def found(site: Site, place: Place) -> dict[str, int]:
    """What verification finds in the store."""
    report = Report("")
    with site.log.session("app") as session:
        verify_store(session, place, site.log.key.verifier, report)
    return dict(report.counts)


def half_cosigned(site: Site) -> None:
    """Both witnesses agree to five entries, none to the sixth."""
    site.grow(5)
    assert (site.tend("water"), site.tend("court")) == ("", "")
    site.grow(1)


def test_an_older_checkpoint_that_enough_cosigned_is_locked_beside_the_newest(site: Site) -> None:
    half_cosigned(site)
    place, rows = kept(site)
    assert {cosigned: row.size for cosigned, row in rows.items()} == {False: 6, True: 5}
    row = rows[True]
    assert row.key == f"{rows[False].key}-cosigned"
    assert signers(place.locked.read(row.key, row.version).decode(), site) == (5, ["water", "court"])
    until = place.locked.retained_until(row.key, row.version)
    assert until is not None
    assert (until - system_now()).days >= 3 * 365
    assert found(site, place) == {}


def test_the_newest_is_kept_alone_when_enough_cosigned_it_or_none_is_cosigned(site: Site) -> None:
    site.grow(5)
    assert site.tend("water") == ""
    _, rows = kept(site)
    assert list(rows) == [False], "one of two is not enough"
    with site.log.session("owner") as session:
        session.execute(text("DELETE FROM log_kept_checkpoint"))
        session.commit()
    assert site.tend("court") == ""
    place, rows = kept(site)
    assert list(rows) == [False], "it carries both"
    assert signers(place.locked.read(rows[False].key).decode(), site) == (5, ["water", "court"])


def gone(place: Place, row: KeptCheckpoint) -> None:
    place.locked.remove(row.key)


def without_its_witnesses(place: Place, row: KeptCheckpoint) -> None:
    note = Note.parse(place.locked.read(row.key).decode())
    place.locked.put_held(row.key, str(replace(note, signatures=note.signatures[:2])).encode(), None)


@pytest.mark.parametrize("cosigned", [True, False])
@pytest.mark.parametrize(
    ("attack", "code"), [(gone, "store_kept_missing"), (without_its_witnesses, "store_kept_differs")]
)
def test_what_is_missing_or_altered_is_named(
    site: Site, attack: Callable[[Place, KeptCheckpoint], None], code: str, *, cosigned: bool
) -> None:
    half_cosigned(site)
    assert site.tend("water") == "", "so that the newest carries a witness too"
    place, rows = kept(site, SHUNIU_LOCK_BUCKET=WITHOUT_LOCK)
    assert found(site, place) == {}
    attack(place, rows[cosigned])
    assert found(site, place) == {code: 1}


@pytest.mark.parametrize(("days", "lock_bucket"), [(4 * 366, ""), (3 * 366, WITHOUT_LOCK)])
def test_what_is_not_held_or_not_for_long_enough_is_named(site: Site, days: int, lock_bucket: str) -> None:
    half_cosigned(site)
    place, _ = kept(site, **({"SHUNIU_LOCK_BUCKET": lock_bucket} if lock_bucket else {}))
    due = system_now() + timedelta(days=days)
    with site.log.session("owner") as session:
        session.execute(text("UPDATE log_kept_checkpoint SET retain_until = :due WHERE cosigned"), {"due": due})
        session.commit()
    assert found(site, place) == {"store_kept_not_locked": 1}
