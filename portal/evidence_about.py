"""How entries of evidence speak of a resource or a grant, so that a search for it finds every one about it (R51).

Releases, deliveries and loads name the resource, releases and deliveries their grant. The steps of an application, its
answers, agreements and disputes name their case, and the case has one resource; entries about the grant itself, a
version of the entry, its sources and its changes have these for their subject. The newest of each are followed.
"""

import uuid
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from audit.search import About
from directory.catalogue.models import CatalogueChange, Resource, ResourceVersion
from directory.sources.models import Source
from exchange.applications.models import Application
from exchange.deliveries.models import Delivery
from exchange.grants.models import Grant

MOST_NAMES = 2_000
"""Newest cases of one resource, and newest grants, and so on, that a search follows."""


def resource_about(session: Session, code: str) -> About:
    """A resource by its code; a code that nobody has is looked for as it is."""
    found = session.scalar(select(Resource.id).where(Resource.code == code)) if code else None
    if found is None:
        return About((code,))
    versions = select(ResourceVersion.id).where(ResourceVersion.resource_id == found)
    subjects, cut_off = [f"resource/{found}"], False
    for noun, column, newest, condition in (
        ("resource_version", ResourceVersion.id, ResourceVersion.created_at, ResourceVersion.resource_id == found),
        ("source", Source.id, Source.attached_at, Source.resource_id == found),
        ("catalogue_change", CatalogueChange.id, CatalogueChange.recorded_at, CatalogueChange.resource_id == found),
        ("grant", Grant.id, Grant.created_at, Grant.resource_id == found),
    ):
        named, more = _newest(session, noun, column, newest, condition)
        subjects, cut_off = subjects + named, cut_off or more
    of_versions = Application.resource_version_id.in_(versions)
    matters, more = _newest(session, "application", Application.id, Application.created_at, of_versions)
    return About((code, str(found)), tuple(subjects), tuple(matters), cut_off or more)


def grant_about(session: Session, number: str) -> About:
    """A grant by its number; a number that nobody has is looked for as it is."""
    row = session.execute(select(Grant.id, Grant.application_id).where(Grant.number == number)).one_or_none()
    if row is None:
        return About((number,))
    of_grant = Delivery.grant_id == row.id
    deliveries, cut_off = _newest(session, "delivery", Delivery.id, Delivery.requested_at, of_grant)
    matters = (f"application/{row.application_id}",) if row.application_id else ()
    return About((number,), (f"grant/{row.id}", *deliveries), matters, cut_off)


def _newest(
    session: Session,
    noun: str,
    column: InstrumentedAttribute[uuid.UUID],
    newest: InstrumentedAttribute[datetime],
    condition: ColumnElement[bool],
) -> tuple[list[str], bool]:
    """The newest things that meet a condition, as entries name them, and whether there are more."""
    statement = select(column).where(condition).order_by(newest.desc(), column.desc()).limit(MOST_NAMES + 1)
    found = [f"{noun}/{each}" for each in session.scalars(statement)]
    return found[:MOST_NAMES], len(found) > MOST_NAMES
