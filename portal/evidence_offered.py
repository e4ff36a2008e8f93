"""Names that the page of evidence offers, so that nobody has to know an identifier."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from directory.agencies.models import Agency
from directory.catalogue.models import Resource, ResourceVersion, VersionState
from directory.people.models import Person
from exchange.applications.models import Application
from exchange.grants.models import Grant
from portal.agency_field import MOST_OFFERED, Offer, offered_agencies
from portal.names import AT


@dataclass(frozen=True)
class Offered:
    """Choices of the page's fields: the value that is sent and how it reads. What is not among them can be typed.

    Attributes:
        agencies: by name.
        people: by name.
        resources: published entries, by name.
        grants: the newest.
        cases: the newest.
    """

    agencies: Sequence[Offer]
    people: Sequence[Offer]
    resources: Sequence[Offer]
    grants: Sequence[Offer]
    cases: Sequence[Offer]


def offered(session: Session) -> Offered:
    """What there is to choose from, at most 200 of each."""
    people = select(Person.name, Agency.name).join(Agency, Agency.id == Person.agency_id)
    resources = select(Resource.code, ResourceVersion.name).join(
        ResourceVersion,
        (ResourceVersion.resource_id == Resource.id) & (ResourceVersion.state == VersionState.PUBLISHED),
    )
    grants = select(Grant.number, ResourceVersion.name).join(
        ResourceVersion, ResourceVersion.id == Grant.resource_version_id
    )
    cases = select(Application.number, ResourceVersion.name).join(
        ResourceVersion, ResourceVersion.id == Application.resource_version_id
    )
    return Offered(
        agencies=offered_agencies(session),
        people=[
            (f"{name}{AT}{agency}", "")
            for name, agency in session.execute(people.order_by(Person.name, Person.id).limit(MOST_OFFERED))
        ],
        resources=_pairs(session, resources.order_by(ResourceVersion.published_at.desc())),
        grants=_pairs(session, grants.order_by(Grant.created_at.desc())),
        cases=_pairs(session, cases.where(Application.number.is_not(None)).order_by(Application.created_at.desc())),
    )


def _pairs(session: Session, statement: Select[str | None, str]) -> list[Offer]:
    return [(value or "", name) for value, name in session.execute(statement.limit(MOST_OFFERED))]
