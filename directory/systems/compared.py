"""Systems and the addresses at which the hub may call on them, beside the evidence log (R120)."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from audit.models import Evidence
from audit.reconcile import Discrepancy, batches, recorded
from directory.systems.models import System

_ADDRESSES = ("system.address_allowed", "system.address_withdrawn")


def system_facts(system: System) -> dict[str, object]:
    """What a system is called, in which network and whose it is, as its registration recorded it."""
    return {"name": system.name, "network": system.network, "agency_id": str(system.agency_id)}


def addresses_follow_entries(session: Session) -> Iterator[Discrepancy]:
    """Systems whose addresses in force are not those that entries allowed and did not withdraw."""
    for batch in batches(session, select(System).options(selectinload(System.addresses)), System.id):
        entries = recorded(session, Evidence.subject, [f"system/{each.id}" for each in batch], _ADDRESSES)
        for system in entries.known(batch, lambda system: f"system/{system.id}"):
            subject = f"system/{system.id}"
            stated: set[tuple[str, int]] = set()
            for entry in entries.get(subject, []):
                allowed = entry.kind == "system.address_allowed"
                facts = entry.after if allowed else entry.before
                change = stated.add if allowed else stated.discard
                change((str(facts.get("host")), int(facts.get("port", 0))))
            found = {(each.host, each.port) for each in system.addresses if each.removed_at is None}
            for host, port in sorted(found ^ stated):
                state = "in force" if (host, port) in found else "no more"
                said = f"{subject} has the address {host}:{port} {state}, and its entries say otherwise."
                yield Discrepancy(subject, said, expected=str(sorted(stated)), found=str(sorted(found)))
