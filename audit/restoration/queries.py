"""Whether the log stands still because an older database was put in its place: for pages and commands."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from audit.restoration.look import stands_still


@dataclass(frozen=True)
class Restoration:
    """What was found.

    Attributes:
        own_size: entries that this database has.
        seen_size: entries that the log has.
        seen_by: who showed it.
        found_at: when.
    """

    own_size: int
    seen_size: int
    seen_by: str
    found_at: datetime

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, for a terminal."""
        return (
            f"this database has {self.own_size} entries of the log, and {self.seen_by} has seen {self.seen_size}: it"
            f" was put back from a backup. Nothing is signed and nothing leaves the hub since"
            f" {self.found_at:%Y-%m-%d %H:%M} UTC. The system administrator and the audit administrator declare what"
            " is lost: `shuniu restored`."
        )


def restoration(session: Session) -> Restoration | None:
    """The finding that keeps the log from going on; None when there is none."""
    row = stands_still(session)
    return Restoration(row.own_size, row.seen_size, row.seen_by, row.found_at) if row else None
