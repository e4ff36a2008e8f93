"""Draft an application for ON_REQUEST items of one published catalogue version ([M] Art. 14, 15; R34, R37)."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from adapters.clock import case_now, case_today
from adapters.errors import Conflict, InvalidInput, NotAllowed, NotFound
from audit.actor import Actor
from audit.append import append
from directory import permissions
from directory.catalogue.models import DataItem, ResourceVersion, VersionState
from exchange import entries
from exchange.applications import load
from exchange.applications.models import Application, ApplicationItem, ApplicationState
from exchange.applications.stated import Stated, problems_of, require_complete, selected
from schemas.rule_sets import rule_set_for


def draft(
    session: Session,
    actor: Actor,
    *,
    version_id: uuid.UUID,
    items: Sequence[str],
    scope: str,
    purpose: str,
    duty: str,
    modes: Sequence[str],
    term_to: date | None,
    quota_rows: int | None = None,
    row_condition: Mapping[str, Any] | None = None,
) -> Application:
    """Begin an application; the rule set adopted today governs it to its end.

    Args:
        version_id: the published catalogue version; the provider is its agency.
        items: field names of ON_REQUEST items of that version.
        scope: who will use the data (共享范围).
        purpose: what for (共享用途); the grant is bound to it.
        duty: the legal duty behind it (履职依据).
        modes: ways of delivery, words of ``schemas.words.Mode`` that the version offers.
        term_to: last day of use; None where the caller gave no day, which is refused like anything missing.
        quota_rows: rows wanted in all, None for no limit.
        row_condition: as in ``Application``, None for all rows.

    Raises:
        NotFound: no such version.
        NotAllowed: not a requester; own data; NO_SHARING or state-secret items.
        Conflict: the version is not the published one.
        InvalidInput: items or statements that cannot be.
    """
    version = published(session, version_id)
    provider_id = version.resource.agency_id
    subject = f"resource_version/{version.id}"
    permissions.require(permissions.apply(actor, provider_id), "application.drafted", subject)
    stated = _stated(items, scope, purpose, duty, modes, term_to, quota_rows, row_condition)
    chosen = _checked(session, version, stated, subject)
    application = Application(
        id=uuid.uuid4(),
        state=ApplicationState.DRAFT,
        requester_id=actor.agency_id,
        provider_id=provider_id,
        resource_version_id=version.id,
        rule_set=rule_set_for(case_today(session)).key,
        applied_by=actor.answerable_id,
        **_columns(stated),
    )
    application.items = [ApplicationItem(data_item_id=item.id, data_item=item) for item in chosen]
    session.add(application)
    session.flush()
    facts = _facts(application, chosen)
    _record(session, actor, application, "application.drafted", after=facts)
    return application


def amend(
    session: Session,
    actor: Actor,
    application_id: uuid.UUID,
    *,
    items: Sequence[str],
    scope: str,
    purpose: str,
    duty: str,
    modes: Sequence[str],
    term_to: date | None,
    quota_rows: int | None = None,
    row_condition: Mapping[str, Any] | None = None,
    expected: int | None = None,
) -> Application:
    """Change a draft; arguments and errors as ``draft``. After the form is generated nothing can be changed.

    Raises:
        Conflict: the form is generated already, or somebody changed the draft since ``expected``.
    """
    application = load.locked(session, application_id, expected)
    subject = load.subject(application)
    permission = permissions.prepare_application(actor, application.requester_id)
    permissions.require(permission, "application.amended", subject, subject)
    if application.state != ApplicationState.DRAFT:
        raise Conflict(
            "application.frozen",
            "The form of this application is generated, so it cannot be changed. Withdraw it and apply anew.",
        )
    version = published(session, application.resource_version_id)
    stated = _stated(items, scope, purpose, duty, modes, term_to, quota_rows, row_condition)
    chosen = _checked(session, version, stated, subject)
    before = _facts(application, [each.data_item for each in application.items])
    for name, value in _columns(stated).items():
        setattr(application, name, value)
    kept = {each.data_item_id: each for each in application.items}
    application.items = [kept.get(item.id) or ApplicationItem(data_item_id=item.id, data_item=item) for item in chosen]
    session.flush()
    facts = _facts(application, chosen)
    _record(session, actor, application, "application.amended", before=before, after=facts)
    return application


def published(session: Session, version_id: uuid.UUID) -> ResourceVersion:
    """The version of this id when it is the published one.

    Raises:
        NotFound: no such version.
        Conflict: ``application.not_published``.
    """
    version = session.get(ResourceVersion, version_id)
    if version is None:
        raise NotFound(
            "application.unknown_version", "There is no such catalogue version. Choose an entry of the catalogue."
        )
    if version.state != VersionState.PUBLISHED:
        raise Conflict(
            "application.not_published",
            "This catalogue version is not in force. Open the entry again and apply from its published version.",
        )
    return version


def stated_by(application: Application) -> Stated:
    """What an application states, as it is kept."""
    return Stated(
        items=tuple(each.data_item.field_name for each in application.items),
        scope=application.scope,
        purpose=application.purpose,
        duty=application.duty,
        modes=tuple(application.modes),
        term_to=application.term_to,
        quota_rows=application.quota_rows,
        row_condition=application.row_condition,
    )


def _stated(
    items: Sequence[str],
    scope: str,
    purpose: str,
    duty: str,
    modes: Sequence[str],
    term_to: date | None,
    quota_rows: int | None,
    row_condition: Mapping[str, Any] | None,
) -> Stated:
    texts = (scope.strip(), purpose.strip(), duty.strip())
    return Stated(tuple(items), *texts, tuple(modes), term_to, quota_rows, dict(row_condition or {}))


def _checked(session: Session, version: ResourceVersion, stated: Stated, subject: str) -> tuple[DataItem, ...]:
    """The chosen items; what is wrong with the choice is said together with all that is wrong besides."""
    today = case_today(session)
    try:
        chosen = selected(version, stated.items)
    except (NotAllowed, InvalidInput) as error:
        if isinstance(error, InvalidInput):
            error.problems += problems_of(stated, version, today)
        error.refused("application.drafted", subject)
        raise
    require_complete(stated, version, today)
    return chosen


def _columns(stated: Stated) -> dict[str, Any]:
    return {
        "scope": stated.scope,
        "purpose": stated.purpose,
        "duty": stated.duty,
        "modes": list(stated.modes),
        "term_to": stated.term_to,
        "quota_rows": stated.quota_rows,
        "row_condition": dict(stated.row_condition),
    }


def _record(
    session: Session,
    actor: Actor,
    application: Application,
    kind: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any],
) -> None:
    append(
        session,
        kind,
        load.subject(application),
        actor,
        matter=load.subject(application),
        authority=f"{application.rule_set} Art. 15",
        before=before,
        after=after,
        personal=entries.personal(application.purpose, {}, application.row_condition),
        case_time=case_now(session),
    )


def _facts(application: Application, items: Sequence[DataItem]) -> dict[str, Any]:
    return {
        "state": application.state,
        "resource_version": str(application.resource_version_id),
        "items": [item.field_name for item in items],
        "modes": list(application.modes),
        "term_to": application.term_to.isoformat(),
        "quota_rows": application.quota_rows,
        "row_condition": entries.condition(application.row_condition),
        "rule_set": application.rule_set,
    }
