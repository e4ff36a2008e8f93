"""Ask for a load of a resource's data from its source; Airflow does it."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.errors import Conflict
from adapters.work import Runner, Work, WorkState, enqueue
from audit.actor import Actor
from audit.append import append
from directory import permissions
from directory.catalogue.queries import published_version, resource
from directory.sources.queries import current_source
from pipelines.wake import INGEST


def request_load(session: Session, actor: Actor, resource_id: uuid.UUID) -> Work:
    """Ask for a full load; one that is under way is returned instead of a second.

    Raises:
        NotFound: no such resource.
        NotAllowed: the actor may not attach sources for the resource's agency.
        Conflict: the resource is not published, or has no source.
    """
    wanted = resource(session, resource_id, lock=True)
    subject = f"resource/{wanted.id}"
    permissions.require(permissions.attach_source(actor, wanted.agency_id), "dataset.requested", subject)
    under_way = select(Work).where(
        Work.kind == INGEST,
        Work.state.in_([WorkState.WAITING, WorkState.LEASED]),
        Work.payload["resource_id"].astext == str(wanted.id),
    )
    work = session.scalar(under_way)
    if work is not None:
        return work
    if published_version(session, wanted.id) is None:
        raise Conflict(
            "dataset.not_published", "Data is loaded for published catalogue entries. Publish this one first."
        )
    source = current_source(session, wanted.id)
    if source is None:
        raise Conflict("dataset.no_source", "This catalogue entry has no source. Attach one first.")
    work = enqueue(session, INGEST, Runner.AIRFLOW, {"resource_id": str(wanted.id), "source_id": str(source.id)})
    append(session, "dataset.requested", subject, actor, after={"source": str(source.id), "work": str(work.id)})
    return work
