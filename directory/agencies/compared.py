"""Agencies and the names they had before, beside the evidence log (R120)."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from audit.models import Evidence
from audit.reconcile import Discrepancy, batches, recorded
from directory.agencies.models import Agency

_NAMED = ("credit_code", "short_code", "name", "name_en", "kind", "level", "office")
AT_FIRST = {"valid_to": None}
"""No act of the hub ends an agency, so no entry says it."""


def agency_facts(agency: Agency) -> dict[str, object]:
    """What an agency is called and from when it is one, as its registration or last renaming recorded it."""
    return {
        **{name: getattr(agency, name) for name in _NAMED},
        "parent": str(agency.parent_id) if agency.parent_id else None,
        "valid_from": agency.valid_from.isoformat(),
        "valid_to": agency.valid_to.isoformat() if agency.valid_to else None,
    }


def former_names_follow_entries(session: Session) -> Iterator[Discrepancy]:
    """Agencies whose former names and codes are not those that their renamings left behind."""
    for batch in batches(session, select(Agency).options(selectinload(Agency.former)), Agency.id):
        names = [f"agency/{each.id}" for each in batch]
        entries = recorded(session, Evidence.subject, names, ["agency.renamed"])
        for agency in entries.known(batch, lambda agency: f"agency/{agency.id}"):
            subject = f"agency/{agency.id}"
            renamed = [(_name(each.before), _name(each.after)) for each in entries.get(subject, [])]
            stated = sorted(before for before, after in renamed if before != after)
            found = sorted((each.name, each.credit_code) for each in agency.former)
            if found != stated:
                sentence = f"{subject} has former names or codes other than its renamings left behind."
                yield Discrepancy(subject, sentence, expected=str(stated), found=str(found))


def _name(facts: Any) -> tuple[str, str]:
    return str(facts.get("name")), str(facts.get("credit_code"))
