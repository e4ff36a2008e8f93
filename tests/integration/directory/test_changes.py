"""A change of what an entry describes, until the entry says so (R28)."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from adapters.clock import case_today
from adapters.errors import Conflict, InvalidInput, NotAllowed
from audit.models import Evidence
from audit.opened import personal_details
from audit.reconcile import facts_follow_entries
from directory.catalogue.change import change_facts, changes_due, overdue_changes, recompute_changes, record_change
from directory.catalogue.compile import draft_next_version
from directory.catalogue.models import CatalogueChange, ResourceVersion
from directory.catalogue.publish import publish_version
from directory.catalogue.withdraw import withdraw_version
from directory.people.roles import Role
from directory.reconcilers import _CHANGES
from tests import factories
from tests.integration.directory.test_catalogue import Bureau, approve, bureau

__all__ = ["bureau"]


@pytest.fixture
def version(session: Session, bureau: Bureau) -> ResourceVersion:
    return factories.published_resource(session, bureau.agency)


def kinds_of(session: Session, change: CatalogueChange) -> list[str]:
    entries = select(Evidence.kind).where(Evidence.subject == f"catalogue_change/{change.id}")
    return list(session.scalars(entries.order_by(Evidence.recorded_at)))


def test_a_change_waits_until_the_version_is_handed_in_and_closes_when_it_is_published(
    session: Session, bureau: Bureau, version: ResourceVersion
) -> None:
    today = case_today(session)
    change = record_change(session, bureau.compiler, version.resource_id, happened_on=today, what="字段增加")
    assert change.due_on > today
    assert [each.id for each in changes_due(session, bureau.compiler).items] == [change.id]
    following = draft_next_version(session, bureau.compiler, version.resource_id, today)
    assert len(changes_due(session, bureau.compiler).items) == 1
    approve(session, bureau, following)
    assert (change.updated_on, change.closed_on) == (today, None)
    later = record_change(session, bureau.compiler, version.resource_id, happened_on=today, what="又有变化")
    publish_version(session, bureau.reviewer, following.id)
    assert (change.closed_on, later.closed_on) == (today, None)
    assert [each.id for each in changes_due(session, bureau.compiler).items] == [later.id]
    assert kinds_of(session, change) == [
        "resource.change_recorded",
        "resource.change_updated",
        "resource.change_closed",
    ]
    withdraw_version(session, bureau.reviewer, following.id, reason="不再提供")
    assert later.closed_on == today


def test_starting_the_next_version_records_the_day_when_nobody_had(
    session: Session, bureau: Bureau, version: ResourceVersion
) -> None:
    day = case_today(session) - timedelta(days=30)
    draft_next_version(session, bureau.compiler, version.resource_id, day)
    [change] = changes_due(session, bureau.compiler).items
    assert (change.happened_on, change.what) == (day, "")
    assert change.id in [each.id for each in overdue_changes(session, limit=200).items]


def test_only_those_who_compile_record_and_only_what_has_happened(
    session: Session, bureau: Bureau, version: ResourceVersion
) -> None:
    today, of = case_today(session), version.resource_id
    stranger = factories.official(session, factories.agency(session), Role.COMPILER)
    for actor in (stranger, bureau.reviewer):
        with pytest.raises(NotAllowed) as caught:
            record_change(session, actor, of, happened_on=today, what="变化")
        assert caught.value.refusal is not None
    for day, what in ((today + timedelta(days=1), "变化"), (today, " ")):
        with pytest.raises(InvalidInput):
            record_change(session, bureau.compiler, of, happened_on=day, what=what)
    withdraw_version(session, bureau.reviewer, version.id, reason="不再提供")
    with pytest.raises(Conflict):
        record_change(session, bureau.compiler, of, happened_on=today, what="变化")


def test_a_change_behind_the_logs_back_is_named(session: Session, bureau: Bureau, version: ResourceVersion) -> None:
    today = case_today(session)
    change = record_change(session, bureau.compiler, version.resource_id, happened_on=today, what="字段增加")
    recompute_changes(session, bureau.compiler)
    mine = select(CatalogueChange).where(CatalogueChange.id == change.id)
    compare = facts_follow_entries(
        "catalogue_change", mine, CatalogueChange.id, _CHANGES, change_facts, opener=personal_details
    )
    assert list(compare(session)) == []
    for name, value in {"what": "无", "happened_on": today - timedelta(9), "due_on": today, "closed_on": today}.items():
        with session.begin_nested() as changed:
            session.execute(update(CatalogueChange).where(CatalogueChange.id == change.id).values({name: value}))
            session.expire_all()
            assert len(list(compare(session))) == 1
            changed.rollback()
