"""Setting aside: a month whose texts all lie in archives gives up its partition; what entries are found by stays."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from adapters.errors import Conflict
from audit.actor import Actor
from audit.append import append
from audit.archive.verify import ArchiveCheck
from audit.archive.write import lock
from audit.months import SCHEMA, ended_before, months
from audit.report import Report
from audit.store.place import Place

SET_ASIDE = "evidence.month_set_aside"
LOCK_WAIT = "2s"


def due(session: Session, before: datetime) -> Iterator[str]:
    """Months that ended before a moment and still have their texts in the database, ``2025-10``."""
    return ended_before(months(session), before)


def set_aside(session: Session, place: Place, actor: Actor, month: str, origin: str) -> int:
    """Take a month's texts out of the database; the caller commits.

    Every archive is read once more and checked first. Who reads or writes evidence is waited for two seconds.

    Args:
        session: of the owner, in a transaction of its own.
        place: of the log in the object store.
        actor: who does it.
        month: as ``due`` names it.
        origin: the log's name.

    Returns:
        How many texts lie in archives alone now; -1 when some of the month are not archived yet.

    Raises:
        Conflict: an archive is not as it was written, or somebody else works on archives.
        OperationalError: others read for longer; nothing was done.
    """
    lock(session)
    partition = f"{SCHEMA}.m{month.replace('-', '_')}"
    counted = text(
        f"SELECT count(*), count(*) FILTER (WHERE log_archive.number IS NULL) FROM {partition} AS texts"  # noqa: S608
        " LEFT JOIN log_leaf ON log_leaf.evidence_id = texts.evidence_id LEFT JOIN log_archive"
        " ON leaf_index >= first_index AND leaf_index < end_index AND expired_at IS NULL"
    )  # the name put in was read from the database and has the form of a month
    session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
    session.execute(text(f"LOCK TABLE {partition} IN SHARE MODE"))
    count, missing = session.execute(counted).one()
    if missing:
        return -1
    report = Report(origin)
    ArchiveCheck(session, place.locked, report).chain()
    if report.first:
        raise Conflict(
            "evidence.archive_damaged",
            "An archive is not as it was written, so nothing is set aside: {finding}",
            finding=report.first.sentence,
        )
    append(session, SET_ASIDE, f"evidence_month/{month}", actor, after={"texts": count})
    session.execute(text(f"ALTER TABLE evidence_text DETACH PARTITION {partition}"))
    session.execute(text(f"DROP TABLE {partition}"))
    return int(count)
