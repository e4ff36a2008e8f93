"""A case with several grants, steady use and misuse to plant, for the tests of unusual use."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.clock import CITY_ZONE, system_now
from adapters.settings import Settings
from audit.actor import Actor
from audit.keys import SigningKey
from audit.models import Evidence
from audit.sequence import sequence
from directory.agencies.models import Office
from directory.datasets.models import DatasetState, DatasetVersion
from exchange.errors import ReleaseRefused
from exchange.grants.models import Grant
from exchange.hooks import on_published
from exchange.release import ReleaseRequest, check, complete_whole
from oversight.anomalies.find import find
from oversight.anomalies.models import Anomaly, GrantUse
from oversight.anomalies.rules import change_rule
from schemas.anomaly_rules import Rule
from schemas.words import Mode
from schemas.working_days import is_working_day, packaged_calendars
from tests import factories
from tests.integration.exchange.conftest import Case, _case


@dataclass
class Planted:
    """A case with several grants, and who watches."""

    settings: Settings
    session: Session
    case: Case
    auditor: Actor
    administrator: Actor
    security: Actor
    names: dict[uuid.UUID, str] = field(default_factory=dict)

    def grant(self, name: str, days: int = 0, hour: int | None = None) -> Grant:
        """A grant whose requester made 4 calls of a row each on each of the days before, at this hour.

        Args:
            hour: of the city; then on working days alone.
        """
        application = self.case.granted()
        grant = self.session.scalars(select(Grant).where(Grant.application_id == application.id)).one()
        self.history(grant, days, hour)
        self.names[grant.id] = name
        return grant

    def history(self, grant: Grant, days: int, hour: int | None) -> None:
        now = system_now().astimezone(CITY_ZONE).replace(minute=0, second=0, microsecond=0)
        for day in range(1, days + 1):
            at = (now - timedelta(days=day)).replace(hour=now.hour if hour is None else hour)
            if hour is not None and not is_working_day(at.date(), packaged_calendars()):
                continue
            use = {"grant_id": grant.id, "agency_id": self.case.requester.id, "hour": at}
            self.session.add(GrantUse(**use, calls=4, rows=4))

    def call(self, grant: Grant, actor: Actor | None = None, rows: int = 1, **changes: Any) -> None:
        """A look-up through the one door."""
        key = {changes.pop("field", "ask_2"): changes.pop("key", "一把")}
        asked = {"purpose": grant.purpose, "matter": "办件-17"} | changes
        request = ReleaseRequest(actor or self.case.asks, Mode.INTERFACE, subjects=key, **asked)
        complete_whole(self.session, check(self.session, grant.id, request), rows=rows, body=b"[]")

    def refused(self, grant: Grant, actor: Actor | None = None, **changes: Any) -> None:
        with pytest.raises(ReleaseRefused):
            self.call(grant, actor, **changes)

    def sequence(self) -> None:
        """Number what is committed."""
        self.session.commit()
        key = SigningKey.from_setting(self.settings.log_origin, self.settings.log_key)
        engine = create_engine(self.settings.sequencer_database_url, poolclass=NullPool)
        with Session(engine) as sequencer:
            while sequence(sequencer, key, self.settings.log_origin):
                sequencer.commit()

    def find(self) -> int:
        """Number what is committed and look through it to its end; how many anomalies are new."""
        self.sequence()
        new, more = 0, True
        while more:
            done, more = find(self.session)
            new += done
            self.session.commit()
        return new

    def found(self, *grants: Grant) -> dict[str, list[str]]:
        """What was found of these grants."""
        told: dict[str, list[str]] = {}
        for row in self.session.scalars(select(Anomaly).where(Anomaly.grant_id.in_([grant.id for grant in grants]))):
            told.setdefault(row.finding, []).append(self.names[row.grant_id] if row.grant_id else "")
        return told

    def one(self, finding: str, grant: Grant) -> Anomaly:
        mine = select(Anomaly).where(Anomaly.finding == finding, Anomaly.grant_id == grant.id)
        return self.session.scalars(mine.execution_options(populate_existing=True)).one()

    def set(self, rule: Rule, **changes: Any) -> None:
        """Have the administrator change a rule."""
        change_rule(self.session, self.administrator, rule, {"on": True, "figures": {}, "reason": "试验"} | changes)

    def entries(self, kind: str) -> list[Evidence]:
        return list(self.session.scalars(select(Evidence).where(Evidence.kind == kind)))


FEW = {
    Rule.VOLUME: {"calls": 8, "factor": 2, "busiest": 2},
    Rule.KEYS: {"keys": 12, "slow_runs": 15},
    Rule.MATTER: {"calls": 10},
    Rule.REFUSED: {"calls": 5},
}
"""Figures that take few calls to reach."""


def plant(settings: Settings, session: Session) -> Planted:
    case = _case(session)
    session.add(
        DatasetVersion(
            resource_id=case.version.resource_id,
            resource_version_id=case.version.id,
            number=1,
            state=DatasetState.SERVED,
            location="lake/x",
            serving_table="x",
            rows_source=3,
            rows_read=3,
            rows_good=3,
        )
    )
    on_published(session, case.office, case.version)
    office = factories.agency(session, "市审计局", Office.AUDIT_OFFICE)
    operator = factories.agency(session, "市经济信息化委", Office.REGULATOR)
    auditor, administrator = (factories.official(session, office, role) for role in ("AUDITOR", "AUDIT_ADMINISTRATOR"))
    security = factories.official(session, operator, "SECURITY_ADMINISTRATOR")
    made = Planted(settings, session, case, auditor, administrator, security)
    for rule, figures in FEW.items():
        made.set(rule, figures=figures)
    session.commit()
    return made


def working_hours_elsewhere(planted: Planted) -> int:
    """Have the working hours be such that it is after or before them now; an hour within them."""
    hour = system_now().astimezone(CITY_ZONE).hour
    first = hour + 1 if hour < 23 else 0
    planted.set(Rule.HOUR, figures={"from_hour": first, "to_hour": first + 1})
    return first


def at(actor: Actor, address: str) -> Actor:
    return replace(actor, address=address)
