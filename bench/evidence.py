"""What evidence costs: a commit with and without it, the sequencer's pace, proofs, the whole verification.

It is measured in a database of its own, so that the hub's worker takes no part.
"""

import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from threading import Event, Thread

from sqlalchemy import Engine, create_engine, func, select, text
from sqlalchemy.orm import Session

from adapters.clock import city_date, system_now
from adapters.database import engine as kept_engine
from adapters.services.foundation import running
from adapters.settings import Settings
from audit.actor import Actor
from audit.append import append
from audit.keys import SigningKey
from audit.models import LogLeaf
from audit.proof import prove
from audit.sequence import run_forever, sequence
from audit.verify import verify_log
from bench.figures import Figure
from directory.agencies.models import Agency
from portal.demo.stage import Stage
from portal.migrations.run import upgrade
from schemas.identifiers import credit_code

ENTRIES = 50_000
COMMITS = 1_000
TURNS = 20
"""How often commits with and without evidence take turns, so that what else the machine does falls on both."""
PROOFS = 2_000
RATE = 500
RATE_SECONDS = 10
ROUNDS = 3
ACTOR = Actor(agency_id=uuid.uuid4(), agency_code="11310000MB2F30414T", roles=frozenset({"REQUESTER"}), name="林嘉")


@dataclass(frozen=True)
class Log:
    """A log of the benchmark's own."""

    app: Engine
    sequencer: Engine
    owner: Engine
    settings: Settings
    key: SigningKey


def measure(stage: Stage) -> list[Figure]:
    """All figures of the evidence log."""
    with _own_log(stage) as log:
        return [
            _commit(stage, log),
            _inclusion(log),
            _drain(stage, log),
            _proofs(log),
            _verified(stage, log),
            _size(log),
        ]


@contextmanager
def _own_log(stage: Stage) -> Iterator[Log]:
    """A migrated, empty database in a home of its own."""
    home = stage.settings.home.with_name("evidence")
    shutil.rmtree(home, ignore_errors=True)
    with running(home) as environment:
        settings = Settings.load({**environment, "SHUNIU_LOG_ORIGIN": stage.settings.log_origin})
        upgrade(settings.database_url)
        urls = (settings.app_database_url, settings.sequencer_database_url, settings.database_url)
        key = SigningKey.from_setting(settings.log_origin, settings.log_key)
        app, sequencer, owner = map(create_engine, urls)
        yield Log(app, sequencer, owner, settings, key)
        for made in (app, sequencer, owner, kept_engine(settings.sequencer_database_url)):
            made.dispose()
    shutil.rmtree(home)


def _commit(stage: Stage, log: Log) -> Figure:
    """A business commit (an agency's row changed through the ORM), with its entry and without, in turns."""
    code = credit_code.make("1", "1", "310000", "00000001")
    with Session(log.app) as session, session.begin():
        agency = Agency(name="0", credit_code=code, short_code="JZ", valid_from=city_date(system_now()))
        session.add(agency)
        session.flush()
        identity = agency.id

    def seconds(*, evidenced: bool) -> float:
        began = time.perf_counter()
        for number in range(COMMITS // TURNS):
            with Session(log.app) as session, session.begin():
                changed = session.get_one(Agency, identity, with_for_update=True)
                changed.name = f"{began}-{number}"
                session.flush()
                if evidenced:
                    append(session, "agency.changed", f"agency/{identity}", ACTOR, after={"name": changed.name})
        return time.perf_counter() - began

    pairs = []
    for _ in range(ROUNDS):
        turns = [(seconds(evidenced=True), seconds(evidenced=False)) for _ in range(TURNS)]
        pairs.append(tuple(COMMITS / sum(side) for side in zip(*turns, strict=True)))
        stage.say("evidence: {:.0f} commits/s with it, {:.0f}/s without".format(*pairs[-1]))
    own, bare = (median(side) for side in zip(*pairs, strict=True))
    return Figure.beside("business commit with its evidence", own, "1/s", bare, 0.7)


def _inclusion(log: Log) -> Figure:
    """Entries written at a steady rate while the sequencer runs: seconds until a signed checkpoint holds them."""
    _sequence_all(log)
    with Session(log.app) as session:
        first = session.scalar(select(func.count()).select_from(LogLeaf)) or 0
    stop = Event()
    runner = Thread(target=run_forever, args=(log.settings, stop), name="sequencer")
    runner.start()
    began = time.perf_counter()
    for number in range(RATE * RATE_SECONDS):
        time.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        with Session(log.app) as session, session.begin():
            append(session, "agency.changed", f"agency/{number}", ACTOR, after={"number": number})
    written = RATE * RATE_SECONDS / (time.perf_counter() - began)
    time.sleep(3)
    stop.set()
    runner.join()
    held = text(
        """
        SELECT percentile_disc(0.99) WITHIN GROUP (
            ORDER BY extract(epoch FROM signed.signed_at - evidence.recorded_at))
        FROM log_leaf JOIN evidence ON evidence.id = log_leaf.evidence_id
        CROSS JOIN LATERAL (
            SELECT signed_at FROM log_checkpoint WHERE size > log_leaf.leaf_index ORDER BY size LIMIT 1) AS signed
        WHERE leaf_index >= :first
        """
    )
    with Session(log.owner) as session:
        seconds = float(session.scalar(held, {"first": first}) or 0)
    name = f"entry written to entry signed for, 99 %, at {written:.0f}/s"
    return Figure.at_most(name, seconds, "s", 2.0)


def _drain(stage: Stage, log: Log) -> Figure:
    """Many entries that wait: how many a second the sequencer takes."""
    began = time.perf_counter()
    for start in range(0, ENTRIES, 500):
        with Session(log.app) as session, session.begin():
            for number in range(start, start + 500):
                append(session, "release.completed", f"release/{number}", ACTOR, after={"rows": 1, "digest": "0" * 64})
    stage.say(f"evidence: {ENTRIES / (time.perf_counter() - began):.0f} entries/s written, 500 in a transaction")
    began = time.perf_counter()
    _sequence_all(log)
    return Figure.at_least("entries sequenced", ENTRIES / (time.perf_counter() - began), "1/s", 5_000)


def _proofs(log: Log) -> Figure:
    """Proofs of inclusion, each of another entry."""
    paces = []
    with Session(log.app) as session:
        step = max(1, ENTRIES // PROOFS)
        for _ in range(ROUNDS):
            began = time.perf_counter()
            for index in range(0, PROOFS * step, step):
                prove(session, index)
            paces.append(PROOFS / (time.perf_counter() - began))
    return Figure.at_least("proofs of inclusion", median(paces), "1/s", 1_000)


def _verified(stage: Stage, log: Log) -> Figure:
    """The whole log verified from what is stored."""
    paces = []
    for _ in range(ROUNDS):
        with Session(log.app) as session:
            report = verify_log(session, log.key.verifier, log.key.verifier.name, {})
        stage.say(f"evidence: {report.entries} entries verified in {report.seconds:.1f} s")
        assert report.ok, report.first
        paces.append(report.entries / report.seconds)
    return Figure.at_least("entries verified", median(paces), "1/s", 50_000)


def _size(log: Log) -> Figure:
    """Bytes of database per entry, indexes included."""
    tables = ("evidence", "evidence_text", "evidence_personal", "log_leaf", "log_tile", "log_checkpoint")
    every = text(
        "SELECT pg_total_relation_size(CAST(:table AS regclass))"
        " + coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint"
        " FROM pg_inherits WHERE inhparent = CAST(:table AS regclass)"
    )
    with Session(log.owner) as session:
        total = sum(int(session.scalar(every, {"table": table}) or 0) for table in tables)
        entries = session.scalar(select(func.count()).select_from(LogLeaf)) or 1
    return Figure.told("an entry in the database, indexes included", total / entries, "bytes")


def _sequence_all(log: Log) -> None:
    dealt_with = 1
    while dealt_with:
        with Session(log.sequencer) as session, session.begin():
            dealt_with = sequence(session, log.key, log.key.verifier.name)
