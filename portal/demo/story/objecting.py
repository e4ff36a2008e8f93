"""Point 4, second half: the human-resources bureau is refused, objects, and is answered anew."""

import uuid
from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from audit.actor import Actor
from exchange.applications.answer import ItemAnswer, answer
from exchange.applications.draft import draft
from exchange.applications.generate_form import generate_form
from exchange.applications.hand_over import record_hand_over
from exchange.applications.models import Decision
from exchange.applications.queries import detail
from exchange.applications.receipt import register_receipt
from exchange.disputes.conclude import conclude
from exchange.disputes.models import Outcome
from exchange.disputes.raise_dispute import raise_dispute
from exchange.disputes.state import state
from portal.demo.stage import Stage, expect
from portal.demo.story.applying import row_of, term_to
from portal.demo.story.catalogue import LEGAL_ENTITIES_ENTRY, version_id_of

ITEMS = ("credit_code", "name", "entity_type", "status")
PURPOSE = "核定社会保险参保单位,稽核漏保单位"
SOCIAL_INSURANCE_LAW = "《中华人民共和国社会保险法》第五十七条第三款"
REGISTRATION_RULES = {
    "kind": "REGULATION",
    "document": "中华人民共和国市场主体登记管理条例",
    "number": "国务院令第746号",
    "article": "第六条",
}
RECEIVED_ON, CONCLUDED_ON = date(2026, 10, 12), date(2026, 10, 20)


def refuse_the_second(stage: Stage) -> str:
    """The human-resources bureau applies and is refused in full, with a basis."""
    application = stage.make(
        "application.hr",
        "matao",
        partial(
            draft,
            version_id=version_id_of(stage, LEGAL_ENTITIES_ENTRY),
            items=ITEMS,
            scope="市社会保险事业管理中心",
            purpose=PURPOSE,
            duty=SOCIAL_INSURANCE_LAW,
            modes=["INTERFACE", "BROWSE"],
            term_to=term_to(),
        ),
    )
    stage.once("application.hr.form", "matao", partial(generate_form, application_id=application))
    if "application.hr.received" not in stage.made:
        stage.turn_clock(RECEIVED_ON)
    over = partial(record_hand_over, application_id=application, handed_over_on=RECEIVED_ON, proof="专人送达 2026-311")
    stage.once("application.hr.handed_over", "matao", over)
    receipt = partial(register_receipt, application_id=application, received_on=RECEIVED_ON, receiver="孙丽")
    stage.once("application.hr.received", "sunli", receipt)
    no = partial(answer, application_id=application, reason="登记信息可公开查询", items=_items(Decision.REFUSED, ITEMS))
    stage.once("application.hr.refused", "sunli", no)
    row = row_of(stage, "matao", application)
    return f"{row.number}: all {row.items} items refused ({REGISTRATION_RULES['document']})"


def object_and_conclude(stage: Stage) -> str:
    """Both sides state their case; the coordinating office concludes that the provider must answer anew."""
    application = uuid.UUID(stage.made["application.hr"])
    objection = partial(raise_dispute, application_id=application, text="逐户公开查询不能替代批量稽核,法律规定应当通报")
    dispute = stage.make("dispute.hr", "matao", objection)
    side = partial(state, dispute_id=dispute, text="公示系统已向社会公开,未见另行提供的必要")
    stage.once("dispute.hr.stated", "sunli", side)
    if "dispute.hr.concluded" not in stage.made:
        stage.turn_clock(CONCLUDED_ON)
        meddling = partial(conclude, dispute_id=dispute, outcome=Outcome.ANSWER_ANEW, text="应予共享")
        stage.refused("caoyang", meddling, "permission.role")
    concluded = partial(
        conclude, dispute_id=dispute, outcome=Outcome.ANSWER_ANEW, text="社会保险法明文规定通报,请重新答复"
    )
    stage.once("dispute.hr.concluded", "shenning", concluded)
    row = row_of(stage, "matao", application)
    expect("dispute.hr.anew" in stage.made or row.state == "ANSWER_DIRECTED", f"a new answer due, not {row.state}")
    return f"the office concluded that the provider answers anew, until {row.due_on}; the regulator could not"


def answer_anew(stage: Stage) -> str:
    """The provider answers anew and agrees; nothing is sensitive, so the grant is alive at once."""
    application = uuid.UUID(stage.made["application.hr"])
    yes = partial(
        answer, application_id=application, reason="依据社会保险法予以共享", items=_items(Decision.AGREED, ITEMS)
    )
    stage.once("dispute.hr.anew", "sunli", yes)

    def living(session: Session, actor: Actor) -> Any:
        return detail(session, actor, application).grants[0]

    stage.make("grant.hr", "matao", living)
    row = row_of(stage, "matao", application)
    expect(row.state == "GRANTED", f"the application granted, not {row.state}")
    return f"{row.number} granted in the second round"


def _items(decision: Decision, names: Sequence[str]) -> list[ItemAnswer]:
    basis = REGISTRATION_RULES if decision is Decision.REFUSED else None
    return [ItemAnswer(name, decision, "依法办理", basis) for name in names]
