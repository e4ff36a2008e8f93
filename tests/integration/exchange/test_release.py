"""The one door over the real database, lake and serving tables."""

import io
import json
import uuid
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.clock import case_today, system_now
from adapters.errors import Terminal
from adapters.lake import Lake
from adapters.serving import Serving, table_name
from adapters.settings import Settings
from audit.actor import Actor
from audit.append import configure
from audit.models import Evidence
from directory.datasets.models import DatasetState, DatasetVersion
from exchange import release as door
from exchange.errors import ReleaseRefused
from exchange.grants.models import Grant, ReleaseRecord
from exchange.modes import browse, files, interface
from exchange.release import Release, ReleaseRequest
from schemas.words import Mode
from tests import factories

ROWS = pa.table(
    {
        "field_1": ["a", "b", "c", "=danger"],
        "field_2": ["甲", "乙", "丙", "丁"],
        "field_3": ["13800000001", "13800000002", "13800000003", "13800000004"],
    }
)


@dataclass(frozen=True)
class Case:
    grant: Grant
    actor: Actor
    dataset: DatasetVersion

    def request(self, mode: Mode = Mode.INTERFACE, **changes: object) -> ReleaseRequest:
        values: dict[str, object] = {"actor": self.actor, "mode": mode, "purpose": "监管", "matter": "办件-1"}
        return ReleaseRequest(**{**values, **changes})  # type: ignore[arg-type]  # test values are of the fields' kinds


@pytest.fixture(autouse=True)
def _configured(settings: Settings) -> None:
    configure(settings.log_origin, settings.sealing_key)
    door.configure(b"secret of the tests")


@pytest.fixture
def case(session: Session, settings: Settings) -> Case:
    """A standing grant of two of three items, one of them masked, over four loaded rows."""
    provider, requester = factories.agency(session), factories.agency(session)
    parts = factories.items(3)
    parts[1]["masking"] = "HASH"
    version = factories.published_resource(session, provider, parts, modes=["INTERFACE", "FILES", "BROWSE", "OFFLINE"])
    dataset = DatasetVersion(
        resource_id=version.resource_id,
        resource_version_id=version.id,
        number=1,
        state=DatasetState.SERVED,
        location=f"lake/{version.resource_id}",
        rows_source=4,
        rows_read=4,
        rows_good=4,
    )
    session.add(dataset)
    session.flush()
    dataset.delta_version = Lake(settings).write(dataset.location, ROWS.to_reader())
    dataset.serving_table = table_name(dataset.id)
    Serving.of(settings).load(dataset.serving_table, ROWS.schema, ROWS.to_batches(), ["field_1"])
    grant = Grant(
        number=f"SX-{uuid.uuid4()}",
        resource_id=version.resource_id,
        resource_version_id=version.id,
        provider_id=provider.id,
        items=["field_1", "field_2"],
        modes=["INTERFACE", "FILES", "BROWSE", "OFFLINE"],
        purpose="",
        valid_from=case_today(session),
    )
    session.add(grant)
    actor = factories.official(session, requester, "REQUESTER")
    session.commit()
    return Case(grant, actor, dataset)


def kinds(session: Session) -> list[str]:
    return list(session.scalars(select(Evidence.kind).order_by(Evidence.recorded_at)))


def test_a_call_by_key_answers_granted_items_masked_and_evidenced(
    session: Session, settings: Settings, case: Case
) -> None:
    answer = interface.look_up(session, settings, case.grant.id, case.request(), {"field_1": "b"})
    body = json.loads(answer.body)
    [row] = body["rows"]
    assert set(row) == {"field_1", "field_2"}
    assert row["field_1"] == "b"
    assert row["field_2"] not in {"甲", "乙", "丙", "丁"}
    assert "13800000002" not in answer.body.decode()
    record = session.get_one(ReleaseRecord, answer.release_id)
    assert (record.state, record.rows, record.digest) == ("COMPLETED", 1, answer.sha256)
    assert kinds(session)[-1] == "release.completed"


def test_a_refusal_is_evidence_and_nothing_leaves(session: Session, settings: Settings, case: Case) -> None:
    case.grant.state, case.grant.suspended_by = "SUSPENDED", "PROVIDER"
    session.commit()
    with pytest.raises(ReleaseRefused):
        interface.look_up(session, settings, case.grant.id, case.request(), {"field_1": "b"})
    entry = session.scalars(select(Evidence).where(Evidence.kind == "release.refused")).one()
    assert json.loads(entry.body)["data"]["after"]["reason"] == "not_active"
    assert session.scalar(select(func.count()).select_from(ReleaseRecord)) == 0


@pytest.mark.parametrize("key", [{}, {"field_2": "甲"}, {"field_3": "13800000001"}, {'field_1" --': "a"}])
def test_keys_outside_the_open_items_are_refused(
    session: Session, settings: Settings, case: Case, key: dict[str, str]
) -> None:
    with pytest.raises(ReleaseRefused):
        interface.look_up(session, settings, case.grant.id, case.request(), key)


def test_browsing_goes_through_all_rows_once(session: Session, settings: Settings, case: Case) -> None:
    page = browse.page(session, settings, case.grant.id, case.request(Mode.BROWSE))
    assert [row["field_1"] for row in page.rows] == ["a", "b", "c", "=danger"]
    assert page.next_after is None
    assert all(set(row) == {"field_1", "field_2"} for row in page.rows)


def test_files_hold_granted_items_and_row_condition(session: Session, settings: Settings, case: Case) -> None:
    case.grant.row_condition = {"field": "field_3", "operator": "IN", "values": ["13800000001", "13800000004"]}
    session.commit()
    release = door.authorise(session, case.grant.id, case.request(Mode.FILES))
    sink = io.BytesIO()
    written = files.write_parquet(release, settings, sink)
    table = pq.read_table(io.BytesIO(sink.getvalue()))
    assert table.column_names == ["field_1", "field_2"]
    assert table["field_1"].to_pylist() == ["a", "=danger"]
    assert b"1380000000" not in sink.getvalue()
    door.complete(session, release, rows=written.rows, size=written.size, digest=written.sha256)
    with pytest.raises(Terminal):
        door.complete(session, release, rows=1, size=1, digest="x")
    assert kinds(session)[-2:] == ["release.authorised", "release.completed"]


def test_csv_never_starts_a_formula(session: Session, settings: Settings, case: Case) -> None:
    release = door.authorise(session, case.grant.id, case.request(Mode.FILES))
    sink = io.BytesIO()
    files.write_csv(release, settings, sink)
    assert sink.getvalue().startswith(b"\xef\xbb\xbf")
    table = pv.read_csv(io.BytesIO(sink.getvalue()[3:]))
    assert table["field_1"].to_pylist() == ["a", "b", "c", "'=danger"]


def test_a_quota_is_charged_given_back_and_never_passed(session: Session, settings: Settings, case: Case) -> None:
    case.grant.quota_rows = 3
    session.commit()
    release = door.authorise(session, case.grant.id, case.request(Mode.FILES))
    with pytest.raises(ReleaseRefused):
        door.authorise(session, case.grant.id, case.request(Mode.FILES))
    written = files.write_parquet(release, settings, io.BytesIO())
    assert written.rows == 3
    door.complete(session, release, rows=2, size=1, digest="d")
    assert session.get_one(Grant, case.grant.id, populate_existing=True).used_rows == 2
    interface.look_up(session, settings, case.grant.id, case.request(), {"field_1": "b"})
    with pytest.raises(ReleaseRefused):
        interface.look_up(session, settings, case.grant.id, case.request(), {"field_1": "b"})


def test_a_door_left_open_is_marked_unknown(session: Session, case: Case) -> None:
    release = door.authorise(session, case.grant.id, case.request(Mode.FILES))
    assert door.sweep_open(session) == 0
    assert door.sweep_open(session, open_for=timedelta(seconds=-1)) == 1
    session.commit()
    assert session.get_one(ReleaseRecord, release.id, populate_existing=True).state == "UNKNOWN"
    assert kinds(session)[-1] == "release.unknown"


def test_nobody_else_makes_a_release(session: Session, case: Case) -> None:
    made = door.check(session, case.grant.id, case.request())
    with pytest.raises(Terminal):
        Release(**{name: getattr(made, name) for name in Release.__dataclass_fields__ if name != "seal"})


def test_expiry_follows_the_case_clock(session: Session, settings: Settings, case: Case) -> None:
    case.grant.valid_to = case_today(session)
    session.commit()
    assert door.check(session, case.grant.id, case.request()).row_limit is None
    case.grant.valid_from = case.grant.valid_to = case_today(session) - timedelta(days=1)
    session.commit()
    with pytest.raises(ReleaseRefused):
        door.check(session, case.grant.id, case.request())
    assert system_now() >= case.grant.created_at
