"""Many write evidence at once and sequencers are killed all the while: no entry is lost, doubled or out of the tree."""

import random
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, create_engine, func, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.settings import Settings
from audit.actor import Actor
from audit.append import append, configure
from audit.keys import SigningKey
from audit.models import Evidence, LogCheckpoint, LogLeaf
from audit.personal import Seal
from audit.verify import verify_log

WRITERS, ROUNDS, MOST_IN_ROUND, KILLS = 6, 60, 40, 12
AGENCY = "11310000000000000X"


@pytest.mark.timeout(900)
def test_killed_sequencers_leave_a_whole_log(fresh: dict[str, str], tmp_path: Path) -> None:
    settings = Settings.load(fresh)
    configure(settings.log_origin, settings.sealing_key)
    written: list[uuid.UUID] = []
    writers = [threading.Thread(target=_write, args=(settings, seed, written)) for seed in range(WRITERS)]
    for writer in writers:
        writer.start()
    for _ in range(KILLS):
        pair = [_worker(fresh, tmp_path) for _ in range(2)]  # one sequences, the other waits for its lock
        time.sleep(random.Random(len(written)).uniform(1.5, 4))
        for worker in pair:
            worker.kill()
            worker.wait()
    for writer in writers:
        writer.join()

    last = _worker(fresh, tmp_path)
    try:
        _wait_until_numbered(settings, len(written))
    finally:
        last.terminate()
        last.wait(60)

    with _session(settings) as session:
        numbered = session.scalars(_numbered(LogLeaf.evidence_id)).all()
        assert sorted(numbered) == sorted(written)
        assert (session.scalar(select(func.count()).select_from(LogCheckpoint)) or 0) > 1
        key = SigningKey.from_setting(settings.log_origin, settings.log_key).verifier
        seal = Seal(settings.sealing_key)
        report = verify_log(session, key, settings.log_origin, {}, seal=seal)
        assert report.ok, report.findings


def _write(settings: Settings, seed: int, written: list[uuid.UUID]) -> None:
    """Transactions of some entries each, held open for a while, every fourth of them rolled back."""
    chance = random.Random(seed)
    for number in range(ROUNDS):
        with _session(settings) as session:
            actor = Actor(person_id=uuid.uuid4(), agency_code=AGENCY, name="张三" if number % 2 else "")
            count = chance.randint(1, MOST_IN_ROUND)
            ids = [append(session, "test.written", f"test/{seed}", actor, after={"n": n}).id for n in range(count)]
            time.sleep(chance.uniform(0, 0.3))
            if number % 4 == 3:
                session.rollback()
                continue
            session.commit()
            written.extend(ids)


def _worker(environ: Mapping[str, str], folder: Path) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("shuniu")), "worker"]
    with (folder / "worker.log").open("ab") as log:
        return subprocess.Popen(command, env={**environ, "PATH": "/usr/bin:/bin"}, stdout=log, stderr=log)


def _wait_until_numbered(settings: Settings, count: int) -> None:
    deadline = time.monotonic() + 120
    while True:
        with _session(settings) as session:
            found = session.scalar(_numbered(func.count()))
        if found == count:
            return
        assert time.monotonic() < deadline, f"{found} of {count} entries are numbered"
        time.sleep(0.2)


def _numbered(what: Any) -> Select[Any]:
    """Numbered entries of the writers; the workers' starts are in the log besides."""
    own = select(what).select_from(LogLeaf).join(Evidence, Evidence.id == LogLeaf.evidence_id)
    return own.where(Evidence.kind == "test.written")


def _session(settings: Settings) -> Session:
    return Session(create_engine(settings.app_database_url, poolclass=NullPool))
