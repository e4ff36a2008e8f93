"""Loaded data compared with the log: nothing differs after a load, and every forgery shows."""

from typing import LiteralString

import pytest
from psycopg.sql import SQL

from adapters.database import transaction
from adapters.services.databases import connect
from audit.reconcile import Reconciler
from pipelines import reconcilers
from pipelines.ingest.load import load_now
from tests.integration.pipelines.conftest import Hub

ROWS = [(f"C{number:03}", "名称", "1.5", "2001-01-02") for number in range(10)]


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Reconciler]:
    """The reconcilers of this room, and no other's."""
    found: dict[str, Reconciler] = {}
    monkeypatch.setattr(reconcilers, "register", found.__setitem__)
    reconcilers.register_reconcilers()
    return found


def differences(hub: Hub, registered: dict[str, Reconciler]) -> set[str]:
    with transaction(hub.settings.app_database_url) as session:
        return {name for name, check in registered.items() if list(check(session))}


@pytest.fixture
def loaded(hub: Hub) -> Hub:
    for modes in (["FILES"], ["INTERFACE"]):
        load_now(hub.settings, hub.attach(hub.resource(modes), hub.table(ROWS)))
    hub.attach(hub.resource(), hub.table(ROWS))  # asked for, and not loaded yet
    return hub


def test_nothing_differs_after_loads(loaded: Hub, registered: dict[str, Reconciler]) -> None:
    assert differences(loaded, registered) == set()


@pytest.mark.parametrize(
    ("forgery", "found"),
    [
        ("UPDATE dataset_version SET digest = 'other' WHERE number = 1", {"dataset-content"}),
        ("UPDATE dataset_version SET location = 'lake/another'", {"dataset-content"}),
        ("UPDATE dataset_version SET set_aside_location = 'another'", {"dataset-content"}),
        ("""UPDATE dataset_version SET set_aside_reasons = '{"another": 1}'""", {"dataset-content"}),
        ("UPDATE dataset_version SET state = 'FAILED'", {"dataset-state"}),
        ("UPDATE dataset_version SET rows_read = rows_read + 1, rows_good = rows_good + 1", {"dataset-content"}),
        ("UPDATE dataset_version SET delta_version = NULL", {"dataset-entries"}),
        ("UPDATE dataset_version SET serving_table = 'another'", {"dataset-served"}),
        (
            "UPDATE dataset_version SET id = gen_random_uuid()",
            {"dataset", "dataset-entries", "dataset-served", "dataset-state"},
        ),
    ],
)
def test_every_forgery_shows(
    loaded: Hub, registered: dict[str, Reconciler], forgery: LiteralString, found: set[str]
) -> None:
    with connect(loaded.settings.database_url) as owner:
        owner.execute(SQL(forgery))
    assert differences(loaded, registered) == found
