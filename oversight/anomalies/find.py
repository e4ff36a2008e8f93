"""Look for unusual use in what was recorded since last time; the worker calls it again and again (R48).

What was looked through, what the rules remember and what was found are committed together, so that a crash loses and
doubles nothing. A pass is short, since it holds the grants that it counts the use of.
"""

import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from adapters.clock import case_today, system_now
from adapters.work import Turn
from audit.models import Evidence
from exchange.grants.models import Grant, GrantState, ReleaseRecord
from oversight.anomalies import scoring
from oversight.anomalies.judge_accounts import judge_accounts
from oversight.anomalies.judge_grants import judge_grants
from oversight.anomalies.models import Anomaly, LookedThrough
from oversight.anomalies.record import Found, record
from oversight.anomalies.rules import InForce, rules_in_force
from oversight.anomalies.uses import uses_since
from schemas.anomaly_rules import Rule

CHUNK = 1_000
MOST_UNUSED = 200


def find(session: Session) -> Turn:
    """Look through the next 1,000 entries that were numbered since last time; one process at a time.

    Returns:
        how many anomalies are new, and whether there is more to look through. The caller commits.
    """
    through = session.get(LookedThrough, 1, with_for_update={"skip_locked": True})
    if through is None:
        return Turn(0)
    rules = {rule: each for rule, each in rules_in_force(session).items() if each.enabled}
    new = record(session, list(_never_used(session, rules)))
    uses, read, size = uses_since(session, through.size, CHUNK)
    new += record(session, [*judge_grants(session, rules, uses), *judge_accounts(session, rules, uses)])
    through.size = size
    session.flush()
    return Turn(new, more=read == CHUNK)


def _never_used(session: Session, rules: Mapping[Rule, InForce]) -> Iterator[Found]:
    """Grants of one agency that are in force for long, and under which nothing ever left; by the case clock."""
    rule = rules.get(Rule.UNUSED)
    if rule is None:
        return
    today, now = case_today(session), system_now()
    used = exists().where(ReleaseRecord.grant_id == Grant.id)
    known = exists().where(Anomaly.grant_id == Grant.id, Anomaly.rule == Rule.UNUSED)
    long_ago = today - timedelta(days=rule.figures["days"])
    grants = select(Grant).where(
        Grant.state == GrantState.ACTIVE, Grant.requester_id.is_not(None), Grant.valid_from <= long_ago, ~used, ~known
    )
    for grant in session.scalars(grants.order_by(Grant.valid_from, Grant.id).limit(MOST_UNUSED)):
        unusual = scoring.unused((today - grant.valid_from).days, rule.figures)
        if unusual:
            entries = _opened(session, grant.id)
            agency = grant.requester_id
            yield Found(f"unused/{grant.id}", rule, unusual, entries, now, now, {}, grant.id, agency)


def _opened(session: Session, grant_id: uuid.UUID) -> list[uuid.UUID]:
    opened = select(Evidence.id).where(Evidence.subject == f"grant/{grant_id}", Evidence.kind == "grant.opened")
    return list(session.scalars(opened.limit(1)))
