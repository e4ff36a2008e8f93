"""Texts of entries by month: made ahead, strays shown and moved, an existing log brought over whole."""

import pytest
from sqlalchemy import text

from audit import months
from audit.months import make_months
from tests.integration.audit.conftest import Log


def test_months_are_made_ahead_and_a_stray_is_shown_and_moved(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write(2)
    with log.session("owner") as owner:
        owner.execute(text("UPDATE evidence SET recorded_at = recorded_at - interval '2 years'"))
        owner.execute(text("UPDATE evidence_text SET recorded_at = recorded_at - interval '2 years'"))
        owner.commit()
        stray = owner.scalar(text("SELECT to_char(min(recorded_at), 'YYYY-MM') FROM evidence"))
    with log.session("app") as app:
        before = months.months(app)
        assert (before.strays, before.lacking, before.wrong) == (2, (), True)
        assert stray not in before.present
        assert make_months(app) == 1
        after = months.months(app)
        assert (after.strays, after.lacking, after.wrong) == (0, (), False)
        assert {*after.present} == {*before.present, stray}
        monkeypatch.setattr(months, "AHEAD", 5)
        assert (len(months.months(app).lacking), months.months(app).wrong) == (2, False)
        assert (make_months(app), make_months(app)) == (2, 0)
        app.commit()
    assert log.sequence() == 2, "texts are found where they were moved to"


def test_nobody_waits_long_for_a_partition(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(months, "AHEAD", 4)
    with log.session("app") as reader, log.session("app") as app:
        reader.execute(text("SELECT count(*) FROM evidence_text"))
        assert make_months(app) == 0, "who reads is not waited for longer than a second"
        reader.rollback()
        assert make_months(app) == 1


def test_a_waiting_entry_without_its_text_is_not_signed_away(log: Log) -> None:
    log.write(1)
    with log.session("owner") as owner:
        owner.execute(text("DELETE FROM evidence_text"))
        owner.commit()
    with pytest.raises(Exception, match="the text of entry .* is gone"):
        log.sequence()
