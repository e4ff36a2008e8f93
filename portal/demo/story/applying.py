"""Point 4, first half: the tax bureau applies, ten working days run, five items are agreed to and one is refused."""

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from adapters.clock import city_date, system_now
from audit.actor import Actor
from directory.keys.signing import signature_from_text
from exchange.agreements.queries import to_sign
from exchange.agreements.sign import sign, signing_bytes
from exchange.applications.answer import ItemAnswer, answer
from exchange.applications.draft import draft
from exchange.applications.generate_form import generate_form
from exchange.applications.hand_over import record_hand_over
from exchange.applications.models import Decision
from exchange.applications.queries import ApplicationRow, detail
from exchange.applications.receipt import register_receipt
from exchange.grants.models import GrantState
from exchange.needs.answer import refuse
from exchange.needs.raise_need import raise_need
from portal.demo.cast import MARKET, PUBLIC_SECURITY, TAX, Bureau
from portal.demo.commands import shuniu
from portal.demo.entries import ALL_MODES, COUNTER_TERRORISM_LAW, REPRESENTATIVE_ID
from portal.demo.stage import Stage, expect
from portal.demo.story.catalogue import CASES_ENTRY, LEGAL_ENTITIES_ENTRY, resource_id_of, version_id_of
from portal.demo.story.people import agency_id, keys_of

AGREED_ITEMS = ("credit_code", "name", "representative_name", "registered_capital", "status")
SIX_ITEMS = (*AGREED_ITEMS, REPRESENTATIVE_ID)
PURPOSE = "核实纳税人登记信息,办理税务登记与风险核查"
TAX_LAW = "《中华人民共和国税收征收管理法》第六条第一款"
IDENTITY_CARD_LAW = {
    "kind": "LAW",
    "document": "中华人民共和国居民身份证法",
    "number": "主席令第51号",
    "article": "第十九条",
}
APPLIED_ON, RECEIVED_ON = date(2026, 9, 17), date(2026, 9, 18)
DUE_ON = date(2026, 10, 9)
HOLIDAYS = {date(2026, 9, day) for day in (25, 26, 27)} | {date(2026, 10, day) for day in range(1, 8)}
WORKED_INSTEAD = {date(2026, 9, 20)}
"""Ten working days after the receipt: 20 September counts (a Sunday worked instead), 25 to 27 September and 1 to 7
October do not (Mid-Autumn and National Day; 国办发明电〔2025〕7号)."""


def term_to() -> date:
    """Last day of use: a year from the day on which the demo is really run."""
    return city_date(system_now()) + timedelta(days=365)


def apply_for_six_items(stage: Stage) -> str:
    """Draft and form; until the written form is received nothing is due, and nothing can be answered."""
    if "application.tax" not in stage.made:
        stage.turn_clock(APPLIED_ON)
    application = stage.make(
        "application.tax",
        "linjia",
        partial(
            draft,
            version_id=version_id_of(stage, LEGAL_ENTITIES_ENTRY),
            items=SIX_ITEMS,
            scope="市税务局征管处与各区税务所",
            purpose=PURPOSE,
            duty=TAX_LAW,
            modes=ALL_MODES,
            term_to=term_to(),
        ),
    )
    stage.once("application.tax.form", "linjia", partial(generate_form, application_id=application))
    row = row_of(stage, "linjia", application)
    if row.received_on is None:
        expect(row.due_on is None, "nothing due before the written receipt")
        early = partial(answer, application_id=application, reason="可以共享", items=answers(AGREED_ITEMS))
        stage.refused("sunli", early, "application.wrong_state")
    return f"form {row.number} for {row.items} items; nothing due, an answer before the receipt refused"


def receive_on_paper(stage: Stage) -> str:
    """The written form is handed over; its receipt, registered by the provider, starts the ten working days."""
    application = uuid.UUID(stage.made["application.tax"])
    over = partial(record_hand_over, application_id=application, handed_over_on=APPLIED_ON, proof="机要交换 2026-1187")
    stage.once("application.tax.handed_over", "linjia", over)
    if "application.tax.received" not in stage.made:
        stage.turn_clock(RECEIVED_ON)
    received = partial(
        register_receipt, application_id=application, received_on=RECEIVED_ON, receiver="市市场监督管理局办公室 孙丽"
    )
    stage.once("application.tax.received", "sunli", received)
    row = row_of(stage, "sunli", application)
    expect(row.due_on == DUE_ON, f"the answer due on {DUE_ON}, not {row.due_on}")
    expect(not row.due_provisional, "the due day to rest on announced holidays")
    return f"received {row.received_on}, answer due {row.due_on}"


def let_ten_working_days_run(stage: Stage) -> str:
    """Day by day; weekends and holidays do not count, the Sundays and Saturdays that are worked instead do."""
    application = uuid.UUID(stage.made["application.tax"])
    day, left = stage.today(), row_of(stage, "sunli", application).days_left
    while day < DUE_ON:
        day += timedelta(days=1)
        stage.turn_clock(day)
        before, left = left, row_of(stage, "sunli", application).days_left
        works = day in WORKED_INSTEAD or (day.weekday() < 5 and day not in HOLIDAYS)
        expect(left is not None and before == left + works, f"{day} to count {int(works)}, not {before} to {left}")
        expect(left is not None and left >= 0, "nothing overdue")
    days = (DUE_ON - RECEIVED_ON).days
    return f"{days} days passed, of which ten working days; 20 September, a Sunday, counted; none left on {DUE_ON}"


def answer_five_and_one(stage: Stage) -> str:
    """On the last day: five items agreed to, one refused; a refusal without law, regulation or rule is turned away."""
    application = uuid.UUID(stage.made["application.tax"])
    given = partial(answer, application_id=application, reason="除证件号码外同意共享")
    if "application.tax.answered" not in stage.made:
        stage.refused("sunli", partial(given, items=answers(AGREED_ITEMS, no_basis=True)), "answer.incomplete")
        stage.refused("caoyang", partial(given, items=answers(AGREED_ITEMS)), "permission.regulator_decides")
    stage.once("application.tax.answered", "sunli", partial(given, items=answers(AGREED_ITEMS)))
    found = stage.act("linjia", partial(_decided, application_id=application))
    expect(found == {**dict.fromkeys(AGREED_ITEMS, "AGREED"), REPRESENTATIVE_ID: "REFUSED"}, "five agreed, one refused")
    return f"5 items agreed to, {REPRESENTATIVE_ID} refused ({IDENTITY_CARD_LAW['document']}); in time"


def answers(agreed: Sequence[str], no_basis: bool = False) -> list[ItemAnswer]:
    """An answer to the six items: those named agreed to, the others refused."""
    refusal = None if no_basis else IDENTITY_CARD_LAW
    return [
        ItemAnswer(name, Decision.AGREED, "履行税收征管职责所需")
        if name in agreed
        else ItemAnswer(name, Decision.REFUSED, "身份证件号码可由统一社会信用代码替代,依法不予提供", refusal)
        for name in SIX_ITEMS
    ]


def sign_agreement(stage: Stage) -> str:
    """Both sides sign with keys that they alone hold; the grant comes alive with the second signature."""
    application = uuid.UUID(stage.made["application.tax"])
    _sign(stage, MARKET, "qianyong")
    if "grant.tax" not in stage.made:
        grants = stage.act("linjia", lambda session, actor: len(detail(session, actor, application).grants))
        expect(grants == 0, "no grant before the second signature")
    _sign(stage, TAX, "heming")

    def living(session: Session, actor: Actor) -> Any:
        return next(one for one in detail(session, actor, application).grants if one.state == GrantState.ACTIVE)

    grant = stage.make("grant.tax", "linjia", living)
    number, items = stage.act("linjia", partial(_grant, application_id=application, grant_id=grant))
    expect(tuple(items) == AGREED_ITEMS, f"the grant to name the five items, not {items}")
    return f"agreement signed by both sides' keys; grant {number} for 5 items is alive"


def _sign(stage: Stage, bureau: Bureau, login: str) -> None:
    """Download the agreement, sign it with `shuniu key sign` in the agency's own folder, hand the signature in."""
    name = f"agreement.tax.{bureau.key}"
    if name in stage.made:
        return

    def download(session: Session, actor: Actor) -> tuple[uuid.UUID, bytes]:
        agreement = to_sign(session, actor).items[0]
        return agreement.id, signing_bytes(agreement)

    agreement_id, document = stage.act(login, download)
    folder = keys_of(stage, bureau)
    (folder / "agreement.json").write_bytes(document)
    text = shuniu(folder, "key", "sign", "agreement.json", "--key", "sign.pem")
    signed = partial(sign, agreement_id=agreement_id, signature=signature_from_text(text))
    stage.once(name, login, signed)


def pick_what_is_not_shared(stage: Stage) -> str:
    """An application for NO_SHARING items is turned away, and says how to raise a Need; that is answered on a basis."""
    picked = partial(
        draft,
        version_id=version_id_of(stage, CASES_ENTRY),
        items=["resident_id"],
        scope="市税务局稽查局",
        purpose=PURPOSE,
        duty=TAX_LAW,
        modes=["FILES"],
        term_to=term_to(),
    )
    sentence = stage.refused("linjia", picked, "application.not_shareable")
    expect("raise a Need" in sentence, "the refusal to say how to raise a Need")
    raised = partial(
        raise_need,
        provider_id=agency_id(stage, PUBLIC_SECURITY),
        description="涉税案件当事人是否在管控名单之内",
        purpose=PURPOSE,
        duty=TAX_LAW,
        resource_id=resource_id_of(stage, CASES_ENTRY),
    )
    need = stage.make("need.tax", "linjia", raised)
    no = partial(refuse, need_id=need, answer="依法不得向第三方提供", basis=COUNTER_TERRORISM_LAW)
    stage.once("need.tax.refused", "xunuo", no)
    return f"turned away: {sentence} A Need was raised and answered on its basis"


def row_of(stage: Stage, login: str, application_id: uuid.UUID) -> ApplicationRow:
    """An application as a person sees it in a list."""
    return stage.act(login, lambda session, actor: detail(session, actor, application_id).row)


def _decided(session: Session, actor: Actor, application_id: uuid.UUID) -> dict[str, str]:
    found = detail(session, actor, application_id).decisions
    return {one.item.field_name: str(one.decision) for one in found}


def _grant(session: Session, actor: Actor, application_id: uuid.UUID, grant_id: uuid.UUID) -> tuple[str, list[str]]:
    grant = next(one for one in detail(session, actor, application_id).grants if one.id == grant_id)
    return grant.number, list(grant.items)
