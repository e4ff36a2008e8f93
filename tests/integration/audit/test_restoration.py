"""A backup of the database is put back: nothing is signed, two people declare the loss, witnesses go along."""

import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from psycopg.sql import SQL, Identifier
from sqlalchemy import select
from sqlalchemy.engine import make_url

from adapters.errors import Conflict, Transient
from adapters.services.databases import connect
from audit import standing
from audit.log_keys import log_keys
from audit.models import LogCheckpoint, LogLeaf
from audit.queries import log_state
from audit.report import Report
from audit.restoration.look import ask, note_down
from audit.store.mend import publish_again
from audit.store.place import Place
from audit.store.run import Publisher
from audit.store.verify import verify_store
from audit.witness import standing as witness_standing
from directory.people.roles import Role
from portal.cli.main import shuniu
from portal.first_people import Newcomer, enter_operator
from tests.integration.audit.conftest import ROLES, Log, _configured, _disconnect
from tests.integration.audit.test_witnesses import Site
from tests.prove.test_witnesses_further import back_up

PEOPLE = [
    Newcomer("tangjie", "唐杰", Role.SYSTEM_ADMINISTRATOR, "a first password"),
    Newcomer("jiangmin", "蒋敏", Role.SECURITY_ADMINISTRATOR, "a second password"),
    Newcomer("hanxue", "韩雪", Role.AUDIT_ADMINISTRATOR, "a third password"),
]
NAMES = ("--system-administrator", "tangjie", "--audit-administrator", "hanxue")
REASONS = ("--reason", "the disk broke", "--confirmed-because", "the backup of the night is whole")


class Backup:
    """A log with a witness, and an older database that was put in its place."""

    def __init__(self, site: Site, older: Log) -> None:
        self.site, self.older = site, older
        self.place = Place.of(older.settings)

    def looked(self) -> bool:
        """What a sequencer does before its first signature."""
        with self.older.session("sequencer") as session:
            policy = self.site.policy
            found = note_down(session, ask(session, self.place.read, log_keys(self.older.settings), policy))
            session.commit()
        return found

    def restored(self, *words: str, passwords: tuple[str, ...] = ("a first password", "a third password")) -> Result:
        return CliRunner().invoke(
            shuniu, ["restored", *words], env=self.older.environment, input="".join(f"{one}\n" for one in passwords)
        )

    def sizes(self) -> list[int]:
        """How many entries have numbers, and what the last checkpoint states."""
        with self.older.session("app") as session:
            last = session.scalars(select(LogCheckpoint.size).order_by(LogCheckpoint.size.desc()).limit(1)).one()
            return [len(session.scalars(select(LogLeaf.leaf_index)).all()), last]


@pytest.fixture
def backup(log: Log, tmp_path: Path) -> Iterator[Backup]:
    name = f"test_{uuid.uuid4().hex}"
    moved = {
        key: make_url(log.environment[key]).set(database=name).render_as_string(hide_password=False)
        for key in ROLES.values()
    }
    older = Log(log.environment | moved | {"SHUNIU_WITNESSES": str(tmp_path / "policy")})
    site = Site(log, tmp_path)
    yield Backup(site, older)
    for process in site.running.values():
        process.end(signal.SIGKILL)
    witness_standing.configure("")
    _disconnect(moved)
    with connect(log.environment["SHUNIU_DATABASE_URL"]) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


def put_back(backup: Backup, lost: int) -> int:
    """Let the log grow after the backup was taken, publish and cosign it, and go on with the backup; its size."""
    log, publisher = backup.site.log, Publisher(backup.site.log.settings, backup.place)
    with log.session("app") as session:
        code = "11319900DM9000001U"
        enter_operator(session, credit_code=code, short_code="JXW", name="经信委", name_en="", administrators=PEOPLE)
        session.commit()
    log.write(300)
    while log.sequence(100):
        pass
    publisher.step()
    assert backup.site.tend("water") == ""
    back_up(log, backup.older)
    size = backup.sizes()[1]
    log.write(lost)
    while log.sequence(100):
        pass
    publisher.step()
    assert backup.site.tend("water") == ""
    _configured(backup.older.environment)
    return size


def test_the_log_goes_on_where_it_was_seen_last_and_says_what_is_lost(
    backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.verify_read.PIECE", 256)
    size = put_back(backup, 600)
    backup.older.write(3)
    assert (backup.looked(), backup.looked()) == (True, True)
    assert backup.older.sequence() == 0, "what waits is not numbered"
    with backup.older.session("app") as session:
        with pytest.raises(Transient, match="put back from a backup"):
            standing.require_flow(session)
        state = log_state(session).restoration
        assert state is not None
        assert (state.own_size, state.seen_size) == (size, size + 600)
    with backup.older.session("sequencer") as session, pytest.raises(Conflict, match="older than the log"):
        publish_again(session, backup.place)

    done = backup.restored(*NAMES, *REASONS)
    assert (done.exit_code, f"{size} to {size + 599} the texts of 600 are lost" in done.output) == (0, True), (
        done.output,
        done.exception,
    )
    assert backup.older.sequence() >= 4
    assert backup.sizes()[1] - backup.sizes()[0] == 600
    with backup.older.session("app") as session:
        standing._seen.clear()
        standing.require_flow(session)
        assert log_state(session).restoration is None
    report = backup.older.verified()
    assert report.ok, report.findings
    [lost] = report.lost_lines()
    assert f"The texts of the entries {size} to {size + 599} are lost, declared by entry" in lost

    alone = {**backup.older.environment, "SHUNIU_WITNESSES": ""}
    told = CliRunner().invoke(shuniu, ["audit", "verify", "--no-store"], env=alone)
    assert "The log is whole but for declared losses." in told.output, (told.output, told.exception)
    assert ("names a policy of witnesses" in told.output, told.exit_code) == (True, 3)
    with_policy = CliRunner().invoke(shuniu, ["audit", "verify", "--no-store"], env=backup.older.environment)
    assert ("Not enough witnesses agree" in with_policy.output, with_policy.exit_code) == (True, 1), "the site's own"

    Publisher(backup.older.settings, backup.place).step()
    with backup.older.session("app") as session:
        report = Report("")
        verify_store(session, backup.place, backup.older.key.verifier, report)
        assert report.ok, report.findings
    assert backup.site.tend("water", backup.older) == "", "it is the same log, so the witness cosigns it"
    assert not backup.looked()

    with backup.older.session("owner") as session:
        falsified = "UPDATE log_leaf SET leaf_index = leaf_index + 5000 WHERE leaf_index = %(last)s"
        session.connection().exec_driver_sql(falsified, {"last": size - 1})
        assert "number_missing" in backup.older.verify(session).counts, "what nobody declared is a finding"
