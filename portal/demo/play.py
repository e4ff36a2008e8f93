"""Plays the story's steps one after the other and writes down what came of each."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import ShuniuError
from audit.models import Evidence, LogLeaf
from portal.demo.report import Report, StepReport
from portal.demo.stage import Stage

log = logging.getLogger("shuniu.demo")


@dataclass(frozen=True)
class Step:
    """One step of the story.

    Args:
        name: what happens; unique in the story.
        who: the person or program that does it.
        play: does it and returns what came of it, in one sentence; raises when it is not as it should be.
        every_time: played again at every start, even when it went well before.
    """

    name: str
    who: str
    play: Callable[[Stage], str]
    every_time: bool = False


def play(stage: Stage, story: Sequence[Step], report: Report) -> bool:
    """Play what was not played yet, and write the report after every step.

    Args:
        report: of earlier runs in this home; its good steps are not played again.

    Returns:
        Whether every step of the story did what it should.
    """
    failed = ""
    spans: dict[str, tuple[datetime, datetime]] = {}
    for number, step in enumerate(story, start=1):
        if report.done(step.name) and not step.every_time:
            continue
        since = system_now()
        done = StepReport(step.name, step.who, f"not played, because \u201c{failed}\u201d failed", False, 0.0)
        if not failed:
            stage.say(f"[{number:2}/{len(story)}] {step.name} …")
            done = _played(stage, step)
            stage.say(f"        {done.result}" if done.ok else f"        FAILED: {done.result}")
        failed = failed or ("" if done.ok else step.name)
        report.put(done)
        report.write(stage.settings.home)
        spans[step.name] = (since, system_now())
    for reported in report.steps:
        if reported.name in spans:
            reported.evidence_index = _last_entry(stage, *spans[reported.name])
    order = [step.name for step in story]
    report.steps.sort(key=lambda reported: order.index(reported.name) if reported.name in order else len(order))
    report.seconds = round(sum(step.seconds for step in report.steps), 1)
    report.write(stage.settings.home)
    return not failed and all(report.done(step.name) for step in story)


def _played(stage: Stage, step: Step) -> StepReport:
    began = time.monotonic()
    try:
        result, ok = step.play(stage), True
    except ShuniuError as error:
        result, ok = f"{error} [{error.code}]", False
    except Exception as error:  # a fault of ours: the report says so, the log has the rest
        log.exception("step %s", step.name)
        result, ok = f"{type(error).__name__}: {error}", False
    return StepReport(step.name, step.who, result, ok, round(time.monotonic() - began, 2))


def _last_entry(stage: Stage, since: datetime, until: datetime) -> int | None:
    def question(session: Session) -> int | None:
        numbers = select(func.max(LogLeaf.leaf_index)).join(Evidence, Evidence.id == LogLeaf.evidence_id)
        return session.scalar(numbers.where(Evidence.recorded_at.between(since, until)))

    return stage.read(question)
