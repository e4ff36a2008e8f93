"""A backup is put back at odd moments: an empty log, edges of tiles, twice in a row, another history."""

import pytest

from adapters.errors import Conflict
from audit.log_keys import log_keys
from audit.restoration import mend as mending
from audit.restoration.look import Seen, note_down
from audit.restoration.mend import gap
from tests.integration.audit.conftest import Log
from tests.integration.audit.elsewhere import foreign, go_on, numbered, published, restored, waiting

OF_OWN = {0: (1, 256, 257), 255: (256, 257, 65_536, 65_537), 256: (257, 512)}


def test_the_log_goes_on_from_an_empty_one_and_over_edges_of_tiles(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending, "STEP", 512)
    for own, targets in OF_OWN.items():
        with log.session("app") as app:
            log.write(own - len(numbered(app)))
        log.sequence()
        for target in targets:
            with log.session("owner") as owner:
                found = restored(log, owner, numbered(owner) + foreign(target - own))
                assert (found.start, found.lost) == (own, target - own)
                report = log.verify(owner)
                assert (report.ok, report.lost) == (True, [(own, target, None)]), (own, target, report.first)
                go_on(log, owner)
                report = log.verify(owner)
                assert (report.ok, report.lost) == (True, [(own, target, target)]), (own, target, report.first)
                assert numbered(owner)[own:target] == foreign(target - own)


def test_a_second_backup_is_put_back_before_the_first_loss_has_its_number(log: Log) -> None:
    log.write(3)
    log.sequence()
    with log.session("owner") as owner:
        restored(log, owner, numbered(owner) + foreign(300))
        [declared] = waiting(owner)
        second = restored(log, owner, [*numbered(owner), *foreign(4, "again"), declared, *foreign(2, "and again")])
        assert (second.start, second.lost) == (303, 6)
        go_on(log, owner)
        report = log.verify(owner)
        assert report.ok, report.first
        assert report.lost == [(3, 303, 307), (303, 307, 310), (308, 310, 310)]


def test_another_history_is_refused_before_anything_is_declared(log: Log) -> None:
    log.write(9)
    log.sequence()
    with log.session("owner") as owner:
        for leaves in (foreign(20), foreign(9)):
            files = published(log, leaves)
            assert note_down(owner, [Seen("a test", len(leaves), b"another")])
            with pytest.raises(Conflict, match="another history"):
                gap(owner, files.get, log_keys(log.settings))
            owner.rollback()
