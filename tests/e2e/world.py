"""A city in small for the browser: a provider with a loaded entry, a requester, the offices above, and their people.

What goes before the clicks of a test is done here by the services themselves, as the person who would do it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Page, expect
from pyrage import x25519
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import case_today
from adapters.database import transaction
from adapters.lake import Lake
from adapters.objects import objects
from adapters.serving import Serving, table_name
from adapters.settings import Settings
from adapters.work import Work, WorkState
from audit.actor import Actor
from audit.keys import SigningKey
from audit.sequence import sequence
from directory.catalogue.models import ResourceVersion
from directory.datasets.models import DatasetState, DatasetVersion
from exchange.agreements.models import Agreement
from exchange.agreements.sign import sign, signing_bytes
from exchange.applications.answer import ItemAnswer, answer
from exchange.applications.draft import draft
from exchange.applications.generate_form import generate_form
from exchange.applications.models import Application, Decision
from exchange.applications.receipt import register_receipt
from exchange.grants.models import Grant
from exchange.hooks import on_published
from pipelines.steps import run_step
from portal.wiring import wire
from tests import factories

T = TypeVar("T")
PageAs = Callable[..., Page]
Look = Callable[[Page, str], None]
ROWS = 60
SECRET_NUMBER = "1380000"
"""How every telephone number of the loaded rows begins."""
PURPOSE = "核对纳税人登记信息"
BASIS = {"kind": "LAW", "document": "中华人民共和国统计法", "number": "主席令第87号", "article": "第二十五条"}
CAST = (
    ("zhao", "市场监督管理局", "赵强", ("ANSWERER",)),
    ("qian", "市场监督管理局", "钱丽", ("SIGNATORY",)),
    ("sun", "税务局", "孙伟", ("REQUESTER",)),
    ("li", "税务局", "李静", ("SIGNATORY",)),
    ("wu", "公安局", "吴刚", ("ANSWERER",)),
    ("zheng", "领导小组办公室", "郑洁", ("COORDINATOR",)),
    ("wang", "经济和信息化委员会", "王磊", ("REGULATOR",)),
    ("feng", "审计局", "冯涛", ("AUDITOR",)),
)
OFFICES = {"领导小组办公室": "COORDINATING_OFFICE", "经济和信息化委员会": "REGULATOR", "审计局": "AUDIT_OFFICE"}


@dataclass
class World:
    """Everybody by short name (``zhao`` answers, ``sun`` requests ...), and the entry with its keys.

    Attributes:
        prefix: what the logins of this world begin with.
        keys: signing keys by the short name of the signatory.
        receive: the requester's receiving key.
    """

    settings: Settings
    prefix: str
    actors: dict[str, Actor] = field(default_factory=dict)
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    receive: x25519.Identity | None = None
    version: str = ""
    resource: str = ""

    def login(self, name: str) -> str:
        """The login of somebody of the cast."""
        return f"{self.prefix}-{name}"

    def act(self, name: str, service: Callable[[Session, Actor], T]) -> T:
        """What a service answers when somebody of the cast calls it, committed."""
        with transaction(self.settings.app_database_url) as session:
            return service(session, self.actors[name])

    def handed_over(self, items: Sequence[str] = ("credit_code", "entity_name")) -> str:
        """Address of an application whose form is generated."""

        def applied(session: Session, actor: Actor) -> str:
            version = session.scalars(select(ResourceVersion).where(ResourceVersion.id == self.version)).one()
            stated: dict[str, Any] = {
                "scope": "征管科",
                "purpose": "核对纳税人登记信息",
                "duty": "税收征收管理法第六条",
            }
            modes, term_to = list(version.modes), case_today(session) + timedelta(days=365)
            made = draft(session, actor, version_id=version.id, items=items, modes=modes, term_to=term_to, **stated)
            return str(generate_form(session, actor, made.id).id)

        return "/applications/" + self.act("sun", applied)

    def received(self, items: Sequence[str] = ("credit_code", "entity_name")) -> str:
        """Address of an application whose written form the provider has received."""
        address = self.handed_over(items)

        def register(session: Session, actor: Actor) -> None:
            today, found = case_today(session), application_at(session, address)
            register_receipt(session, actor, found.id, received_on=today, receiver="收发室")

        self.act("zhao", register)
        return address

    def answered(self, agreed: Sequence[str], refused: Sequence[str] = ()) -> str:
        """Address of an application that the provider answered."""
        address = self.received((*agreed, *refused))

        def decide(session: Session, actor: Actor) -> None:
            items = [ItemAnswer(name, Decision.AGREED, "履职确需") for name in agreed]
            items += [ItemAnswer(name, Decision.REFUSED, "依法不能提供", BASIS) for name in refused]
            answer(session, actor, application_at(session, address).id, reason="经研究答复如下", items=items)

        self.act("zhao", decide)
        return address

    def granted(self) -> str:
        """Address of a living grant on two items that need no agreement."""
        application = self.answered(("credit_code", "entity_name"))
        return self.act("sun", lambda session, actor: f"/grants/{newest_grant(session, application).id}")

    def signed(self, address: str) -> str:
        """Address of an application's agreement, after both sides have signed it."""
        for name in ("qian", "li"):
            self.act(name, lambda session, actor, name=name: self._sign(session, actor, address, name))  # type: ignore[misc]  # mypy knows no default of a lambda
        return self.act("li", lambda session, actor: f"/agreements/{agreement_of(session, address).id}")

    def _sign(self, session: Session, actor: Actor, address: str, name: str) -> None:
        agreement = agreement_of(session, address)
        sign(session, actor, agreement.id, signature=self.keys[name].sign(signing_bytes(agreement)))

    def prepare(self) -> None:
        """Do what Airflow's task does: the step of every delivery that waits."""
        with transaction(self.settings.app_database_url) as session:
            waiting = select(Work.id).where(Work.kind == "deliver", Work.state == WorkState.WAITING)
            works = list(session.scalars(waiting))
        assert works
        for work in works:
            run_step(self.settings, "deliver", work)

    def number_entries(self) -> None:
        """Do what the sequencer does, until nothing waits."""
        key = SigningKey.from_setting(self.settings.log_origin, self.settings.log_key)
        with transaction(self.settings.sequencer_database_url) as session:
            while sequence(session, key, self.settings.log_origin):
                pass


def made_world(settings: Settings, prefix: str) -> World:
    """Everything that comes before an application, put straight into the database."""
    wire(settings)
    objects(settings).ensure_bucket()
    made = World(settings, prefix)
    with transaction(settings.app_database_url) as session:
        agencies = {}
        for name, agency_name, person_name, roles in CAST:
            if agency_name not in agencies:
                office = OFFICES.get(agency_name, "MEMBER")
                agencies[agency_name] = factories.agency(session, agency_name, office)
            person = factories.person(session, agencies[agency_name], *roles, name=person_name)
            factories.account(session, person, made.login(name))
            made.actors[name] = factories.actor(agencies[agency_name], person, *roles)
        market, tax = agencies["市场监督管理局"], agencies["税务局"]
        made.keys = {"qian": factories.signing_key(session, market)[1], "li": factories.signing_key(session, tax)[1]}
        made.receive = factories.receiving_key(session, tax)[1]
        modes = ["INTERFACE", "FILES", "BROWSE", "OFFLINE"]
        version = factories.published_resource(session, market, _items(), name="法人单位登记信息", modes=modes)
        on_published(session, factories.official(session, market, "REVIEWER"), version)
        _load(session, settings, version)
        made.version, made.resource = str(version.id), str(version.resource_id)
    return made


def _items() -> list[dict[str, object]]:
    personal = factories.on_request(sensitivity="PERSONAL_PRIVACY")
    return [
        factories.item(1, field_name="division", name="登记地行政区划"),
        factories.item(2, field_name="credit_code", name="统一社会信用代码", is_key=True, **factories.on_request()),
        factories.item(3, field_name="entity_name", name="法人名称", **factories.on_request()),
        factories.item(4, field_name="legal_person", name="法定代表人姓名", **personal),
        factories.item(5, field_name="phone", name="联系电话", **personal),
        factories.item(6, field_name="inner_note", name="内部核查记录", **factories.not_shared()),
    ]


def _load(session: Session, settings: Settings, version: ResourceVersion) -> None:
    loaded = DatasetVersion(
        resource_id=version.resource_id,
        resource_version_id=version.id,
        number=1,
        state=DatasetState.SERVED,
        location=f"lake/{version.resource_id}",
        rows_source=ROWS,
        rows_read=ROWS,
        rows_good=ROWS,
    )
    session.add(loaded)
    session.flush()
    table = _table()
    loaded.delta_version = Lake(settings).write(loaded.location, table.to_reader())
    loaded.serving_table = table_name(loaded.id)
    Serving.of(settings).load(loaded.serving_table, table.schema, table.to_batches(), ["credit_code"])


def _table() -> pa.Table:
    count = range(ROWS)
    return pa.table(
        {
            "division": ["310101" for _ in count],
            "credit_code": [factories.credit_code(5_000 + n) for n in count],
            "entity_name": [f"示范第{n}有限公司" for n in count],
            "legal_person": [f"张{n}" for n in count],
            "phone": [f"{SECRET_NUMBER}{n:04}" for n in count],
            "inner_note": ["内部" for _ in count],
        }
    )


def application_at(session: Session, address: str) -> Application:
    """The application of a page."""
    return session.scalars(select(Application).where(Application.id == address.rpartition("/")[2])).one()


def agreement_of(session: Session, address: str) -> Agreement:
    """The newest agreement of an application's page."""
    newest = select(Agreement).where(Agreement.application_id == address.rpartition("/")[2])
    return session.scalars(newest.order_by(Agreement.created_at.desc()).limit(1)).one()


def newest_grant(session: Session, address: str) -> Grant:
    """The newest grant of an application's page."""
    grants = select(Grant).where(Grant.application_id == address.rpartition("/")[2])
    return session.scalars(grants.order_by(Grant.number.desc()).limit(1)).one()


def send(page: Page) -> None:
    """Send the form of the page and see that it was taken."""
    with page.expect_navigation():
        page.locator("main form.hub-form button[type=submit]").first.click()
    expect(page.locator(".form-wrong, .alert-danger")).to_have_count(0)


def badge(page: Page) -> str:
    """The state that the page's heading shows."""
    return page.locator("h1 .badge").inner_text()
