"""How a door that was opened is closed: what left, or why nothing did, in the release's row and in an entry."""

import uuid

from sqlalchemy.orm import Session, joinedload

from adapters.clock import system_now
from adapters.errors import Terminal
from audit.actor import Actor
from audit.append import append
from audit.salted import salted
from audit.subjects.listed import first_named
from exchange.grants.models import Grant, ReleaseRecord, ReleaseState
from exchange.grants.quota import give_back


def close(
    session: Session,
    release_id: uuid.UUID,
    state: ReleaseState,
    actor: Actor,
    *,
    rows: int = 0,
    size: int = 0,
    digest: str = "",
    reason: str = "",
    extract_id: uuid.UUID | None = None,
) -> None:
    """Close an open release and give back what was reserved of a quota and did not leave.

    Args:
        rows, size, digest: what left, its bytes and their SHA-256 (hex), which lies in the entry's encrypted part.
        reason: why not all left.
        extract_id: the list of data subjects of what left, where it was made under this release.

    Raises:
        Terminal: it is closed already.
    """
    record = session.get_one(ReleaseRecord, release_id, with_for_update=True)
    if record.state != ReleaseState.AUTHORISED:
        raise Terminal("release.closed", "Release {id} is closed already ({state}).", id=release_id, state=record.state)
    record.state, record.closed_at = state, system_now()
    record.rows, record.bytes, record.digest = rows, size, digest
    record.extract_id = extract_id or record.extract_id
    if state is not ReleaseState.UNKNOWN and record.rows_reserved:
        give_back(session, record.grant_id, record.rows_reserved - rows)
    grant = session.get_one(Grant, record.grant_id, options=[joinedload(Grant.resource)])
    stated, salt = salted({"sha256": digest}) if digest else ({}, {})
    told = {"digest": digest, **salt} if digest else {}
    append(
        session,
        f"release.{state.lower()}",
        f"release/{release_id}",
        actor,
        outcome="DONE" if state is ReleaseState.COMPLETED else "FAILED",
        matter=f"application/{grant.application_id}" if grant.application_id else "",
        authority=f"grant/{grant.number}",
        before={"state": ReleaseState.AUTHORISED},
        after={
            "state": state,
            "resource": grant.resource.code,
            "rows": rows,
            "bytes": size,
            "reason": reason,
            **stated,
            **({"extract": str(extract_id), "grant": str(grant.id), "mode": record.mode} if extract_id else {}),
        },
        personal=told | (first_named(session, extract_id) if extract_id else {}),
        subjects=[extract_id.bytes] if extract_id else (),
    )
