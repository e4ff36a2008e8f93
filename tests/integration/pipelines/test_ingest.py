"""Loading a source into the lake and the serving database."""

import io
import uuid
from datetime import date
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
import pyarrow.parquet as pq
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.database import transaction
from adapters.errors import Conflict, NotAllowed, Terminal, Transient
from adapters.lake import Lake
from adapters.objects import objects
from adapters.serving import Serving, plain_url
from adapters.work import Work
from audit.actor import HUB, Actor
from audit.models import Evidence
from directory.catalogue.models import Resource
from directory.datasets.models import DatasetState
from directory.systems.models import SystemAddress
from pipelines.ingest import commit, plan
from pipelines.ingest.load import load_now
from pipelines.ingest.request import request_load
from pipelines.steps import run_step
from tests import factories
from tests.integration.pipelines.conftest import COLUMNS, Hub

GOOD = [(f"C{i:03}", f"企业{i}", f"{i}.5", f"2001-01-{i % 28 + 1:02}") for i in range(40)]
BAD: list[tuple[Any, ...]] = [
    ("C900", None, "1", "2001-01-01"),
    ("C901", "甲", "many", "2001-01-01"),
    ("C902", "甲", "1", "2001-02-30"),
    ("C0000000902", "甲", "1", "2001-02-03"),
    (None, "甲", "1", "2001-02-03"),
    ("C007", "again", "1", "2001-02-03"),
]
REASONS = {
    "name:REQUIRED": 1,
    "capital:TYPE": 1,
    "founded:TYPE": 1,
    "code:TOO_LONG": 1,
    "code:REQUIRED": 1,
    "code:DUPLICATE": 1,
}


def compiler(session: Session, resource_id: uuid.UUID) -> Actor:
    """Somebody of the resource's agency who may load it."""
    return factories.official(session, session.get_one(Resource, resource_id).agency, "COMPILER")


def rows_in_lake(hub: Hub, work_id: uuid.UUID) -> list[dict[str, Any]]:
    dataset = hub.dataset(work_id)
    assert dataset.delta_version is not None
    names = ["code", "name", "capital", "founded"]
    rows: list[dict[str, Any]] = (
        Lake(hub.settings).scan(dataset.location, dataset.delta_version, names).read_all().to_pylist()
    )
    return rows


def set_aside(hub: Hub, work_id: uuid.UUID) -> list[dict[str, Any]]:
    key = hub.dataset(work_id).set_aside_location
    assert key is not None
    content = b"".join(objects(hub.settings).chunks(key))
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(content)).to_pylist()
    return rows


def change(hub: Hub, config: dict[str, Any], statement: LiteralString) -> None:
    """Change the table of a source, whose name stands for ``{}``."""
    with psycopg.connect(plain_url(hub.settings.database_url)) as connection:
        connection.execute(SQL(statement).format(Identifier(config["schema"], "entity")))


def kinds(hub: Hub) -> list[str]:
    with transaction(hub.settings.app_database_url) as session:
        return list(session.scalars(select(Evidence.kind).order_by(Evidence.recorded_at)))


def test_a_table_is_loaded_typed_counted_and_its_bad_rows_set_aside(hub: Hub) -> None:
    work_id = hub.attach(hub.resource(), hub.table(GOOD + BAD))
    load_now(hub.settings, work_id)
    dataset = hub.dataset(work_id)
    assert (dataset.state, dataset.number, dataset.serving_table) == (DatasetState.READY, 1, None)
    assert (dataset.rows_source, dataset.rows_read, dataset.rows_good, dataset.rows_set_aside) == (46, 46, 40, 6)
    assert dataset.set_aside_reasons == REASONS
    assert len(dataset.digest) == 64
    rows = rows_in_lake(hub, work_id)
    assert [row["code"] for row in rows] == [row[0] for row in GOOD]
    assert rows[3] == {"code": "C003", "name": "企业3", "capital": Decimal("3.50"), "founded": date(2001, 1, 4)}
    aside = {row["_row"]: row for row in set_aside(hub, work_id)}
    assert set(aside) == set(range(40, 46))
    assert (aside[41]["_reasons"], aside[41]["capital"]) == (["capital:TYPE"], "many")
    assert (aside[45]["_reasons"], aside[45]["name"]) == (["code:DUPLICATE"], "again")
    assert kinds(hub).count("dataset.loaded") == 1


def test_native_types_and_others_arrive_alike(hub: Hub) -> None:
    rows = [("a", "甲", "12.30", "2001-02-03"), ("b", "乙", None, None)]
    texts = hub.attach(hub.resource(), hub.table(rows))
    typed = hub.attach(hub.resource(), hub.table(rows, "varchar(9), name, numeric, date"))
    for work_id in (texts, typed):
        load_now(hub.settings, work_id)
    assert rows_in_lake(hub, texts) == rows_in_lake(hub, typed)
    assert hub.dataset(texts).digest == hub.dataset(typed).digest


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_file_is_loaded_and_lines_that_are_no_rows_are_set_aside(hub: Hub, encoding: str) -> None:
    lines = ["编码,name,capital,founded,unused", *(",".join([*row, "x"]) for row in GOOD)]
    lines += ['C100,"两\n行",1,2001-01-01,x', "C101,太短", "", ",,,,"]
    work_id = hub.attach(hub.resource(), hub.file("\r\n".join(lines).encode(encoding), encoding))
    load_now(hub.settings, work_id)
    dataset = hub.dataset(work_id)
    assert (dataset.rows_source, dataset.rows_good, dataset.rows_set_aside) == (43, 41, 2)
    assert dataset.set_aside_reasons == {"code:REQUIRED": 1, "name:REQUIRED": 1, "_row:COLUMNS": 1}
    assert rows_in_lake(hub, work_id)[-1]["name"] == "两\n行"
    assert [row["_text"] for row in set_aside(hub, work_id) if row["_text"]] == ["C101,太短"]


def test_an_interface_gets_a_table_that_says_the_same(hub: Hub) -> None:
    work_id = hub.attach(hub.resource(["INTERFACE", "FILES"]), hub.table(GOOD + BAD))
    assert load_now(hub.settings, work_id)["served"] == 40
    dataset = hub.dataset(work_id)
    assert dataset.state == DatasetState.SERVED
    assert dataset.serving_table
    serving = Serving.of(hub.settings)
    names = ["code", "name", "capital", "founded"]
    assert [row for _, row in serving.browse(dataset.serving_table, names, {}, 100, None)] == rows_in_lake(hub, work_id)
    assert serving.look_up(dataset.serving_table, ["name"], {"code": "C007"}, {}, 5) == [{"name": "企业7"}]
    assert "dataset.served" in kinds(hub)


def test_a_version_is_not_offered_before_its_table_stands(hub: Hub) -> None:
    work_id = hub.attach(hub.resource(["INTERFACE"]), hub.table(GOOD))
    for part in run_step(hub.settings, "plan", work_id)["parts"]:
        run_step(hub.settings, "part", uuid.UUID(part))
    run_step(hub.settings, "commit", work_id)
    assert hub.dataset(work_id).state == DatasetState.LOADING
    run_step(hub.settings, "serve", work_id)
    assert hub.dataset(work_id).state == DatasetState.SERVED


def test_partitions_hold_every_row_once_and_repeated_keys_between_them_are_found(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PART_ROWS", 10)
    late = [("C001", f"again {i}", str(i), "2001-01-01") for i in (30, 31)]
    config = hub.table(GOOD + late + [("C800", "无", None, None)]) | {"partition_column": "capital"}
    work_id = hub.attach(hub.resource(), config)
    assert len(run_step(hub.settings, "plan", work_id)["parts"]) == 5
    load_now(hub.settings, work_id)
    dataset = hub.dataset(work_id)
    assert (dataset.rows_source, dataset.rows_good, dataset.rows_set_aside) == (43, 41, 2)
    codes = [row["code"] for row in rows_in_lake(hub, work_id)]
    assert sorted(codes) == sorted([*(row[0] for row in GOOD), "C800"])
    assert dataset.set_aside_reasons == {"code:DUPLICATE": 2}
    assert len(set_aside(hub, work_id)) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET code = 'A' || code WHERE code = 'C039'",
        "UPDATE {} SET name = '改名' WHERE code = 'C001'",
        "INSERT INTO {} VALUES ('A1', '新', '1', '2001-01-01')",
        "WITH gone AS (DELETE FROM {} WHERE code = 'C039' RETURNING *) INSERT INTO {} SELECT 'A1', name FROM gone",
    ],
)
def test_a_source_that_changes_between_its_parts_is_read_again_as_it_is_at_one_moment(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, statement: LiteralString
) -> None:
    monkeypatch.setattr(plan, "PART_ROWS", 10)
    config = hub.table(GOOD) | {"partition_column": "编码"}
    change(hub, config, "ALTER TABLE {} RENAME COLUMN 编码 TO code")
    config["columns"], config["partition_column"] = {name: name for name in COLUMNS}, "code"
    work_id = hub.attach(hub.resource(), config)
    parts = run_step(hub.settings, "plan", work_id)["parts"]
    assert len(parts) == 4
    for number, part in enumerate(parts):
        run_step(hub.settings, "part", uuid.UUID(part))
        if number == 1:
            change(hub, config, statement.replace("{}", "{0}"))
    load_now(hub.settings, work_id)
    with psycopg.connect(plain_url(hub.settings.database_url)) as connection:
        table = Identifier(config["schema"], "entity")
        held = connection.execute(SQL("SELECT code, name FROM {} ORDER BY 1").format(table)).fetchall()
    assert sorted((row["code"], row["name"]) for row in rows_in_lake(hub, work_id)) == held
    dataset = hub.dataset(work_id)
    assert (dataset.rows_source, dataset.rows_good) == (len(held), len(held))
    assert len(list(objects(hub.settings).keys(f"{dataset.location}/parts/"))) == 1


def test_what_was_decided_about_the_moment_stays_when_commit_is_repeated(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PART_ROWS", 10)
    config = hub.table(GOOD) | {"partition_column": "capital"}
    work_id = hub.attach(hub.resource(), config)
    for part in run_step(hub.settings, "plan", work_id)["parts"]:
        run_step(hub.settings, "part", uuid.UUID(part))

    def breaks_off(*_: object) -> None:
        raise Transient("test.broken", "Broken off.")

    with monkeypatch.context() as broken:
        broken.setattr(commit, "_load", breaks_off)
        with pytest.raises(Transient):
            run_step(hub.settings, "commit", work_id)
    change(hub, config, "TRUNCATE {}")
    load_now(hub.settings, work_id)
    assert hub.dataset(work_id).rows_good == len(rows_in_lake(hub, work_id)) == 40


def test_a_view_is_not_divided(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "PART_ROWS", 10)
    config = hub.table(GOOD) | {"partition_column": "capital"}
    change(hub, config, "ALTER TABLE {} RENAME TO kept")
    with psycopg.connect(plain_url(hub.settings.database_url)) as connection:
        names = Identifier(config["schema"], "entity"), Identifier(config["schema"], "kept")
        connection.execute(SQL("CREATE VIEW {} AS SELECT * FROM {}").format(*names))
    work_id = hub.attach(hub.resource(), config)
    assert len(run_step(hub.settings, "plan", work_id)["parts"]) == 1
    load_now(hub.settings, work_id)
    assert hub.dataset(work_id).rows_good == 40


def test_doing_every_step_twice_changes_nothing(hub: Hub) -> None:
    work_id = hub.attach(hub.resource(["BROWSE"]), hub.table(GOOD + BAD))
    planned = [run_step(hub.settings, "plan", work_id) for _ in range(2)]
    assert planned[0] == planned[1]
    for part in planned[0]["parts"] * 2:
        run_step(hub.settings, "part", uuid.UUID(part))
    assert run_step(hub.settings, "commit", work_id) == run_step(hub.settings, "commit", work_id)
    version = hub.dataset(work_id).delta_version
    assert run_step(hub.settings, "serve", work_id) == run_step(hub.settings, "serve", work_id)
    assert run_step(hub.settings, "commit", work_id)["served"] == 40
    assert hub.dataset(work_id).delta_version == version
    assert kinds(hub).count("dataset.loaded") == 1
    assert kinds(hub).count("dataset.served") == 1
    assert len(rows_in_lake(hub, work_id)) == 40


def test_the_next_load_is_a_version_of_its_own_and_the_last_stays_readable(hub: Hub) -> None:
    resource_id = hub.resource()
    first = hub.attach(resource_id, config := hub.table(GOOD))
    load_now(hub.settings, first)
    change(hub, config, "DELETE FROM {} WHERE capital < '2'")
    with transaction(hub.settings.app_database_url) as session:
        second = request_load(session, compiler(session, resource_id), resource_id).id
    load_now(hub.settings, second)
    assert hub.dataset(second).number == 2
    assert len(rows_in_lake(hub, first)) == 40
    assert len(rows_in_lake(hub, second)) == hub.dataset(second).rows_good < 40


def test_a_source_without_one_good_row_does_not_replace_good_data(hub: Hub) -> None:
    work_id = hub.attach(hub.resource(), hub.table(BAD[:3]))
    with pytest.raises(Terminal) as error:
        load_now(hub.settings, work_id)
    assert error.value.code == "ingest.no_good_rows"
    assert hub.dataset(work_id).state == DatasetState.FAILED
    assert len(set_aside(hub, work_id)) == 3
    assert "dataset.load_failed" in kinds(hub)
    with pytest.raises(Terminal):
        run_step(hub.settings, "commit", work_id)


def test_a_source_without_any_row_does_not_replace_good_data(hub: Hub) -> None:
    resource_id = hub.resource(["BROWSE"])
    first = hub.attach(resource_id, config := hub.table(GOOD))
    load_now(hub.settings, first)
    change(hub, config, "TRUNCATE {}")
    with transaction(hub.settings.app_database_url) as session:
        second = request_load(session, compiler(session, resource_id), resource_id).id
    with pytest.raises(Terminal) as error:
        load_now(hub.settings, second)
    assert error.value.code == "ingest.no_rows"
    assert hub.dataset(second).state == DatasetState.FAILED
    assert hub.dataset(first).state == DatasetState.SERVED


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (
            {"columns": {"code": "nothing", "name": "name", "capital": "capital", "founded": "founded"}},
            "missing_columns",
        ),
        ({"table": "nowhere"}, "no_table"),
        ({"database": "nowhere"}, "unreachable"),
    ],
)
def test_a_source_that_is_not_as_configured_is_said_so(hub: Hub, change: dict[str, Any], code: str) -> None:
    work_id = hub.attach(hub.resource(), hub.table(GOOD) | change)
    with pytest.raises((Terminal, Transient)) as error:
        load_now(hub.settings, work_id)
    assert error.value.code == f"source.{code}"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xfe\x00", "not_csv"),
        (b"code,name\n1,2\n", "missing_columns"),
        (b"", "not_csv"),
    ],
)
def test_a_file_that_is_no_table_is_said_so(hub: Hub, content: bytes, code: str) -> None:
    work_id = hub.attach(hub.resource(), hub.file(content))
    with pytest.raises(Terminal) as error:
        load_now(hub.settings, work_id)
    assert error.value.code == f"source.{code}"
    assert str(error.value)


def test_a_file_changed_after_it_was_attached_is_refused(hub: Hub) -> None:
    config = hub.file("编码,name,capital,founded\na,甲,1,2001-01-01\n".encode())
    work_id = hub.attach(hub.resource(), config | {"sha256": "0" * 64})
    with pytest.raises(Terminal) as error:
        load_now(hub.settings, work_id)
    assert error.value.code == "source.changed"


def test_an_address_that_left_the_register_is_not_called(hub: Hub) -> None:
    work_id = hub.attach(hub.resource(), hub.table(GOOD))
    with transaction(hub.settings.app_database_url) as session:
        session.query(SystemAddress).delete()
    with pytest.raises(NotAllowed):
        run_step(hub.settings, "plan", work_id)
    with transaction(hub.settings.app_database_url) as session:
        refused = session.scalars(select(Evidence).where(Evidence.outcome == "REFUSED")).one()
        assert refused.kind == "source.attached"


def test_commit_waits_for_its_parts_and_a_failure_that_may_pass_waits_too(hub: Hub) -> None:
    work_id = hub.attach(hub.resource(), hub.table(GOOD))
    run_step(hub.settings, "plan", work_id)
    with pytest.raises(Transient):
        run_step(hub.settings, "commit", work_id)
    with transaction(hub.settings.app_database_url) as session:
        work = session.get_one(Work, work_id)
        assert (work.state, work.attempts) == ("WAITING", 1)
        assert "partitions" in work.problem
    load_now(hub.settings, work_id)
    assert hub.dataset(work_id).state == DatasetState.READY


def test_only_one_load_of_a_resource_is_under_way(hub: Hub) -> None:
    resource_id = hub.resource()
    with transaction(hub.settings.app_database_url) as session, pytest.raises(Conflict):
        request_load(session, compiler(session, resource_id), resource_id)
    first = hub.attach(resource_id, hub.table(GOOD))
    with transaction(hub.settings.app_database_url) as session:
        assert request_load(session, compiler(session, resource_id), resource_id).id == first
        with pytest.raises(NotAllowed):
            request_load(session, HUB, resource_id)
