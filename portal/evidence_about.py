"""How entries of evidence speak of a resource or a grant, so that a search for it finds every one about it (R51).

Releases, deliveries and loads name the resource, releases and deliveries their grant. The steps of an application, its
answers, agreements and disputes name their case, and the case has one resource; entries about the grant itself, a
version of the entry, its sources and its changes have these for their subject.
"""

import uuid

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from audit.search import About
from directory.catalogue.models import CatalogueChange, Resource, ResourceVersion
from directory.datasets.models import DatasetVersion
from directory.sources.models import Source
from exchange.applications.models import Application
from exchange.deliveries.models import Delivery
from exchange.grants.models import Grant

MOST_NAMES = 2_000
"""Newest cases, grants and other things of one resource that a search follows."""


def resource_about(session: Session, code: str) -> About:
    """A resource by its code; a code that nobody has is looked for as it is."""
    found = session.scalar(select(Resource.id).where(Resource.code == code)) if code else None
    if found is None:
        return About((code,))
    versions = select(ResourceVersion.id).where(ResourceVersion.resource_id == found)
    subjects = [f"resource/{found}"]
    for noun, column, condition in (
        ("resource_version", ResourceVersion.id, ResourceVersion.resource_id == found),
        ("dataset_version", DatasetVersion.id, DatasetVersion.resource_id == found),
        ("source", Source.id, Source.resource_id == found),
        ("catalogue_change", CatalogueChange.id, CatalogueChange.resource_id == found),
        ("grant", Grant.id, Grant.resource_id == found),
    ):
        subjects += _named(session, noun, column, condition)
    matters = _named(session, "application", Application.id, Application.resource_version_id.in_(versions))
    return About((code, str(found)), tuple(subjects), tuple(matters))


def grant_about(session: Session, number: str) -> About:
    """A grant by its number; a number that nobody has is looked for as it is."""
    row = session.execute(select(Grant.id, Grant.application_id).where(Grant.number == number)).one_or_none()
    if row is None:
        return About((number,))
    deliveries = _named(session, "delivery", Delivery.id, Delivery.grant_id == row.id)
    matters = (f"application/{row.application_id}",) if row.application_id else ()
    return About((number,), (f"grant/{row.id}", *deliveries), matters)


def _named(
    session: Session, noun: str, column: InstrumentedAttribute[uuid.UUID], condition: ColumnElement[bool]
) -> list[str]:
    found = session.scalars(select(column).where(condition).limit(MOST_NAMES))
    return [f"{noun}/{each}" for each in found]
