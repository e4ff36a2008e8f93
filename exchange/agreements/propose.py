"""Draw up the secrecy agreement for what an answer agreed to ([M] Art. 15¶4; R42)."""

import uuid
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import case_now, city_date
from audit.actor import Actor
from audit.append import append
from exchange.agreements.clauses import CLAUSES
from exchange.agreements.ended import end_agreement
from exchange.agreements.models import Agreement, AgreementState
from exchange.applications import load
from exchange.applications.decisions import agreed_items
from exchange.applications.generate_form import named
from exchange.applications.models import Application
from exchange.numbers.allocate import Document, next_number
from schemas.canonical import digest

DOCUMENT_SCHEMA = "shuniu:agreement/1"


def propose(session: Session, actor: Actor, application: Application) -> Agreement:
    """Draw up the agreement over every item agreed to so far; an older one that waits for signatures ends.

    Called by the answer. Both sides sign the canonical bytes of ``document``.
    """
    waiting = select(Agreement).where(
        Agreement.application_id == application.id, Agreement.state == AgreementState.PROPOSED
    )
    for older in session.scalars(waiting.with_for_update()):
        end_agreement(session, actor, older, "A later answer brought a wider agreement.")
    number = next_number(session, application.provider, Document.AGREEMENT)
    document = _document(application, number, city_date(case_now(session)))
    agreement = Agreement(
        id=uuid.uuid4(),
        number=number,
        application=application,
        document=document,
        digest=digest(document),
        valid_to=application.term_to,
    )
    session.add(agreement)
    session.flush()
    append(
        session,
        "agreement.proposed",
        f"agreement/{agreement.id}",
        actor,
        matter=load.subject(application),
        authority=f"{application.rule_set} Art. 15",
        after={"number": number, "valid_to": agreement.valid_to.isoformat()},
        personal={"digest": agreement.digest},
        case_time=case_now(session),
    )
    return agreement


def _document(application: Application, number: str, today: date) -> dict[str, Any]:
    version = application.resource_version
    return {
        "schema": DOCUMENT_SCHEMA,
        "title": {
            "zh": "政务数据资源共享安全保密协议",
            "en": "Security and secrecy agreement for shared government data",
        },
        "number": number,
        "date": today.isoformat(),
        "application": application.number,
        "form_digest": application.form_digest,
        "provider": named(application.provider),
        "requester": named(application.requester),
        "resource": {"code": version.resource.code, "name": version.name, "version": version.number},
        "items": [
            {"field_name": item.field_name, "name": item.name, "sensitivity": item.sensitivity}
            for item in agreed_items(application)
        ],
        "purpose": application.purpose,
        "modes": list(application.modes),
        "row_condition": dict(application.row_condition),
        "quota_rows": application.quota_rows,
        "valid_from": today.isoformat(),
        "valid_to": application.term_to.isoformat(),
        "clauses": [{"zh": zh, "en": en} for zh, en in CLAUSES],
    }
