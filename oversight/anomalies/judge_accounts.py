"""Accounts: refused calls in a row, and use from two places."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from adapters.clock import CITY_ZONE
from oversight.anomalies import memory, scoring
from oversight.anomalies.memory import Memory, Use
from oversight.anomalies.record import MOST_ENTRIES, Found
from oversight.anomalies.remember import remembered
from oversight.anomalies.rules import InForce
from schemas.anomaly_rules import Rule

Rules = Mapping[Rule, InForce]


def judge_accounts(session: Session, rules: Rules, uses: Sequence[Use]) -> Iterator[Found]:
    """What is unusual about the accounts of some uses, in the log's order."""
    memories = remembered(session, {use.account for use in uses})
    for use in uses:
        known = memories[use.account]
        if rule := rules.get(Rule.REFUSED):
            yield from _refused(rule, known, use)
        if rule := rules.get(Rule.PLACES):
            yield from _places(rule, known, use)


def _refused(rule: InForce, known: Memory, use: Use) -> Iterator[Found]:
    run = memory.refusals(known, use, rule.figures)
    unusual = scoring.refused(run["count"], rule.figures) if run else None
    if run is None or unusual is None:
        return
    since, until = datetime.fromisoformat(run["since"]), datetime.fromisoformat(run["until"])
    yield Found(
        key=f"refused/{use.account}/{run['since']}",
        rule=rule,
        unusual=unusual,
        entries=run["entries"],
        first_seen=since,
        last_seen=until,
        more={"since": said(since), "until": said(until)},
        grant_id=_only(run["grants"]),
        agency_id=use.agency_id,
        account=use.account,
    )


def _places(rule: InForce, known: Memory, use: Use) -> Iterator[Found]:
    recent = memory.changes(known, use, rule.figures)
    if new := scoring.new_place(memory.arrived(known, use, rule.figures), rule.figures):
        yield Found(
            key=f"place/{use.account}/{use.place}",
            rule=rule,
            unusual=new,
            entries=[use.entry],
            first_seen=use.at,
            last_seen=use.at,
            grant_id=use.grant_id,
            agency_id=use.agency_id,
            account=use.account,
        )
    unusual = scoring.places([change["gap"] for change in recent], rule.figures)
    if unusual is None:
        return
    entries = list(dict.fromkeys(entry for change in reversed(recent) for entry in reversed(change["entries"])))
    pair = "+".join(sorted(recent[-1]["places"]))
    yield Found(
        key=f"places/{use.account}/{pair}",
        rule=rule,
        unusual=unusual,
        entries=entries[:MOST_ENTRIES],
        first_seen=datetime.fromisoformat(recent[0]["at"]),
        last_seen=use.at,
        grant_id=_only(sorted({change["grant"] for change in recent})),
        agency_id=use.agency_id,
        account=use.account,
    )


def _only(grants: Sequence[str]) -> uuid.UUID | None:
    """The grant that all of it was about."""
    return uuid.UUID(grants[0]) if len(grants) == 1 and grants[0] else None


def said(moment: datetime) -> str:
    """A moment in the city, as pages write it."""
    return moment.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M")
