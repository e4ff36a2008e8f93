"""Which items the published catalogue still offers: a grant binds to a version, the catalogue goes on (R121)."""

from collections.abc import Sequence

from directory.catalogue.models import ResourceVersion
from exchange.grants.models import Grant
from schemas.words import SecrecyLevel, Sensitivity, ShareAttribute

GONE = "it is no longer in the catalogue"
NOT_SHARED = "it is no longer shared"
SECRET = "it holds state secrets now"
SENSITIVE = "it is sensitive now and needs an agreement"
MASKED = "it is masked now, and rows are chosen by it"


def lost_of(grant: Grant, version: ResourceVersion | None) -> list[tuple[str, str]]:
    """The items that a grant rests on, and that the catalogue no longer offers so, each with the reason."""
    chosen_by = {grant.row_condition["field"]} if grant.row_condition else set()
    names = (*grant.items, *(chosen_by - set(grant.items)))
    found = lost(names, version, agreed=grant.agreement_id is not None)
    masked = [item.field_name for item in version.items if item.masking] if version else []
    return found + [(name, MASKED) for name in masked if name in chosen_by]


def lost(names: Sequence[str], version: ResourceVersion | None, *, agreed: bool = True) -> list[tuple[str, str]]:
    """The named items that the catalogue no longer offers, each with the reason.

    Args:
        names: field names.
        version: the published version; None when the resource has none (any more).
        agreed: whether a secrecy agreement covers the items.
    """
    if version is None:
        return [(name, GONE) for name in names]
    if version.secrecy_level == SecrecyLevel.STATE_SECRET:
        return [(name, SECRET) for name in names]
    items = {item.field_name: item for item in version.items}
    found = []
    for name in names:
        item = items.get(name)
        if item is None:
            found.append((name, GONE))
        elif item.sensitivity == Sensitivity.STATE_SECRET:
            found.append((name, SECRET))
        elif item.share_attribute == ShareAttribute.NO_SHARING:
            found.append((name, NOT_SHARED))
        elif not agreed and Sensitivity(item.sensitivity).needs_agreement:
            found.append((name, SENSITIVE))
    return found
