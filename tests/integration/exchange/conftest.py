"""Two agencies, the offices above them and their people, with the case clock on a day that tests choose."""

import base64
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.clock import CITY_ZONE, CaseClock, case_today, system_now
from adapters.settings import Settings
from audit.actor import Actor
from audit.append import configure
from audit.models import Evidence
from directory.agencies.models import Agency, Office
from directory.catalogue.models import ResourceVersion
from exchange import release as door
from exchange.agreements.models import Agreement
from exchange.agreements.sign import sign, signing_bytes
from exchange.applications.answer import ItemAnswer, answer
from exchange.applications.draft import draft
from exchange.applications.generate_form import generate_form
from exchange.applications.models import Answer, Application, Decision
from exchange.applications.receipt import register_receipt
from tests import factories

BASIS = {"kind": "LAW", "document": "中华人民共和国统计法", "number": "主席令第87号", "article": "第二十五条"}
MONDAY = date(2026, 9, 14)
"""The day the case clock stands on in these tests, at ten in the morning."""


@pytest.fixture(autouse=True)
def _configured(settings: Settings) -> None:
    configure(settings.log_origin, settings.sealing_key)
    door.configure(b"secret of the tests")


@dataclass
class Case:
    """A provider with a published entry, a requester, and everybody who acts in their cases.

    ``open_1`` is UNIVERSAL, ``ask_2`` and ``ask_3`` ON_REQUEST, ``ask_4`` is personal too, ``kept_5`` not shared.
    """

    session: Session
    provider: Agency
    requester: Agency
    version: ResourceVersion
    asks: Actor
    answers: Actor
    asks_signs: Actor
    answers_signs: Actor
    office: Actor
    keys: dict[uuid.UUID, Ed25519PrivateKey] = field(default_factory=dict)

    def turn(self, day: date) -> None:
        """Put the case clock on ten in the morning of a day."""
        target = datetime.combine(day, time(10), CITY_ZONE).astimezone(UTC)
        self.session.merge(CaseClock(id=1, offset_seconds=round((target - system_now()).total_seconds())))
        self.session.flush()

    def draft(self, items: Sequence[str] = ("ask_2", "ask_3"), **changes: Any) -> Application:
        values: dict[str, Any] = {
            "version_id": self.version.id,
            "items": items,
            "scope": "征管科",
            "purpose": "核对纳税人登记",
            "duty": "税收征收管理法第六条",
            "modes": ["INTERFACE", "FILES", "OFFLINE"],
            "term_to": case_today(self.session) + timedelta(days=365),
        }
        return draft(self.session, self.asks, **(values | changes))

    def form(self, items: Sequence[str] = ("ask_2", "ask_3"), **changes: Any) -> Application:
        return generate_form(self.session, self.asks, self.draft(items, **changes).id)

    def received(self, items: Sequence[str] = ("ask_2", "ask_3"), **changes: Any) -> Application:
        application = self.form(items, **changes)
        today = case_today(self.session)
        register_receipt(self.session, self.answers, application.id, received_on=today, receiver="收发室")
        return application

    def answer(self, application: Application, agreed: Sequence[str] = (), refused: Sequence[str] = ()) -> Answer:
        items = [ItemAnswer(name, Decision.AGREED, "依法需要") for name in agreed]
        items += [ItemAnswer(name, Decision.REFUSED, "法律禁止", BASIS) for name in refused]
        return answer(self.session, self.answers, application.id, reason="经研究答复如下", items=items)

    def granted(self, items: Sequence[str] = ("ask_2", "ask_3"), **changes: Any) -> Application:
        application = self.received(items, **changes)
        self.answer(application, agreed=items)
        return application

    def sign(self, agreement: Agreement, actor: Actor) -> Agreement:
        assert actor.agency_id is not None
        signature = self.keys[actor.agency_id].sign(signing_bytes(agreement))
        return sign(self.session, actor, agreement.id, signature=signature)

    def sign_both(self, agreement: Agreement) -> Agreement:
        self.sign(agreement, self.asks_signs)
        return self.sign(agreement, self.answers_signs)

    def kinds(self, matter: str = "") -> list[str]:
        """Kinds of the evidence so far, in order, of one case or of all."""
        found = select(Evidence.kind).order_by(Evidence.recorded_at)
        return list(self.session.scalars(found.where(Evidence.matter == matter) if matter else found))


@pytest.fixture
def case(app_url: str) -> Iterator[Case]:
    """A case on ``MONDAY`` in the shared database, taken back at the end: quick, and for one connection alone."""
    engine = create_engine(app_url, poolclass=NullPool)
    with engine.connect() as connection, connection.begin() as everything:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield _case(session)
        everything.rollback()
    engine.dispose()


@pytest.fixture
def committed_case(session: Session) -> Case:
    """A case in a database of the test's own, for what several connections do."""
    made = _case(session)
    session.commit()
    return made


def _case(session: Session) -> Case:
    provider, requester = factories.agency(session, "市市场监管局"), factories.agency(session, "市税务局")
    office = factories.agency(session, "市政府办公厅", Office.COORDINATING_OFFICE)
    parts = [
        factories.item(1, field_name="open_1"),
        factories.item(2, field_name="ask_2", **factories.on_request()),
        factories.item(3, field_name="ask_3", **factories.on_request()),
        factories.item(4, field_name="ask_4", **factories.on_request(sensitivity="PERSONAL_PRIVACY")),
        factories.item(5, field_name="kept_5", **factories.not_shared()),
    ]
    made = Case(
        session=session,
        provider=provider,
        requester=requester,
        version=factories.published_resource(session, provider, parts),
        asks=factories.official(session, requester, "REQUESTER"),
        answers=factories.official(session, provider, "ANSWERER"),
        asks_signs=factories.official(session, requester, "SIGNATORY"),
        answers_signs=factories.official(session, provider, "SIGNATORY"),
        office=factories.official(session, office, "COORDINATOR"),
    )
    for agency in (provider, requester):
        made.keys[agency.id] = factories.signing_key(session, agency)[1]
    made.turn(MONDAY)
    return made


def text_of(signature: bytes) -> str:
    """A signature as people paste it."""
    return base64.b64encode(signature).decode()
