"""The one door over the real database, lake and serving tables."""

import base64
import io
import json
import uuid
from dataclasses import dataclass, replace
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
from adapters.paging import UnknownPlace
from adapters.serving import Serving, table_name
from adapters.settings import Settings
from audit.actor import Actor
from audit.append import configure, configured
from audit.models import Evidence, EvidencePersonal
from audit.personal import details_of
from directory.catalogue.models import DataItem, ResourceVersion
from directory.datasets.models import DatasetState, DatasetVersion
from exchange import release as door
from exchange.errors import ReleaseRefused
from exchange.grants.models import Grant, ReleaseRecord
from exchange.masking import mask
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
    rows = json.dumps(page.rows, ensure_ascii=False, separators=(",", ":")).encode()
    record = session.get_one(ReleaseRecord, page.release_id)
    assert (record.rows, record.bytes) == (4, len(rows)), "what the digest has besides does not leave"
    stated = json.loads(session.get_one(Evidence, record.evidence_id).body)["data"]["after"]
    assert (stated["bytes"], stated["digest"]) == (record.bytes, record.digest)


def test_files_hold_granted_items_and_row_condition(session: Session, settings: Settings, case: Case) -> None:
    case.grant.row_condition = {"field": "field_3", "operator": "IN", "values": ["13800000001", "13800000004"]}
    session.commit()
    release = door.authorise(session, case.grant.id, case.request(Mode.FILES))
    sink = io.BytesIO()
    written = files.write_parquet(release, settings, sink)
    table = pq.read_table(io.BytesIO(sink.getvalue()))
    assert table.column_names == ["field_1", "field_2"]
    assert table["field_1"].to_pylist() == ["a", "=danger"]
    clear = set(ROWS["field_2"].to_pylist()) | set(ROWS["field_3"].to_pylist())
    assert clear.isdisjoint(value for column in table.columns for value in column.to_pylist())
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


def test_nobody_else_makes_or_widens_a_release(session: Session, case: Case) -> None:
    made = door.check(session, case.grant.id, case.request(items=("field_1",)))
    parts = {name: getattr(made, name) for name in Release.__dataclass_fields__ if name != "seal"}
    with pytest.raises(Terminal):
        Release(**parts, seal=object())
    with pytest.raises((TypeError, ValueError)):
        replace(made, items=made.terms.items, row_limit=None)  # type: ignore[call-arg]  # mypy sees it too
    assert not [value for value in vars(made).values() if value is door._SEAL]


def test_a_load_that_is_not_served_yet_shuts_no_interface(session: Session, settings: Settings, case: Case) -> None:
    newer = DatasetVersion(
        resource_id=case.dataset.resource_id,
        resource_version_id=case.dataset.resource_version_id,
        number=2,
        state=DatasetState.READY,
        location=case.dataset.location,
        delta_version=case.dataset.delta_version,
    )
    session.add(newer)
    session.commit()
    answer = interface.look_up(session, settings, case.grant.id, case.request(), {"field_1": "b"})
    assert (answer.rows, json.loads(answer.body)["dataset_version"]) == (1, 1)
    assert len(base64.urlsafe_b64decode(json.loads(answer.body)["nonce"])) == 16, "its digest cannot be guessed"
    assert browse.page(session, settings, case.grant.id, case.request(Mode.BROWSE)).dataset_number == 1
    assert door.check(session, case.grant.id, case.request(Mode.FILES)).terms.dataset_number == 2


@pytest.mark.parametrize(
    ("granted", "in_force", "applied"),
    [
        (None, "HASH", "HASH"),
        ("HASH", None, "HASH"),
        ("HASH", "KEEP_LAST_4", "HASH"),
        ("KEEP_LAST_4", "HASH", "HASH"),
        ("KEEP_LAST_4", "KEEP_LAST_4", "KEEP_LAST_4"),
    ],
)
def test_a_masking_of_the_version_in_force_reaches_living_grants(
    session: Session, settings: Settings, case: Case, granted: str | None, in_force: str | None, applied: str
) -> None:
    parts = factories.items(2)
    parts[1]["masking"] = granted
    first = factories.published_resource(session, factories.agency(session), parts, modes=["INTERFACE"])
    case.dataset.resource_id = case.grant.resource_id = first.resource_id
    case.dataset.resource_version_id = case.grant.resource_version_id = first.id
    session.flush()
    first.state = "SUPERSEDED"
    session.flush()
    columns = [column.key for column in ResourceVersion.__table__.columns if column.key not in ("id", "lock_version")]
    second = ResourceVersion(**{name: getattr(first, name) for name in columns} | {"number": 2, "state": "PUBLISHED"})
    parts[1]["masking"] = in_force
    second.items = [DataItem(**part) for part in parts[1:]]
    session.add(second)
    session.commit()
    answer = interface.look_up(session, settings, case.grant.id, case.request(), {"field_1": "b"})
    [row] = json.loads(answer.body)["rows"]
    release = door.check(session, case.grant.id, case.request())
    assert {item.field_name: item.masking for item in release.items} == {"field_1": None, "field_2": applied}
    assert row == {"field_1": "b", "field_2": mask("乙", applied, release.masking_key)}


def test_browsing_goes_on_by_places_that_tell_no_number(session: Session, settings: Settings, case: Case) -> None:
    many = pa.table({name: [f"{name}-{n}" for n in range(120)] for name in ("field_1", "field_2", "field_3")})
    case.dataset.serving_table = f"{table_name(case.dataset.id)}_b"
    Serving.of(settings).load(case.dataset.serving_table, many.schema, many.to_batches(), ["field_1"])
    session.commit()
    asked, seen = case.request(Mode.BROWSE), []
    places: list[str | None] = [None]
    for _ in range(3):
        found = browse.page(session, settings, case.grant.id, asked, places[-1])
        seen += [row["field_1"] for row in found.rows]
        places.append(found.next_after)
    assert places[-1] is None
    assert seen == [f"field_1-{n}" for n in range(120)]
    again = browse.page(session, settings, case.grant.id, asked).next_after
    assert again is not None
    assert again != places[1]
    changed = again[:-6] + ("A" if again[-6] != "A" else "B") + again[-5:]
    for wrong in ("49", "x" * 200, changed, "\ud800", base64.urlsafe_b64encode((49).to_bytes(36, "big")).decode()):
        with pytest.raises(UnknownPlace):
            browse.page(session, settings, case.grant.id, asked, wrong)
    other = replace(asked, actor=factories.official(session, factories.agency(session), "REQUESTER"))
    with pytest.raises(UnknownPlace):
        browse.page(session, settings, case.grant.id, other, again)


def test_entries_name_shapes_and_hide_values(session: Session, settings: Settings, case: Case) -> None:
    case.grant.row_condition = {"field": "field_3", "operator": "IN", "values": ["13800000001", "13800000002"]}
    session.commit()
    interface.look_up(session, settings, case.grant.id, case.request(), {"field_1": "a"})
    asked = case.request(items=("field_1", "field_3", "110101199003078515"))
    with pytest.raises(ReleaseRefused):
        interface.look_up(session, settings, case.grant.id, asked, {"field_1": "a"})
    done, refused = session.scalars(select(Evidence).order_by(Evidence.recorded_at))
    for entry in (done, refused):
        assert not any(
            secret in entry.body
            for secret in (b"1380000000", b"110101199003078515", *map(str.encode, ("监管", "办件")))
        )
    condition = json.loads(done.body)["data"]["after"]["row_condition"]
    assert condition == {"field": "field_3", "operator": "IN", "values": 2}
    after = json.loads(refused.body)["data"]["after"]
    assert (after["items"], after["other_items"]) == (["field_1", "field_3"], 1)
    beside = session.get_one(EvidencePersonal, done.id)
    assert beside.wrapped_key
    opened = details_of(configured().seal.open(done.id, beside.wrapped_key, beside.ciphertext))
    assert opened["row_condition_values"] == ["13800000001", "13800000002"]


def test_expiry_follows_the_case_clock(session: Session, settings: Settings, case: Case) -> None:
    case.grant.valid_to = case_today(session)
    session.commit()
    assert door.check(session, case.grant.id, case.request()).row_limit is None
    case.grant.valid_from = case.grant.valid_to = case_today(session) - timedelta(days=1)
    session.commit()
    with pytest.raises(ReleaseRefused):
        door.check(session, case.grant.id, case.request())
    assert system_now() >= case.grant.created_at
