"""A worker whose sequencer or publisher ended by itself ends too, so that its supervisor starts all of it again."""

from collections.abc import Callable
from threading import Event, Timer
from typing import cast

import pytest

from adapters.errors import Terminal
from adapters.settings import Settings
from portal import worker
from portal.worker import Worker


def _waits(_: Settings, stop: Event) -> None:
    stop.wait(5)


def _ends(_: Settings, stop: Event) -> None:
    """Returns at once, as a thread does that failed."""


@pytest.mark.parametrize(
    ("sequencer", "publisher", "code"),
    [(_ends, _waits, "worker.no_sequencer"), (_waits, _ends, "worker.no_publisher")],
)
def test_a_worker_ends_with_its_threads(
    sequencer: Callable[[Settings, Event], None],
    publisher: Callable[[Settings, Event], None],
    code: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "run_forever", sequencer)
    monkeypatch.setattr(worker, "publish_forever", publisher)
    for name in ("index_forever", "ask_witnesses", "stamp_forever"):
        monkeypatch.setattr(worker, name, _ends)
    running = Worker(cast(Settings, None), {}, {})
    Timer(3, running.stop).start()
    with pytest.raises(Terminal) as ended:
        running.run()
    running.stop()
    assert ended.value.code == code
