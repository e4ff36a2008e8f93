"""What the exchange does when the rooms below change something; the portal registers these with them."""

from sqlalchemy.orm import Session

from audit.actor import Actor
from directory.catalogue.models import ResourceVersion
from exchange.applications.deadlines import recompute_deadlines
from exchange.grants.reexamine import reexamine_grants, withdraw_grants
from exchange.grants.standing import make_standing_grant


def on_published(session: Session, actor: Actor, version: ResourceVersion) -> None:
    """A version came into force: make its standing grant, and look again at the grants on the resource (R36, R121)."""
    make_standing_grant(session, actor, version)
    reexamine_grants(session, actor, version)


def on_withdrawn(session: Session, actor: Actor, version: ResourceVersion) -> None:
    """A published version was withdrawn: end the standing grant, suspend the applied ones (R121)."""
    withdraw_grants(session, actor, version)


def on_calendar_added(session: Session, actor: Actor) -> None:
    """A year's notice of holidays was added: compute the running deadlines anew (R117)."""
    recompute_deadlines(session, actor)
