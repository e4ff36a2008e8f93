"""Grants, each with every agency that uses it: volume, hour, keys tried through, use outside the stated matter.

A day is judged with what was recorded of it so far, again whenever more is.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from adapters.clock import CITY_ZONE, city_date
from directory.calendars.queries import calendars
from oversight.anomalies import memory, scoring
from oversight.anomalies.memory import HISTORY_DAYS, Memory, Use
from oversight.anomalies.models import GrantUse
from oversight.anomalies.record import MOST_ENTRIES, Found
from oversight.anomalies.remember import remembered
from oversight.anomalies.rules import InForce
from oversight.anomalies.scoring import Unusual
from oversight.anomalies.uses import AnyRow, looked_up, missed_of, sample_of, start_of
from schemas.anomaly_rules import Rule
from schemas.working_days import Calendar, is_working_day

SELDOM, A_YEAR = 10, 365
"""A grant used on fewer than 10 of 30 days is compared with its use within a year."""
Rules = Mapping[Rule, InForce]
Pair = tuple[uuid.UUID, uuid.UUID]


@dataclass(frozen=True)
class Hour:
    """Use of a grant in an hour of the city."""

    start: datetime
    calls: int
    rows: int

    @property
    def day(self) -> date:
        """The city's day."""
        return city_date(self.start)


@dataclass
class Day:
    """A day of a grant with an agency: what is measured of it when a rule asks."""

    session: Session
    pair: Pair
    day: date
    hours: Sequence[Hour]
    calendar: Sequence[Calendar]
    memory: Memory
    uses: Sequence[Use]

    @property
    def today(self) -> list[Hour]:
        """The day's hours."""
        return [hour for hour in self.hours if hour.day == self.day]

    @cached_property
    def before(self) -> list[Hour]:
        """The hours of the 30 days before; of a grant that is seldom used, the latest ones of a year."""
        since = self.day - timedelta(days=HISTORY_DAYS)
        recent = [hour for hour in self.hours if since <= hour.day < self.day]
        seldom = len({hour.day for hour in recent}) < SELDOM
        return [*recent, *_earlier_hours(self.session, self.pair, since)] if seldom else recent

    @cached_property
    def days_before(self) -> dict[date, tuple[int, int]]:
        """Calls and rows of those days before on which the grant was used; ``before`` says how far back."""
        sums: dict[date, tuple[int, int]] = {}
        for hour in self.before:
            calls, rows = sums.get(hour.day, (0, 0))
            sums[hour.day] = (calls + hour.calls, rows + hour.rows)
        return sums

    @property
    def calls(self) -> int:
        """The day's calls."""
        return sum(hour.calls for hour in self.today)

    @cached_property
    def sample(self) -> Sequence[AnyRow]:
        """The day's latest releases."""
        return sample_of(self.session, *self.pair, self.day)

    def found(self, rule: InForce, unusual: Unusual | None, rows: Sequence[AnyRow]) -> Iterator[Found]:
        """What a rule found, resting on some of the day's releases."""
        if unusual is not None:
            start = start_of(self.day)
            first = min((row.authorised_at for row in rows), default=start)
            last = max((row.authorised_at for row in rows), default=start)
            entries = [row.evidence_id for row in rows[:MOST_ENTRIES]]
            yield self.named(rule, unusual, entries, first, last)

    def named(
        self, rule: InForce, unusual: Unusual, entries: Sequence[uuid.UUID | str], first: datetime, last: datetime
    ) -> Found:
        """What a rule found on this day."""
        key = f"{unusual.name}/{self.pair[0]}/{self.pair[1]}/{self.day}"
        return Found(key, rule, unusual, entries, first, last, {"day": self.day.isoformat()}, *self.pair)


def judge_grants(session: Session, rules: Rules, uses: Sequence[Use]) -> Iterator[Found]:
    """What is unusual about the grants of some uses; also keeps the history of their use."""
    by_pair: dict[Pair, list[Use]] = defaultdict(list)
    for use in uses:
        if use.grant_id is not None and use.agency_id is not None:
            by_pair[use.grant_id, use.agency_id].append(use)
    if not by_pair:
        return
    _count(session, by_pair)
    days = [city_date(use.at) for used in by_pair.values() for use in used]
    hours = _hours(session, by_pair.keys(), start_of(min(days) - timedelta(days=HISTORY_DAYS)))
    calendar = calendars(session)
    memories = remembered(session, {_name(pair) for pair in by_pair})
    for pair, used in by_pair.items():
        for day in sorted({city_date(use.at) for use in used}):
            its = [use for use in used if city_date(use.at) == day]
            known = memories[_name(pair)]
            yield from _judge(rules, Day(session, pair, day, hours.get(pair, ()), calendar, known, its))


def _name(pair: Pair) -> str:
    return f"grant/{pair[0]}/{pair[1]}"


def _count(session: Session, by_pair: Mapping[Pair, Sequence[Use]]) -> None:
    """Add the uses to the history, hour by hour."""
    sums: dict[tuple[uuid.UUID, uuid.UUID, datetime], list[int]] = defaultdict(lambda: [0, 0])
    for pair, used in by_pair.items():
        for use in used:
            if use.opened or use.rows:
                cell = sums[(*pair, use.at.replace(minute=0, second=0, microsecond=0))]
                cell[0] += use.opened
                cell[1] += use.rows
    rows = [
        {"grant_id": grant, "agency_id": agency, "hour": hour, "calls": calls, "rows": rows}
        for (grant, agency, hour), (calls, rows) in sorted(sums.items())
    ]
    if rows:
        added = insert(GrantUse).values(rows)
        more = {name: GrantUse.__table__.c[name] + added.excluded[name] for name in ("calls", "rows")}
        session.execute(added.on_conflict_do_update(index_elements=["grant_id", "agency_id", "hour"], set_=more))


def _hours(session: Session, pairs: Any, since: datetime) -> dict[Pair, list[Hour]]:
    columns = (GrantUse.grant_id, GrantUse.agency_id, GrantUse.hour, GrantUse.calls, GrantUse.rows)
    wanted = tuple_(GrantUse.grant_id, GrantUse.agency_id).in_(list(pairs))
    found: dict[Pair, list[Hour]] = defaultdict(list)
    for row in session.execute(select(*columns).where(wanted, GrantUse.hour >= since)):
        found[row.grant_id, row.agency_id].append(Hour(row.hour, row.calls, row.rows))
    return found


def _earlier_hours(session: Session, pair: Pair, until: date) -> list[Hour]:
    """The latest hours of use before a day, within a year: of at most as many hours as 30 days have."""
    table = GrantUse
    wanted = (table.grant_id == pair[0], table.agency_id == pair[1], table.hour < start_of(until))
    since = table.hour >= start_of(until - timedelta(days=A_YEAR))
    statement = select(table.hour, table.calls, table.rows).where(*wanted, since)
    rows = session.execute(statement.order_by(table.hour.desc()).limit(24 * HISTORY_DAYS))
    return [Hour(*row) for row in rows]


def _judge(rules: Rules, day: Day) -> Iterator[Found]:
    if rule := rules.get(Rule.VOLUME):
        rows = sum(hour.rows for hour in day.today)
        unusual = scoring.volume(day.calls, rows, list(day.days_before.values()), rule.figures)
        yield from day.found(rule, unusual, day.sample if unusual else ())
    if rule := rules.get(Rule.HOUR):
        yield from _hour(rule, day)
    if (rule := rules.get(Rule.KEYS)) and day.calls >= rule.figures["keys"]:
        yield from day.found(rule, scoring.keys(looked_up(day.session, day.sample), rule.figures), day.sample)
    if rule := rules.get(Rule.KEYS):
        yield from _slowly(rule, day)
    if rule := rules.get(Rule.MATTER):
        yield from _stretched(rule, day)
        yield from _written(rule, day)


def _hour(rule: InForce, day: Day) -> Iterator[Found]:
    figures = rule.figures

    def outside(moment: datetime) -> bool:
        """Whether a moment is outside the working hours, by the calendars of working days."""
        hour = moment.astimezone(CITY_ZONE).hour
        working = is_working_day(city_date(moment), day.calendar)
        return not working or not figures["from_hour"] <= hour < figures["to_hour"]

    calls = sum(hour.calls for hour in day.today if outside(hour.start))
    if calls < figures["calls"]:
        return
    before = sum(hour.calls for hour in day.before)
    before_outside = sum(hour.calls for hour in day.before if outside(hour.start))
    unusual = scoring.hour(calls, before, before_outside, len(day.days_before), figures)
    yield from day.found(rule, unusual, [row for row in day.sample if outside(row.authorised_at)] if unusual else ())


def _slowly(rule: InForce, day: Day) -> Iterator[Found]:
    """Keys tried through a few a day: with the first use of a day, the month up to the day before is looked at."""
    if not memory.first_of(day.memory, day.day):
        return
    until = day.day - timedelta(days=1)
    since = until.replace(day=1)
    rows = missed_of(day.session, *day.pair, since, day.day)
    if len(rows) < rule.figures["slow_runs"]:
        return
    unusual = scoring.keys_of_a_month({key for key, _ in looked_up(day.session, rows)}, rule.figures)
    if unusual is not None:
        key = f"{unusual.name}/{day.pair[0]}/{day.pair[1]}/{since:%Y-%m}"
        entries, more = [row.evidence_id for row in rows], {"since": since.isoformat(), "until": until.isoformat()}
        yield Found(key, rule, unusual, entries, rows[-1].authorised_at, rows[0].authorised_at, more, *day.pair)


def _stretched(rule: InForce, day: Day) -> Iterator[Found]:
    """One case stated on very many calls."""
    enough = day.calls >= rule.figures["calls"]
    stated = Counter(row.matter for row in day.sample) if enough else Counter(u.matter for u in day.uses if u.opened)
    matter, calls = max(stated.items(), key=lambda pair: pair[1], default=("", 0))
    before = memory.most_before(day.memory, calls, day.day)
    unusual = scoring.stretched(calls, before, rule.figures)
    yield from day.found(rule, unusual, [row for row in day.sample if row.matter == matter] if unusual else ())


def _written(rule: InForce, day: Day) -> Iterator[Found]:
    """Cases written as never before, and other purposes than the grant's."""
    for use in day.uses:
        counted, unusual = None, None
        if use.opened:
            counted = memory.strange_matters(day.memory, use, day.day)
            unusual = scoring.strange(counted["count"], len(day.days_before), rule.figures) if counted else None
        elif use.reason == "other_purpose":
            counted = memory.other_purposes(day.memory, use, day.day)
            unusual = scoring.other_purpose(counted["count"], rule.figures)
        if counted and unusual:
            first, last = datetime.fromisoformat(counted["since"]), datetime.fromisoformat(counted["until"])
            yield day.named(rule, unusual, counted["entries"], first, last)
