"""Who did what when: rows beside the actor and the moment that their entries carry themselves (R48, R120).

From such columns it is built what an agency took in a month, who asked for a delivery and who received it. An entry
names its actor's agency by code; an agency may bear another today, so its former ones count too.
"""

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from audit.models import Evidence
from audit.reconcile import Beside, Column, Discrepancy, Entries, Reconciler, Recorded, batches, recorded
from directory.agencies.models import Agency, FormerAgencyName

NEAR = timedelta(minutes=1)
"""A row's moment and its entry's are taken one after the other, perhaps with a wait for a lock between them."""
Codes = Mapping[uuid.UUID, Collection[str]]


@dataclass(frozen=True)
class Deed:
    """What columns of a row say of one step, which an entry records.

    Attributes:
        kinds: kinds of the entry.
        agency, person, client, moment: the columns that say who did it and when; "" where there is none.
        authority: what the row makes the entry's authority be; None where it says nothing of it.
        latest: of several such entries the latest counts, else the first.
        of: whether an entry is about this row, where rows share a subject.
    """

    kinds: Collection[str]
    agency: str = ""
    person: str = ""
    client: str = ""
    moment: str = ""
    authority: Callable[[Any], str] | None = None
    latest: bool = False
    of: Callable[[Any, Recorded], bool] = lambda _row, _entry: True


def deeds_beside(noun: str, identity: Column, deeds: Sequence[Deed]) -> Beside:
    """The comparison, for a reconciler that reads the entries anyway."""

    def compare(session: Session, batch: Sequence[Any], entries: Entries) -> Iterator[Discrepancy]:
        codes = _codes(session, {getattr(row, deed.agency) for row in batch for deed in deeds if deed.agency})
        for row in entries.known(batch, lambda row: f"{noun}/{getattr(row, identity.key)}"):
            subject = f"{noun}/{getattr(row, identity.key)}"
            if subject in entries:
                for deed in deeds:
                    yield from _compared(subject, row, deed, entries[subject], codes)

    return compare


def deeds_follow_entries(
    noun: str, model: type[Any], subject: Column, deeds: Sequence[Deed], *, identity: Column | None = None
) -> Reconciler:
    """Rows whose columns say that somebody else did a step, or at another moment, than its entry does.

    Args:
        noun: the subject's noun.
        subject: the column that names the row, or what it belongs to, in evidence.
        identity: the rows' order, where ``subject`` is not their key.
    """
    compare = deeds_beside(noun, subject, deeds)
    kinds = {kind for deed in deeds for kind in deed.kinds}

    def reconcile(session: Session) -> Iterator[Discrepancy]:
        for batch in batches(session, select(model), identity or subject):
            names = {f"{noun}/{getattr(row, subject.key)}" for row in batch}
            yield from compare(session, batch, recorded(session, Evidence.subject, names, kinds))

    return reconcile


def _compared(subject: str, row: Any, deed: Deed, entries: Sequence[Recorded], codes: Codes) -> Iterator[Discrepancy]:
    found = [each for each in entries if each.kind in deed.kinds and deed.of(row, each)]
    if not found:
        if deed.moment and _may_be_empty(row, deed.moment) and getattr(row, deed.moment) is not None:
            yield _differs(subject, deed.moment, "", str(getattr(row, deed.moment)))
        return
    entry = found[-1 if deed.latest else 0]
    if deed.agency and entry.agency and entry.agency not in codes.get(getattr(row, deed.agency), ()):
        yield _differs(subject, deed.agency, entry.agency, str(getattr(row, deed.agency)))
    if deed.person and (entry.person or _may_be_empty(row, deed.person)):
        person = str(getattr(row, deed.person) or "")
        if person != entry.person:
            yield _differs(subject, deed.person, entry.person, person)
    if deed.client and getattr(row, deed.client) != entry.client:
        yield _differs(subject, deed.client, entry.client, getattr(row, deed.client))
    if deed.authority and entry.authority and deed.authority(row) != entry.authority:
        yield _differs(subject, "authority", entry.authority, deed.authority(row))
    if deed.moment and not _near(getattr(row, deed.moment), entry.moment):
        yield _differs(subject, deed.moment, str(entry.moment), str(getattr(row, deed.moment)))


def _near(found: datetime | None, stated: datetime | None) -> bool:
    return stated is None or (found is not None and abs(found - stated) <= NEAR)


def _may_be_empty(row: Any, column: str) -> bool:
    return bool(inspect(type(row)).columns[column].nullable)


def _differs(subject: str, column: str, expected: str, found: str) -> Discrepancy:
    return Discrepancy(subject, f"{subject} says something else of its {column} than its entry.", expected, found)


def _codes(session: Session, agencies: Collection[uuid.UUID | None]) -> dict[uuid.UUID, set[str]]:
    """The codes that agencies bear or bore."""
    wanted = [each for each in agencies if each is not None]
    codes: dict[uuid.UUID, set[str]] = {}
    if wanted:
        now = select(Agency.id, Agency.credit_code).where(Agency.id.in_(wanted))
        once = select(FormerAgencyName.agency_id, FormerAgencyName.credit_code)
        for agency, code in session.execute(now.union(once.where(FormerAgencyName.agency_id.in_(wanted)))):
            codes.setdefault(agency, set()).add(code)
    return codes
