"""Delta tables on a real object store."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from adapters.errors import InvalidInput, NotFound
from adapters.lake import Lake
from adapters.objects import objects
from adapters.parquet import Part, PartWriter
from adapters.settings import Settings

SCHEMA = pa.schema(
    [
        ("code", pa.string()),
        ("number", pa.int64()),
        ("capital", pa.decimal128(20, 2)),
        ("founded", pa.date32()),
        ("changed", pa.timestamp("us", "UTC")),
        ("note", pa.string()),
    ]
)


def rows(first: int, last: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(
        [
            {
                "code": f"{310000 + i % 7}-{i}",
                "number": i,
                "capital": Decimal(i) / 4,
                "founded": date(2001, 1, 1 + i % 28),
                "changed": datetime(2026, 1, 1, tzinfo=UTC),
                "note": None,
            }
            for i in range(first, last)
        ],
        SCHEMA,
    )


@pytest.fixture
def lake(settings: Settings) -> Lake:
    objects(settings).ensure_bucket()
    return Lake(settings)


@pytest.fixture
def location() -> str:
    return f"lake/{uuid.uuid4()}"


def stored(lake: Lake, location: str, path: str, batch: pa.RecordBatch) -> Part:
    writer = PartWriter(batch.schema)
    writer.write(batch)
    content, part = writer.close(path)
    lake.store(location, content, part)
    return part


def test_files_become_a_version_at_once_and_keep_load_order(lake: Lake, location: str) -> None:
    parts = [stored(lake, location, f"parts/w/{n}.parquet", rows(n * 10, n * 10 + 10)) for n in (1, 0)]
    version = lake.commit(location, SCHEMA, parts, work_id="w")
    assert lake.count(location, version) == 20
    table = lake.scan(location, version, ["number", "capital"]).read_all()
    assert table["number"].to_pylist() == list(range(20))
    assert table.schema.names == ["number", "capital"]
    assert table["capital"][3].as_py() == Decimal("0.75")
    assert lake.schema(location, version).equals(SCHEMA)


def test_a_commit_repeated_for_the_same_work_changes_nothing(lake: Lake, location: str) -> None:
    part = stored(lake, location, "parts/w/0.parquet", rows(0, 5))
    first = lake.commit(location, SCHEMA, [part], work_id="w")
    later = lake.commit(location, SCHEMA, [stored(lake, location, "parts/x/0.parquet", rows(0, 3))], work_id="x")
    assert lake.commit(location, SCHEMA, [part], work_id="w") == first
    assert (lake.count(location, first), lake.count(location, later)) == (5, 3)


def test_commits_of_several_at_once_are_all_kept(lake: Lake, location: str) -> None:
    lake.commit(location, SCHEMA, [], work_id="first")
    names = [f"w{n}" for n in range(4)]
    parts = [stored(lake, location, f"parts/{name}/0.parquet", rows(0, n + 1)) for n, name in enumerate(names)]
    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(lambda n: lake.commit(location, SCHEMA, [parts[n]], work_id=names[n]), range(4)))
    assert len(set(versions)) == 4
    assert [lake.count(location, version) for version in versions] == [1, 2, 3, 4]


def test_an_older_version_stays_readable_with_its_own_columns(lake: Lake, location: str) -> None:
    old = lake.commit(location, SCHEMA, [stored(lake, location, "parts/a/0.parquet", rows(0, 4))], work_id="a")
    fewer = rows(0, 2).select(["code", "number"])
    new = lake.commit(location, fewer.schema, [stored(lake, location, "parts/b/0.parquet", fewer)], work_id="b")
    assert lake.scan(location, old, ["note", "code"]).read_all().num_rows == 4
    assert lake.schema(location, new).names == ["code", "number"]


@pytest.mark.parametrize(
    ("field", "operator", "values", "expected"),
    [
        ("code", "EQUALS", ["310003-3"], [3]),
        ("code", "PREFIX", ["310001-", "310002-"], [1, 2, 8, 9, 15, 16]),
        ("number", "IN", ["4", "6", "400"], [4, 6]),
        ("capital", "EQUALS", ["1.25"], [5]),
        ("founded", "EQUALS", ["2001-01-08"], [7]),
        ("note", "EQUALS", ["x"], []),
    ],
)
def test_a_condition_lets_its_rows_alone_through(
    lake: Lake, location: str, field: str, operator: str, values: list[str], expected: list[int]
) -> None:
    version = lake.commit(location, SCHEMA, [stored(lake, location, "parts/a/0.parquet", rows(0, 20))], work_id="a")
    condition = {"field": field, "operator": operator, "values": values}
    assert lake.scan(location, version, ["number"], condition).read_all()["number"].to_pylist() == expected
    assert lake.count(location, version, condition) == len(expected)


@pytest.mark.parametrize(
    "condition",
    [
        {"field": "nothing", "operator": "EQUALS", "values": ["1"]},
        {"field": "number", "operator": "EQUALS", "values": ["one"]},
        {"field": "number", "operator": "PREFIX", "values": ["1"]},
        {"field": "code", "operator": "LIKE", "values": ["1"]},
        {"field": "code", "operator": "EQUALS", "values": []},
    ],
)
def test_a_condition_that_does_not_fit_is_refused(lake: Lake, location: str, condition: dict[str, object]) -> None:
    version = lake.commit(location, SCHEMA, [stored(lake, location, "parts/a/0.parquet", rows(0, 2))], work_id="a")
    with pytest.raises(InvalidInput):
        lake.scan(location, version, ["number"], condition)


def test_a_table_or_version_that_is_not_there_is_not_found(lake: Lake, location: str) -> None:
    with pytest.raises(NotFound):
        lake.count(location, 0)
    lake.commit(location, SCHEMA, [], work_id="a")
    with pytest.raises(NotFound):
        lake.scan(location, 99, ["code"])


def test_a_stream_is_appended_or_put_in_place(lake: Lake, location: str) -> None:
    def reader(last: int) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(SCHEMA, [rows(0, last)])

    lake.write(location, reader(3))
    added = lake.write(location, reader(4))
    replaced = lake.write(location, reader(5), mode="overwrite")
    assert (lake.count(location, added), lake.count(location, replaced)) == (7, 5)


def test_strays_of_a_killed_attempt_are_removed(lake: Lake, location: str) -> None:
    kept = stored(lake, location, "parts/w/0-second.parquet", rows(0, 2))
    stored(lake, location, "parts/w/0-first.parquet", rows(0, 2))
    other = stored(lake, location, "parts/other/0.parquet", rows(0, 2))
    assert lake.remove_strays(location, "parts/w/", [kept]) == 1
    version = lake.commit(location, SCHEMA, [kept, other], work_id="w")
    assert lake.scan(location, version, ["code"]).read_all().num_rows == 4


def test_statistics_let_other_readers_skip_files_without_losing_rows(
    lake: Lake, location: str, settings: Settings
) -> None:
    parts = [stored(lake, location, f"parts/w/{n}.parquet", rows(n * 10, n * 10 + 10)) for n in range(3)]
    version = lake.commit(location, SCHEMA, parts, work_id="w")
    table = DeltaTable(f"s3://{settings.s3_bucket}/{location}", version=version, storage_options=lake.storage_options)
    least = pa.table(table.get_add_actions(flatten=True))["min.number"].to_pylist()
    assert sorted(least) == [0, 10, 20]
