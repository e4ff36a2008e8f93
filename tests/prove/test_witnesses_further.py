"""The hub and its witnesses: absence, restored databases, cosignatures that were changed, and the commands."""

import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import text
from sqlalchemy.engine import make_url

from adapters.services.databases import connect
from audit.store.place import Place
from audit.store.run import Publisher
from audit.witness import standing
from audit.witness.collect import start, tend
from audit.witness.policy import PolicyWitness
from tests.integration.audit.conftest import ROLES, Log, _configured, _disconnect
from tests.integration.audit.test_sequence import wait_for
from tests.integration.audit.test_witnesses import Site, refusals, site

__all__ = ["site"]


@pytest.fixture
def copy(log: Log) -> Iterator[Log]:
    """A copy of the log's database as it is when the test asks for it: the backup that somebody restores."""
    name = f"test_{uuid.uuid4().hex}"
    moved = {
        key: make_url(log.environment[key]).set(database=name).render_as_string(hide_password=False)
        for key in ROLES.values()
    }
    yield Log(log.environment | moved)
    _disconnect(moved)
    with connect(log.environment["SHUNIU_DATABASE_URL"]) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


def back_up(log: Log, copy: Log) -> None:
    _disconnect(log.environment)
    urls = [make_url(each.environment[ROLES["owner"]]) for each in (log, copy)]
    names = [Identifier(url.database or "") for url in urls]
    server = urls[0].set(database="postgres").render_as_string(hide_password=False)
    with connect(server) as connection:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(names[1], names[0]))


def test_a_witness_that_is_away_delays_nothing_and_keeps_its_promise_when_it_is_back(site: Site) -> None:
    site.grow(5)
    assert (site.tend("water"), site.tend("court")) == ("", "")
    site.running["water"].end(signal.SIGKILL)
    site.grow(5)
    assert (site.tend("water"), site.tend("court")) == ("AWAY", "")
    with site.log.session("app") as session:
        agreed = standing.agreement(session)
        assert [(each.size, each.problem) for each in agreed.witnesses] == [(5, "AWAY"), (10, "")]
        assert (agreed.size, agreed.contradicted) == (5, False)
    site.running["water"].start()
    assert site.tend("water") == ""
    assert site.verified().agreed_size == 10
    assert refusals(site.log) == []


def test_the_rows_of_an_older_database_catch_up_with_what_the_witness_knows(site: Site) -> None:
    site.grow(5)
    assert site.tend("water") == ""
    with site.log.session("owner") as owner:
        owner.execute(text("DELETE FROM log_witness"))
        owner.commit()
    site.grow(5)
    assert site.tend("water") == "", "409 tells the size, and the log goes on from there"


def test_a_restored_old_database_is_refused_before_and_after_it_grows_again(site: Site, copy: Log) -> None:
    site.grow(5)
    assert site.tend("water") == ""
    back_up(site.log, copy)
    site.grow(5)
    assert site.tend("water") == ""
    assert site.tend("water", copy) is None
    assert site.tend("water", copy, again=True) == "BEHIND", "as a worker asks when it starts"
    assert refusals(copy) == ["witness/water"]
    assert site.tend("water", copy) == "BEHIND"
    assert refusals(copy) == ["witness/water"], "one entry, however often it is refused"
    configured = _configured(copy.environment)
    configured.write(20)
    while configured.sequence():
        pass
    assert site.tend("water", copy) == "REFUSED"
    with copy.session("app") as session:
        assert standing.agreement(session).contradicted
        assert standing.agreement(session).size == 0
    found = site.verified(copy)
    assert found.counts["witness_refused"] == 1
    site.running["water"].end(signal.SIGKILL)
    assert site.tend("water", copy) == "REFUSED", "being away takes nothing back"


def test_cosignatures_that_were_changed_and_checkpoints_cut_off_are_named(site: Site) -> None:
    for _ in range(3):
        site.grow(3)
        assert (site.tend("water"), site.tend("court")) == ("", "")
    with site.log.session("owner") as owner:
        owner.execute(text("UPDATE log_cosignature SET line = line || line WHERE size = 9"))
        owner.execute(text("UPDATE log_cosignature SET size = 4 WHERE size = 3"))
        owner.commit()
    counts = site.verified().counts
    assert counts["cosigned_checkpoint_missing"] == 2
    with site.log.session("owner") as owner:
        owner.execute(text("UPDATE log_cosignature SET line = 'nothing' WHERE size = 9"))
        owner.commit()
    report = site.verified()
    assert report.counts["cosignature_wrong"] == 2
    assert report.agreed_size == 6


def test_a_witness_that_does_not_know_the_log_or_signs_wrongly_is_told_apart(site: Site) -> None:
    site.grow(3)
    water, court = site.policy.witnesses.values()
    swapped = replace(water, url=court.url)
    url = site.log.environment[ROLES["app"]]
    assert tend(url, swapped) == "AWAY", "its answer bears another's signature"
    lost = PolicyWitness("lost", water.key, f"{water.url}/elsewhere")
    assert tend(url, lost) == "UNKNOWN"
    assert refusals(site.log) == []


def test_the_workers_threads_submit_what_is_new_and_stop(site: Site) -> None:
    stop = threading.Event()
    site.grow(3)
    threads = start(replace(site.log.settings, witnesses=str(site.path)), stop)
    assert [thread.name for thread in threads] == ["witness water", "witness court"]

    def agreed() -> int:
        with site.log.session("app") as session:
            return standing.agreement(session).size

    wait_for(lambda: agreed() == 3)
    site.grow(4)
    wait_for(lambda: agreed() == 7)
    stop.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert start(site.log.settings, stop) == []


def test_the_commands_say_which_witnesses_agree(site: Site) -> None:
    site.grow(3)
    assert site.tend("water") == ""
    environ = {**site.log.environment, "SHUNIU_WITNESSES": str(site.path)}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "portal.cli.main", "audit", *words]
        return subprocess.run(
            command, env=environ, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False, timeout=60
        )

    said = run("state").stdout
    assert "The witness water agrees to 3 entries." in said
    assert "The witness court agrees to 0 entries." in said
    verified = run("verify", "--no-store", "--policy", str(site.path))
    assert "Not enough witnesses agree" in verified.stdout
    assert verified.returncode == 1
    assert site.tend("court") == ""
    verified = run("verify", "--no-store", "--policy", str(site.path))
    assert "Witnesses agree: water to 3, court to 3 entries; enough of them to 3." in verified.stdout
    assert verified.returncode == 0


def test_nothing_is_submitted_that_is_not_published(site: Site) -> None:
    publisher = Publisher(site.log.settings, Place.of(site.log.settings))
    site.grow(5)
    publisher.step()
    site.grow(5)
    assert site.tend("water") == ""
    assert site.verified().witnesses["water"] == 5
    publisher.step()
    assert site.tend("water") == ""
    assert site.verified().witnesses["water"] == 10
