"""A load that is given up: its dataset version says so, and evidence with it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.work import Work, WorkState, carry_problem
from audit.actor import HUB
from audit.append import append
from directory.datasets.models import DatasetState, DatasetVersion


def give_up(session: Session, work: Work, problem: str) -> None:
    """Fail the load that a work row is, or is a part of; a version that is ready stays so.

    Args:
        work: the load's row or one of its parts', failed already.
        problem: why, as people read it.
    """
    whole = work
    if work.parent_id is not None:
        whole = session.get_one(Work, work.parent_id, with_for_update=True)
        whole.state, whole.finished_at = WorkState.FAILED, system_now()
        carry_problem(whole, problem, work)
        whole.leased_until = None
    dataset = session.scalar(select(DatasetVersion).where(DatasetVersion.work_id == whole.id).with_for_update())
    subject = f"resource/{whole.payload['resource_id']}"
    after: dict[str, object] = {"work": str(whole.id), "problem": problem[:2_000]}
    if dataset is not None:
        subject = f"dataset_version/{dataset.id}"
        if dataset.state == DatasetState.LOADING:
            dataset.state = DatasetState.FAILED
        after |= {"number": dataset.number, "state": dataset.state, "resource": dataset.resource.code}
    session.flush()
    append(session, "dataset.load_failed", subject, HUB, outcome="FAILED", after=after)
