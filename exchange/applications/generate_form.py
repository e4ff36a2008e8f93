"""Generate the numbered application form; from then on the application cannot be changed ([M] Art. 15¶2; R38)."""

import uuid
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from adapters.clock import case_now, city_date
from adapters.errors import InvalidInput, NotAllowed
from audit.actor import Actor
from audit.append import append
from directory import permissions
from directory.agencies.models import Agency
from directory.catalogue.models import DataItem
from directory.people.models import Person
from exchange.applications import load
from exchange.applications.deadlines import start_clock
from exchange.applications.draft import published, stated_by
from exchange.applications.models import Application
from exchange.applications.stated import require_complete, selected
from exchange.applications.states import Event, advance, require
from exchange.numbers.allocate import Document, next_number
from schemas.canonical import digest
from schemas.rule_sets import rule_set

FORM_SCHEMA = "shuniu:application-form/1"


def generate_form(
    session: Session, actor: Actor, application_id: uuid.UUID, *, expected: int | None = None
) -> Application:
    """Number and freeze the application as the form (需求申请表) that is printed and delivered in writing.

    Nothing is due until the provider registers the receipt of the written form. Under a rule set that wants no paper,
    the
    days begin at once.

    Raises:
        NotAllowed: not the requester.
        Conflict: not a draft any more, or its catalogue version is no longer the published one.
        InvalidInput: the statements cannot be any more, such as a term that is over.
    """
    application = load.locked(session, application_id, expected)
    subject = load.subject(application)
    permission = permissions.prepare_application(actor, application.requester_id)
    permissions.require(permission, "application.form_generated", subject, subject)
    require(application.state, Event.FORM_GENERATED)
    version, now = published(session, application.resource_version_id), case_now(session)
    stated = stated_by(application)
    try:
        items = selected(version, stated.items)
    except (NotAllowed, InvalidInput) as error:
        error.refused("application.form_generated", subject, subject)
        raise
    require_complete(stated, version, city_date(now))
    application.number = next_number(session, application.requester, Document.APPLICATION)
    applicant = session.get_one(Person, application.applied_by)
    application.form = _form(application, items, city_date(now), applicant.name)
    application.form_digest = digest(application.form)
    application.form_generated_at = now
    application.state = advance(application.state, Event.FORM_GENERATED)
    if not rule_set(application.rule_set).step("written_receipt_starts_clock"):
        application.received_on = city_date(now)
        application.state = advance(application.state, Event.RECEIVED)
        start_clock(session, application, city_date(now))
    session.flush()
    append(
        session,
        "application.form_generated",
        subject,
        actor,
        matter=subject,
        authority=f"{application.rule_set} Art. 15",
        after={
            "state": application.state,
            "number": application.number,
            "received_on": application.received_on.isoformat() if application.received_on else None,
            "due_on": application.due_on.isoformat() if application.due_on else None,
            "provisional": application.due_provisional,
        },
        personal={"digest": application.form_digest},
        case_time=now,
    )
    return application


def _form(application: Application, items: tuple[DataItem, ...], today: date, applicant: str) -> dict[str, Any]:
    version, rules = application.resource_version, rule_set(application.rule_set)
    return {
        "schema": FORM_SCHEMA,
        "number": application.number,
        "date": today.isoformat(),
        "rule_set": {"key": rules.key, "document": rules.document},
        "requester": named(application.requester),
        "provider": named(application.provider),
        "resource": {"code": version.resource.code, "name": version.name, "version": version.number},
        "items": [
            {"field_name": item.field_name, "name": item.name, "share_condition": item.share_condition}
            for item in items
        ],
        "scope": application.scope,
        "purpose": application.purpose,
        "duty": application.duty,
        "modes": list(application.modes),
        "row_condition": dict(application.row_condition),
        "quota_rows": application.quota_rows,
        "term_to": application.term_to.isoformat(),
        "applicant": applicant,
    }


def named(agency: Agency) -> dict[str, str]:
    """An agency as documents name it: by its name and its unified social credit code."""
    return {"name": agency.name, "code": agency.credit_code}
