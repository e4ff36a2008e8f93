"""A package's place in the channel from the hub to a receiver, as the receiver's machine sees it.

A small file beside the receiver's key keeps, per sender, the last package opened: so one that is sent again, or does
not follow it, is seen where there is no hub to ask.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from adapters.clock import system_now
from adapters.errors import InvalidInput


@dataclass(frozen=True)
class Place:
    """Where a package stands.

    Attributes:
        again: it was opened here before, or a later one was.
        missing: packages before it that were not opened here.
    """

    again: bool
    missing: range


class Channel:
    """The last package opened per sender.

    Args:
        file: made with the first package.

    Raises:
        InvalidInput: the file cannot be read as one.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._last: dict[str, dict[str, Any]] = dict(json.loads(file.read_bytes())) if file.exists() else {}
            for last in self._last.values():
                if not isinstance(last["sequence"], int) or not isinstance(last["statement"], str):
                    raise TypeError("not a place in a channel")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            sentence = "{file} does not say which package was opened last. Restore it from a copy, or remove it."
            raise InvalidInput("package.channel_file", sentence, file=file) from error

    def place(self, facts: dict[str, Any], *, again: bool) -> Place:
        """Where a package stands.

        Args:
            facts: signed ones; ``sequence`` and ``previous`` as in ``PackageFacts``.
            again: take one that is no newer than the last.

        Raises:
            InvalidInput: it is no newer, or does not follow the one before it.
        """
        last, sequence = self._last.get(facts["sender"]), facts["sequence"]
        if last is None:
            return Place(again=False, missing=range(0))
        if sequence <= last["sequence"] and not again:
            raise InvalidInput(
                "package.not_newer",
                "This is package {sequence} of the channel, and package {last} was opened here already: it was sent "
                "again, or comes late. If you know why, open it with --again.",
                sequence=sequence,
                last=last["sequence"],
            )
        if sequence == last["sequence"] + 1 and facts["previous"] != last["statement"]:
            raise InvalidInput(
                "package.other_channel",
                "The package does not follow the one that was opened before it. Do not use it, and ask the hub.",
            )
        return Place(sequence <= last["sequence"], range(last["sequence"] + 1, sequence))

    def keep(self, facts: dict[str, Any], statement_sha256: str) -> None:
        """Keep a package as the last one opened; ``statement_sha256`` is what the next one names.

        Raises:
            InvalidInput: the file cannot be written.
        """
        self._last[facts["sender"]] = {"sequence": facts["sequence"], "statement": statement_sha256}
        fresh = self._file.with_name(f"{self._file.name}.new")
        try:
            with private(fresh) as sink:
                sink.write(json.dumps(self._last, indent=1).encode())
            os.replace(fresh, self._file)
        except OSError as error:
            sentence = (
                "{file} cannot be written. It keeps which package was opened last: let the key's folder be writable."
            )
            raise InvalidInput("package.channel_file", sentence, file=self._file) from error


def require_in_time(facts: dict[str, Any]) -> None:
    """Check the signed facts that place a package: it is good until ``not_after``, by this machine's clock.

    Raises:
        InvalidInput: it is too late, or a fact is missing.
    """
    kinds = {"sender": str, "sequence": int, "previous": str, "not_after": str}
    try:
        if not all(isinstance(facts[name], kind) for name, kind in kinds.items()):
            raise TypeError("a fact of another kind")
        moment = datetime.fromisoformat(facts["not_after"])
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(
            "package.no_statement", "The package's statement cannot be read. Ask for it anew."
        ) from error
    if system_now() > (moment if moment.tzinfo else moment.replace(tzinfo=UTC)):
        raise InvalidInput(
            "package.expired",
            "The package could be opened until {moment}; that is over. Ask for the data anew.",
            moment=facts["not_after"],
        )


def private(path: Path) -> BinaryIO:
    """A new file, or one emptied, that its owner alone may read and write."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
