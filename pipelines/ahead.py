"""Do the next piece of an iteration in a thread of its own while the last one is used."""

from collections.abc import Generator, Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
LOOK_SECONDS = 0.1


class _End:
    """What a finished iteration leaves in the queue: its error, if it had one."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterator[T], depth: int = 2) -> Generator[T, None, None]:
    """The same items, made at most ``depth`` ahead of their use; errors come out where their item would.

    The thread has ended when this generator is exhausted or closed.
    """
    ready: Queue[T | _End] = Queue(depth)
    given_up = Event()

    def put(item: T | _End) -> bool:
        while not given_up.is_set():
            with suppress(Full):
                ready.put(item, timeout=LOOK_SECONDS)
                return True
        return False

    def fill() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                if not put(item):
                    break
        except BaseException as raised:  # handed to the one who uses the items
            error = raised
        put(_End(error))

    thread = Thread(target=fill, name="ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        given_up.set()
        with suppress(Empty):
            ready.get_nowait()
        thread.join()
