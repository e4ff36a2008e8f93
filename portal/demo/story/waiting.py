"""What the story leaves on desks, for whoever looks around afterwards."""

import uuid
from functools import partial

from directory.catalogue.compile import draft_next_version
from directory.catalogue.submit import submit_version
from exchange.applications.draft import draft
from exchange.applications.generate_form import generate_form
from exchange.applications.hand_over import record_hand_over
from exchange.applications.receipt import register_receipt
from portal.demo.cast import described
from portal.demo.entries import DIVISION_ITEMS, DIVISIONS
from portal.demo.stage import Stage
from portal.demo.story.applying import row_of, term_to
from portal.demo.story.catalogue import (
    DIVISIONS_ENTRY,
    LEGAL_ENTITIES_ENTRY,
    numbered,
    resource_id_of,
    version_id_of,
)
from portal.demo.story.objecting import SOCIAL_INSURANCE_LAW


def leave_work(stage: Stage) -> str:
    """An application that waits for its answer, and the next version of an entry that waits for its review."""
    application = _apply_again(stage)
    changed = DIVISIONS | {"abstract": f"{DIVISIONS['abstract']},每年随国家统计局公布更新"}
    next_version = partial(
        draft_next_version,
        resource_id=resource_id_of(stage, DIVISIONS_ENTRY),
        changed_on=stage.today(),
        entry=changed,
        items=numbered(DIVISION_ITEMS),
    )
    version = stage.make("version.next", "zhouwen", next_version)
    stage.once("version.next.submitted", "zhouwen", partial(submit_version, version_id=version))
    row = row_of(stage, "sunli", application)
    return f"{row.number} waits for {described('sunli')} until {row.due_on}, an entry for {described('wumin')}"


def _apply_again(stage: Stage) -> uuid.UUID:
    application = stage.make(
        "application.waiting",
        "matao",
        partial(
            draft,
            version_id=version_id_of(stage, LEGAL_ENTITIES_ENTRY),
            items=["credit_code", "phone"],
            scope="市社会保险事业管理中心",
            purpose="通知漏保单位补办参保登记",
            duty=SOCIAL_INSURANCE_LAW,
            modes=["BROWSE"],
            term_to=term_to(),
        ),
    )
    name, today = "application.waiting", stage.today()
    stage.once(f"{name}.form", "matao", partial(generate_form, application_id=application))
    over = partial(record_hand_over, application_id=application, handed_over_on=today, proof="专人送达 2026-402")
    stage.once(f"{name}.handed_over", "matao", over)
    received = partial(register_receipt, application_id=application, received_on=today, receiver="孙丽")
    stage.once(f"{name}.received", "sunli", received)
    return application
