"""``shuniu status`` says in words when no witness watches the log."""

import pytest

from portal.cli.status import _show_witnesses


def test_a_log_without_witnesses_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    _show_witnesses({"witnesses": [], "agreed": 0})
    assert capsys.readouterr().out == "No witness watches this log.\n"


def test_a_database_that_says_nothing_is_not_called_unwatched(capsys: pytest.CaptureFixture[str]) -> None:
    _show_witnesses({"problem": "the database does not say how far it is"})
    assert not capsys.readouterr().out
