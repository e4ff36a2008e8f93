"""How a grant goes into evidence: with the digest of its terms, so that a change of them shows (R120).

The digest lies in the entry's encrypted part, as the row condition's values do: by it they could be found by trying. In
the clear is a salted one, by which an evidence bundle is checked.
"""

from typing import Any

from sqlalchemy.orm import Session

from adapters.clock import case_now
from audit.actor import Actor
from audit.append import append
from audit.salted import salted
from exchange import entries
from exchange.grants.ended import matter_of
from exchange.grants.models import Grant, GrantState, Suspender
from schemas.canonical import digest

MOST_NAMED = 300
"""Items that an entry names one by one; of more it gives the count, and the digest covers them."""


def content(grant: Grant) -> dict[str, Any]:
    """The terms of a grant as JSON: all that the one door reads of it and that no step changes."""
    return {
        "number": grant.number,
        "resource": str(grant.resource_id),
        "resource_version": str(grant.resource_version_id),
        "requester": str(grant.requester_id) if grant.requester_id else None,
        "provider": str(grant.provider_id),
        "application": str(grant.application_id) if grant.application_id else None,
        "agreement": str(grant.agreement_id) if grant.agreement_id else None,
        "items": list(grant.items),
        "row_condition": dict(grant.row_condition),
        "modes": list(grant.modes),
        "purpose": grant.purpose,
        "quota_rows": grant.quota_rows,
        "valid_from": grant.valid_from.isoformat(),
        "valid_to": grant.valid_to.isoformat() if grant.valid_to else None,
    }


def record_opened(session: Session, actor: Actor, grant: Grant, authority: str) -> None:
    """Write the evidence of a grant that was just opened."""
    stated, salt = salted(content(grant))
    append(
        session,
        "grant.opened",
        f"grant/{grant.id}",
        actor,
        matter=matter_of(grant),
        authority=authority,
        after={
            "number": grant.number,
            "state": grant.state,
            "items": list(grant.items) if len(grant.items) <= MOST_NAMED else len(grant.items),
            "modes": list(grant.modes),
            "valid_from": grant.valid_from.isoformat(),
            "valid_to": grant.valid_to.isoformat() if grant.valid_to else None,
            "row_condition": entries.condition(grant.row_condition),
            "used_rows": grant.used_rows,
            **stated,
        },
        personal=entries.personal(grant.purpose, {}, grant.row_condition) | {"digest": digest(content(grant)), **salt},
        case_time=case_now(session),
    )


def record_suspended(
    session: Session, actor: Actor, grant: Grant, by: Suspender, reason: str, authority: str = ""
) -> None:
    """Suspend a grant in the books and write the evidence."""
    before = {"state": grant.state, "by": grant.suspended_by}
    grant.state, grant.suspended_by, grant.state_reason = GrantState.SUSPENDED, by, reason
    session.flush()
    append(
        session,
        "grant.suspended",
        f"grant/{grant.id}",
        actor,
        matter=matter_of(grant),
        authority=authority,
        before=before,
        after={"state": grant.state, "by": by, "number": grant.number},
        personal={"reason": reason},
        case_time=case_now(session),
    )
