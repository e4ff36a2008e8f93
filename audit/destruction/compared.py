"""Requests to destroy personal details beside the log: rows, states, and what was destroyed under each (R84, R120)."""

from collections import Counter
from collections.abc import Iterator

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.archive.read import bodies
from audit.destruction.models import Destruction, DestructionState
from audit.models import Evidence
from audit.reconcile import Discrepancy, entries_have_rows, facts_follow_entries, register, rows_have_entries
from audit.verify_entry import DESTROYED

ASKED, CONFIRMED, DECLINED = (f"personal.destruction_{step}" for step in ("asked", "confirmed", "declined"))
_FETCH = 500


def register_reconcilers() -> None:
    """Have every verification compare the requests with the log."""
    register("destruction", rows_have_entries("destruction", Destruction.id, [ASKED]))
    register("destruction-entries", entries_have_rows("destruction", Destruction.id, [ASKED]))
    content = facts_follow_entries(
        "destruction",
        select(Destruction),
        Destruction.id,
        [ASKED, CONFIRMED, DECLINED],
        _facts,
        first={"state": DestructionState.ASKED},
        states={DECLINED: DestructionState.DECLINED},
    )
    register("destruction-content", content)
    register("destroyed-details", destroyed_as_decided)


def destroyed_as_decided(session: Session) -> Iterator[Discrepancy]:
    """Details that were destroyed without a request of two people, or other ones than the request counts.

    An entry whose text is gone, as that of an expired archive is, may have been of any request.
    """
    entries = select(Evidence.id, Evidence.subject, Evidence.body).where(
        Evidence.kind == DESTROYED, Evidence.outcome == "DONE"
    )
    counted: Counter[str] = Counter()
    unread = 0
    requests = {str(row.id): row.destroyed for row in session.execute(select(Destruction.id, Destruction.destroyed))}
    for batch in session.execute(entries.execution_options(yield_per=_FETCH)).partitions():
        texts = bodies(session, {row.id: row.body for row in batch})
        unread += len(batch) - len(texts)
        for entry_id, subject, _ in batch:
            if entry_id not in texts:
                continue
            try:
                request = orjson.loads(texts[entry_id])["data"]["after"]["destruction"]
            except (ValueError, KeyError, TypeError):
                request = ""
            counted[str(request)] += 1
            if str(request) not in requests:
                sentence = (
                    f"The personal details of {subject} were destroyed, and no request of two people asks for it."
                )
                yield Discrepancy(subject, sentence, expected="a request", found=str(request))
    for request, destroyed in requests.items():
        if not counted[request] <= destroyed <= counted[request] + unread:
            name = f"destruction/{request}"
            sentence = f"{name} counts other entries than were destroyed for it."
            yield Discrepancy(name, sentence, str(counted[request]), str(destroyed))


def _facts(row: Destruction) -> dict[str, object]:
    target = f"evidence/{row.entry_id}" if row.token is None else f"data_subject/{row.token.hex()}"
    asked_by = str(row.asked_by)
    return {
        "state": row.state,
        "target": target,
        "basis": row.basis,
        "early": bool(row.early_basis),
        "asked_by": asked_by,
    }
