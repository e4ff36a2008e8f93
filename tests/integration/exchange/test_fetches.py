"""Fetches name the delivery whose bytes they were: as the migration fills it in, and as their entries state it."""

import importlib

import pytest
from sqlalchemy import create_engine, select, text, update
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from audit.reconcile import Reconciler
from exchange import release as door
from exchange.deliveries.models import Delivery
from exchange.grants.models import Grant, ReleaseRecord
from schemas.words import Mode
from tests.integration.exchange.conftest import Case
from tests.integration.exchange.test_deliveries import asked, loaded
from tests.integration.exchange.test_reconcilers import named, registered

__all__ = ["registered"]

_MIGRATION = "portal.migrations.versions.0034_what_entries_and_releases_are_found_by"


def fetches(case: Case) -> list[tuple[ReleaseRecord, Delivery | None]]:
    """A release of data and one fetch of each of two deliveries, with the delivery of each; committed."""
    dataset = loaded(case)
    dataset.rows_source = dataset.rows_read = dataset.rows_good = 10
    case.session.add(dataset)
    application = case.granted(["ask_2"])
    grant = case.session.scalars(select(Grant).where(Grant.application_id == application.id)).one()
    deliveries = [None, asked(case, grant), asked(case, grant)]
    request = door.ReleaseRequest(case.asks, Mode.FILES, grant.purpose, "办件-1")
    found = []
    for delivery in deliveries:
        stored = door.StoredBytes(delivery.id, dataset.id, "deliveries/x", 0, 1, 1) if delivery else None
        release = door.authorise(case.session, grant.id, request, stored=stored)
        found.append((case.session.get_one(ReleaseRecord, release.id), delivery))
    case.session.commit()
    return found


@pytest.mark.parametrize("falsified", [b"no JSON", b"\xff\xfe", b'{"data":{"after":{"delivery":"\\u0000"}}}', b"[]"])
def test_the_migration_names_the_delivery_of_each_fetch_whatever_other_texts_are(
    committed_case: Case, fresh: dict[str, str], falsified: bytes
) -> None:
    made = fetches(committed_case)
    expected = {record.id: delivery.id if delivery else None for record, delivery in made}
    unreadable, changed = made[0][0].evidence_id, made[2][0].id
    damaged = text("UPDATE evidence_text SET body = :body WHERE evidence_id = :entry")
    with Session(create_engine(fresh["SHUNIU_DATABASE_URL"], poolclass=NullPool)) as owner:
        owner.execute(update(ReleaseRecord).values(delivery_id=None))
        owner.execute(damaged, {"body": falsified, "entry": unreadable})
        owner.execute(text(importlib.import_module(_MIGRATION)._FILL))
        rows = select(ReleaseRecord.id, ReleaseRecord.delivery_id)
        assert {row.id: row.delivery_id for row in owner.execute(rows)} == expected
        owner.execute(update(ReleaseRecord).values(delivery_id=None))
        owner.execute(damaged, {"body": falsified, "entry": made[2][0].evidence_id})
        owner.execute(text(importlib.import_module(_MIGRATION)._FILL))
        assert {row.id: row.delivery_id for row in owner.execute(rows)} == {**expected, changed: None}


def test_another_delivery_than_the_entrys_is_named(case: Case, registered: dict[str, Reconciler]) -> None:
    (whole, _none), (first, one), (second, _other) = fetches(case)
    assert one is not None
    assert named(case, registered) == {}
    for release in (whole, second):  # invented, and another's
        before = release.delivery_id
        release.delivery_id = one.id
        [found] = named(case, registered)["release-content"]
        assert (found.subject, found.found) == (f"release/{release.id}", str(one.id))
        assert found.expected == str(before)
        release.delivery_id = before
    first.delivery_id = None
    assert named(case, registered) == {}, "as of fetches whose texts lay in archives before rows named their delivery"
