"""What waits on an agency's desk: entries by state, for review, for publication, returned with reasons."""

from sqlalchemy import ColumnElement, Select, not_, select
from sqlalchemy.orm import Session, selectinload

from adapters.paging import USUAL_PAGE, Page, page_of
from audit.actor import Actor
from directory.catalogue.models import Resource, ResourceVersion, SecrecyReview, VersionState
from directory.catalogue.queries import LISTED

_OPEN_TO_SECRECY = (VersionState.SUBMITTED, VersionState.APPROVED)


def entries(
    session: Session,
    actor: Actor,
    *,
    state: str | None = None,
    cursor: str | None = None,
    limit: int = USUAL_PAGE,
) -> Page[ResourceVersion]:
    """Versions of the actor's agency, the newest first: of one state, or all."""
    statement = _own(actor)
    if state is not None:
        statement = statement.where(ResourceVersion.state == state)
    order = [ResourceVersion.created_at, ResourceVersion.id]
    return page_of(session, statement, order, cursor=cursor, limit=limit, descending=True)


def waiting_for_review(
    session: Session, actor: Actor, *, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[ResourceVersion]:
    """Submitted versions of the actor's agency that somebody else compiled, the longest waiting first."""
    waiting = ResourceVersion.state == VersionState.SUBMITTED
    return _waiting(session, _own(actor).where(waiting, _by_others(actor)), cursor, limit)


def waiting_for_secrecy_review(
    session: Session, actor: Actor, *, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[ResourceVersion]:
    """Versions of the actor's agency, compiled by others, whose present content had no secrecy review yet."""
    waiting = ResourceVersion.state.in_(_OPEN_TO_SECRECY)
    return _waiting(session, _own(actor).where(waiting, _by_others(actor), not_(_reviewed())), cursor, limit)


def waiting_for_publication(
    session: Session, actor: Actor, *, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[ResourceVersion]:
    """Approved versions of the actor's agency that passed the secrecy review too ([M] Art. 10: published in time)."""
    waiting = ResourceVersion.state == VersionState.APPROVED
    return _waiting(session, _own(actor).where(waiting, _reviewed(SecrecyReview.passed.is_(True))), cursor, limit)


def returned(
    session: Session, actor: Actor, *, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[ResourceVersion]:
    """Returned versions of the actor's agency with their reviews; the last one's ``reasons`` say why."""
    statement = _own(actor).where(ResourceVersion.state == VersionState.RETURNED)
    loaded = statement.options(selectinload(ResourceVersion.reviews), selectinload(ResourceVersion.secrecy_reviews))
    return _waiting(session, loaded, cursor, limit)


def _own(actor: Actor) -> Select[ResourceVersion]:
    own = Resource.agency_id == actor.agency_id
    return select(ResourceVersion).join(Resource).where(own).options(LISTED)


def _by_others(actor: Actor) -> ColumnElement[bool]:
    return not_(ResourceVersion.compilers.contains([str(actor.person_id)]))


def _reviewed(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    same = (SecrecyReview.version_id == ResourceVersion.id) & (SecrecyReview.revision == ResourceVersion.revision)
    return select(SecrecyReview.id).where(same, *conditions).correlate(ResourceVersion).exists()


def _waiting(
    session: Session, statement: Select[ResourceVersion], cursor: str | None, limit: int
) -> Page[ResourceVersion]:
    order = [ResourceVersion.submitted_at, ResourceVersion.id]
    return page_of(session, statement, order, cursor=cursor, limit=limit)
