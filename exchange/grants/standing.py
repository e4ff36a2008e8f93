"""The standing grant of UNIVERSAL items: every agency's, without an application ([M] Art. 15¶1; R36)."""

import uuid

from sqlalchemy.orm import Session

from adapters.clock import case_today
from audit.actor import HUB, Actor
from directory.catalogue.models import ResourceVersion
from exchange.grants.ended import end_grant
from exchange.grants.models import Grant, GrantState
from exchange.grants.open import newest, put_into_force
from exchange.numbers.allocate import Document, next_number
from schemas.words import SecrecyLevel, Sensitivity, ShareAttribute


def make_standing_grant(session: Session, actor: Actor, version: ResourceVersion) -> Grant | None:
    """Replace a resource's standing grant by one over the UNIVERSAL items of the version just published.

    It allows all modes of the version, has no term and no quota, and is the hub's doing, not the publisher's. A
    suspension by the security administrator goes over to the new one, also where the former one has ended.

    Returns:
        the grant, None when the version has no UNIVERSAL items or no modes.
    """
    former = newest(session, Grant.resource_id == version.resource_id, Grant.requester_id.is_(None))
    items = universal_items(version)
    if not items or not version.modes:
        if former is not None:
            end_grant(session, HUB, former, "The published version has no universal items.")
        return None
    grant = Grant(
        id=uuid.uuid4(),
        number=next_number(session, version.resource.agency, Document.GRANT),
        state=GrantState.ACTIVE,
        resource_id=version.resource_id,
        resource_version_id=version.id,
        provider_id=version.resource.agency_id,
        items=items,
        row_condition={},
        modes=list(version.modes),
        purpose="",
        used_rows=0,
        valid_from=case_today(session),
    )
    put_into_force(session, HUB, grant, former, f"resource_version/{version.id}")
    return grant


def universal_items(version: ResourceVersion) -> list[str]:
    """Field names of what every agency may have, in catalogue order; sensitive items need an agreement and are not
    among
    them."""
    if version.secrecy_level != SecrecyLevel.NON_SECRET:
        return []
    return [
        item.field_name
        for item in version.items
        if item.share_attribute == ShareAttribute.UNIVERSAL and item.sensitivity == Sensitivity.NONE
    ]
