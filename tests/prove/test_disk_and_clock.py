"""The database server's disk is full, and the system's clock goes back: what cannot be evidenced does not happen."""

import resource
import time
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest
from psycopg.errors import DiskFull, InternalError_
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.errors import Transient
from adapters.services.databases import connect
from adapters.settings import Settings
from audit import standing
from audit.log_keys import log_keys
from audit.models import Evidence, EvidenceQueue
from audit.verify import verify_log
from exchange.deliveries.models import Delivery
from exchange.grants.models import ReleaseRecord
from tests.integration.portal.conftest import _no_connections_left, portal, portal_settings, shared_portal, world
from tests.integration.portal.test_stalled import sign, stalling
from tests.integration.portal.world import World, refused
from tests.integration.services.test_restarted_database import place

__all__ = ["_no_connections_left", "place", "portal", "portal_settings", "shared_portal", "stalling", "world"]

WAL_SEGMENT = 16 << 20
FULL = (DiskFull, InternalError_)
"""The server names a limit of its processes in another way than a full disk."""
LARGEST_FILE = WAL_SEGMENT + (1 << 20) + 3_000
FILLER = """
    INSERT INTO evidence_text (recorded_at, evidence_id, body)
    SELECT now(), gen_random_uuid(), decode(string_agg(md5(random()::text), ''), 'hex')
    FROM generate_series(1, %s) AS row, generate_series(1, 120) GROUP BY row
"""


@pytest.fixture
def small(request: pytest.FixtureRequest) -> World:
    """A portal over a server whose files the kernel lets grow to 17 MiB: past that it writes short, as on a full disk.

    A limit of the processes stands for a small disk, which nobody but root could mount.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, before[1]))
    try:
        made: World = request.getfixturevalue("place")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    return made


def fill(place: World) -> None:
    """Write texts that no entry has, until the server has no space for more."""
    with connect(place.portal.settings.database_url) as connection:
        for _ in range(40):
            try:
                connection.execute(FILLER, [500])
            except FULL:
                break
        for _ in range(5_000):
            try:
                connection.execute(FILLER, [1])
            except FULL:
                return
    pytest.fail("the disk is not full")


def make_space(place: World) -> None:
    with connect(place.portal.settings.database_url) as connection:
        connection.execute("DELETE FROM evidence_text WHERE evidence_id NOT IN (SELECT id FROM evidence)")
        connection.execute("VACUUM evidence_text")


def counted(place: World) -> tuple[int, int, int]:
    """Entries, releases and deliveries."""
    own = create_engine(place.portal.settings.app_database_url, poolclass=NullPool)
    with Session(own) as session:
        tables = (Evidence, ReleaseRecord, Delivery)
        first, second, third = (session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)
    return first, second, third


def asked(place: World, key: str) -> Any:
    """Ask for a delivery."""
    wanted = {"purpose": place.granted.purpose, "matter": "办件-17", "grant_id": str(place.granted.id)}
    body = {"mode": "FILES", "format": "CSV", **wanted}
    return place.asks.post("/api/v1/deliveries", json=body, headers={"Idempotency-Key": key})


def test_a_full_disk_stops_what_leaves_evidence_and_all_goes_on_when_there_is_space(small: World) -> None:
    standing.configure(600)
    settings = small.portal.settings
    assert small.look_up(small.asks).status_code == 200
    fill(small)

    before, done, said = counted(small), 0, (0, "")
    for _ in range(40):
        answer = small.look_up(small.asks)
        if answer.status_code != 200:
            said = refused(answer)
            break
        done += 1
    assert said == (503, "database.full")
    assert "disk is full" in answer.get_json()["detail"]
    assert refused(asked(small, "a")) == (503, "database.full")
    assert counted(small) == (before[0] + done, before[1] + done, before[2]), "what was refused left nothing behind"
    assert small.asks.get("/api/v1/grants").status_code == 200, "reading goes on"

    make_space(small)
    assert small.look_up(small.asks).status_code == 200
    assert asked(small, "a").status_code == 201
    after = counted(small)
    assert after[1:] == (before[1] + done + 1, before[2] + 1)
    assert after[0] >= before[0] + done + 2
    sign(settings)
    with Session(create_engine(settings.app_database_url, poolclass=NullPool)) as session:
        keys = log_keys(settings)
        report = verify_log(session, keys.log, keys.log.name, {}, second=keys.second)
    assert report.ok, report.findings


class EarlierClock:
    """A system clock that somebody put back by ten minutes."""

    @staticmethod
    def now(tz: tzinfo | None = None) -> datetime:
        """The moment ten minutes ago."""
        return datetime.now(tz) - timedelta(minutes=10)


def waiting(settings: Settings) -> int:
    """How many entries wait to be numbered."""
    with Session(create_engine(settings.app_database_url, poolclass=NullPool)) as session:
        return session.scalar(select(func.count()).select_from(EvidenceQueue)) or 0


def test_a_clock_that_goes_back_stops_what_leaves_until_it_is_right_again(
    stalling: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = stalling.portal.settings
    assert stalling.look_up(stalling.asks).status_code == 200
    sign(settings)
    with monkeypatch.context() as turned:
        turned.setattr("adapters.clock.datetime", EarlierClock)
        time.sleep(standing.LOOK_AGAIN + 0.1)
        assert refused(stalling.look_up(stalling.asks)) == (503, "evidence.stalled")
        stalling.case.draft()
        stalling.session.commit()
        with pytest.raises(Transient, match="Nothing is signed until it is past that"):
            sign(settings)
    assert waiting(settings) > 0
    sign(settings)
    assert waiting(settings) == 0, "what people did meanwhile is numbered and signed when the clock is right"
    time.sleep(standing.LOOK_AGAIN + 0.1)
    assert stalling.look_up(stalling.asks).status_code == 200
