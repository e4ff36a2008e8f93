"""Grants and releases beside the evidence log: terms, what was used, and what left (R44, R49, R120)."""

import uuid
from collections.abc import Iterator, Sequence

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from audit.models import Evidence
from audit.opened import personal_details
from audit.reconcile import UNSTATED, Discrepancy, Recorded, batches, differences, recorded
from exchange.entries import condition
from exchange.grants.models import Grant, ReleaseRecord, ReleaseState, Suspender
from exchange.grants.recorded import content
from schemas.canonical import digest

RELEASED = ("release.authorised", "release.completed", "release.aborted", "release.unknown")
RELEASE_STATES = {
    "release.authorised": ReleaseState.AUTHORISED,
    "release.completed": ReleaseState.COMPLETED,
    "release.aborted": ReleaseState.ABORTED,
    "release.unknown": ReleaseState.UNKNOWN,
}
_HOLDING = ("grant.opened", "grant.suspended", "grant.resumed", "grant.ended")
NOTHING_LEFT = {"rows": 0, "bytes": 0, "digest": "", "rows_reserved": 0, "extract": None, "delivery": None}
"""Figures of a release that no entry states."""
DIGEST_APART = {"release.completed": {"digest": UNSTATED}}
"""What a file's release states of its digest lies in the encrypted part, and has its own reconciler."""


def grant_facts(grant: Grant) -> dict[str, object]:
    """What a grant says, as ``grant.opened`` records it."""
    return {"number": grant.number, "row_condition": condition(grant.row_condition), "digest": digest(content(grant))}


def release_facts(release: ReleaseRecord) -> dict[str, object]:
    """What a release says, as its entries record it; of a delivery only where the row names one.

    Fetches whose texts lay in archives before rows named deliveries are without theirs.
    """
    return {
        "state": release.state,
        "grant": str(release.grant_id),
        "dataset_version": str(release.dataset_version_id),
        "mode": release.mode,
        "matter": release.matter,
        "rows": release.rows,
        "rows_reserved": release.rows_reserved,
        "bytes": release.bytes,
        "digest": release.digest,
        "extract": str(release.extract_id) if release.extract_id else None,
        **({"delivery": str(release.delivery_id)} if release.delivery_id else {}),
    }


def uses_unchanged(session: Session) -> Iterator[Discrepancy]:
    """Releases whose purpose or case is not the one in the encrypted part of their entry."""
    for batch in batches(session, select(ReleaseRecord), ReleaseRecord.id):
        details = personal_details(session, [row.evidence_id for row in batch])
        for row in batch:
            stated = {"purpose": ""} | details[row.evidence_id] if row.evidence_id in details else {}
            yield from differences(f"release/{row.id}", {"purpose": row.purpose, "matter": row.matter}, stated)


def holds_follow_entries(session: Session) -> Iterator[Discrepancy]:
    """Grants that somebody else holds shut than their entries say, or for another reason."""
    for batch in batches(session, select(Grant), Grant.id):
        names = [f"grant/{row.id}" for row in batch]
        entries = recorded(session, Evidence.subject, names, _HOLDING, personal_details)
        for row in batch:
            found = {"suspended_by": row.suspended_by, "state_reason": row.state_reason}
            yield from differences(f"grant/{row.id}", found, _held(entries.get(f"grant/{row.id}", [])))


def _held(entries: Sequence[Recorded]) -> dict[str, object]:
    """Who holds a grant shut and why, by its entries; what the last of them does not state is left out."""
    held: dict[str, object] = {}
    for each in entries:
        if each.kind in ("grant.opened", "grant.resumed"):
            held = {"suspended_by": Suspender.NOBODY, "state_reason": ""}
        elif each.kind == "grant.suspended":
            held = {"suspended_by": each.after.get("by"), "state_reason": each.after.get("reason")}
        elif held.get("suspended_by") is not None:  # ended: what security stopped stays so for its successor
            by = Suspender.SECURITY if held["suspended_by"] == Suspender.SECURITY else Suspender.NOBODY
            held = {"suspended_by": by, "state_reason": each.after.get("reason")}
        else:
            held = {"state_reason": each.after.get("reason")}
    return {name: value for name, value in held.items() if value is not None}


def used_rows_add_up(session: Session) -> Iterator[Discrepancy]:
    """Grants whose used rows are not what was used before them and what left under them.

    Without a quota nothing is charged. A release that is open, or whose end is unknown, counts with what it reserved.
    """
    for batch in batches(session, select(Grant), Grant.id):
        entries = recorded(session, Evidence.subject, [f"grant/{row.id}" for row in batch], ["grant.opened"])
        charged = _charged(session, [row.id for row in batch if row.quota_rows is not None])
        for row in batch:
            opened = entries.get(f"grant/{row.id}", [])
            if opened:
                stated = int(opened[0].after.get("used_rows", 0)) + charged.get(row.id, 0)
                yield from differences(f"grant/{row.id}", {"used_rows": row.used_rows}, {"used_rows": stated})


def _charged(session: Session, grants: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    closed = ReleaseRecord.state.in_([ReleaseState.COMPLETED, ReleaseState.ABORTED])
    rows = func.sum(case((closed, ReleaseRecord.rows), else_=ReleaseRecord.rows_reserved))
    sums = select(ReleaseRecord.grant_id, rows).where(ReleaseRecord.grant_id.in_(grants))
    return {grant_id: int(total) for grant_id, total in session.execute(sums.group_by(ReleaseRecord.grant_id))}
