"""Steps of moving data: one idempotent piece of a work row, run by ``shuniu step`` inside an Airflow task.

A step holds its row by an advisory lock while its process lives, does what can be done again without harm (files under
names of its own attempt), and ends with one transaction that changes the business rows and the work row together. A
killed step is repeated from its start; what it left lies unused.
"""

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from sqlalchemy.orm import Session

from adapters.database import transaction
from adapters.errors import NotAllowed, Sentence, ShuniuError, Terminal, Transient
from adapters.settings import Settings
from adapters.work import Work, WorkState, fail, held, owned, reached, take
from audit.actor import HUB
from audit.append import append
from exchange.errors import ReleaseRefused
from pipelines import tables

STEPS = {
    "plan": "pipelines.ingest.plan",
    "part": "pipelines.ingest.part",
    "commit": "pipelines.ingest.commit",
    "serve": "pipelines.serve.load",
    "deliver": "pipelines.deliver.prepare",
}
"""Modules with ``KIND`` (of the work row), ``run(claim) -> dict`` and ``give_up(session, work, problem)``. Only the one
that is called is imported, so that a step starts quickly."""

TABLES = tables.MODULES
FAULT = "The hub could not do this. Tell its operator the number of the work, {work}; the log names the cause."
SWEEP = "pipelines.reconcile.sweep"
log = logging.getLogger(__name__)
Result = dict[str, Any]


@dataclass(frozen=True)
class Claim:
    """A work row, leased to this process.

    Attributes:
        payload: its arguments.
        reached: what earlier steps of the same row left.
        token: names this lease, and what this attempt writes.
    """

    settings: Settings
    work_id: uuid.UUID
    payload: Mapping[str, Any]
    reached: Mapping[str, Any]
    token: uuid.UUID | None
    parent_id: uuid.UUID | None = None

    @contextmanager
    def finishing(self) -> Iterator[tuple[Session, Work]]:
        """A transaction in which the row is still this process's.

        Raises:
            Transient: another process took it over; nothing is changed.
        """
        with transaction(self.settings.app_database_url) as session:
            yield session, owned(session, self.work_id, self.token)


def run_step(settings: Settings, name: str, work_id: uuid.UUID) -> Result:
    """Run one step to its end; a step that was done before gives its result again.

    Args:
        settings: of the site; ``portal.wiring.wire`` has run in this process.
        name: one of ``STEPS``.
        work_id: the row.

    Raises:
        Transient: another process holds the row, or the failure may pass; the row waits for another try.
        ShuniuError: any other: the work is given up, and says so.
    """
    step = import_module(STEPS[name])
    with held(settings.app_database_url, work_id) as ours:
        if not ours:
            raise Transient("work.held", "Another process is at this work. Try again later.")
        claim = _claim(settings, work_id, step.KIND)
        if not isinstance(claim, Claim):
            return claim
        try:
            result: Result = step.run(claim)
        except Exception as error:
            if _failed(claim, error, step.give_up) and not isinstance(error, ShuniuError):
                raise Terminal("work.failed", FAULT, work=work_id) from error
            raise
        return result


def run_sweep(settings: Settings) -> Result:
    """Look for what was lost or left behind (``pipelines.reconcile.sweep``)."""
    result: Result = import_module(SWEEP).sweep(settings)
    return result


def _claim(settings: Settings, work_id: uuid.UUID, kind: str) -> Claim | Result:
    with transaction(settings.app_database_url) as session:
        work = take(session, work_id)
        if work is None or work.kind != kind:
            raise Terminal("work.unknown", "There is no work {work} of the kind {kind}.", work=work_id, kind=kind)
        if work.state == WorkState.DONE:
            return dict(work.result)
        if work.state == WorkState.FAILED:
            raise Terminal("work.given_up", "This work was given up: {problem}", problem=work.problem)
        return Claim(settings, work.id, dict(work.payload), reached(work), work.lease_token, work.parent_id)


def _failed(claim: Claim, error: Exception, give_up: Callable[[Session, Work, str], None]) -> bool:
    """Write down a failure, in a transaction of its own; whether the work is given up."""
    if not isinstance(error, ShuniuError):
        log.error("The work %s failed.", claim.work_id, exc_info=error)
    retry_may_help = error.retry_may_help if isinstance(error, ShuniuError) else True
    with transaction(claim.settings.app_database_url) as session:
        try:
            work = owned(session, claim.work_id, claim.token)
        except Transient:
            return False
        fail(session, work, _said(error, claim.work_id), retry_may_help=retry_may_help)
        if work.state == WorkState.FAILED:
            give_up(session, work, work.problem)
        _record_refusal(session, error)
        return work.state == WorkState.FAILED


def _record_refusal(session: Session, error: Exception) -> None:
    """What a step was refused is evidence, as at every edge; the one door has written its own already."""
    if isinstance(error, ReleaseRefused) or not isinstance(error, ShuniuError):
        return
    if error.refusal is None and not isinstance(error, NotAllowed):
        return
    kind, subject, matter = "step.refused", "hub", ""
    if error.refusal is not None:
        kind, subject, matter = error.refusal.kind, error.refusal.subject, error.refusal.matter
    append(session, kind, subject, HUB, outcome="REFUSED", matter=matter, after={"code": error.code})


def _said(error: Exception, work_id: uuid.UUID) -> str:
    """What people are told, and evidence keeps: an error that is not ours may say anything, so only the log has it."""
    if isinstance(error, ShuniuError):
        return Sentence(error.sentence, **error.context)
    return Sentence(FAULT, work=work_id)
