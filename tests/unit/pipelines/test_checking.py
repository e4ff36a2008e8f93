"""Dividing rows: good and set-aside rows together are the rows read, whatever they hold."""

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingest.extract import Checking
from pipelines.ingest.keys import KeyWatch
from pipelines.ingest.set_aside import SetAside

ITEMS: list[dict[str, Any]] = [
    {"field_name": "code", "data_type": "CHARACTER", "length": 3, "nullable": False, "is_key": True},
    {"field_name": "amount", "data_type": "MONEY", "nullable": True},
    {"field_name": "day", "data_type": "DATE", "nullable": True},
]
NAMES = [item["field_name"] for item in ITEMS]
SCHEMA = pa.schema([(name, pa.string()) for name in NAMES])
ROW = st.fixed_dictionaries(
    {
        "code": st.none() | st.sampled_from(["a", "b", "c", "d", "toolong", " "]),
        "amount": st.none() | st.sampled_from(["1", "1.25", "x", "1.234"]),
        "day": st.none() | st.sampled_from(["2024-02-28", "2024/2/9", "2024-02-30", "tomorrow"]),
    }
)


@given(st.lists(st.lists(ROW, max_size=12), max_size=4))
def test_every_row_is_good_or_set_aside_once(batches: list[list[dict[str, Any]]]) -> None:
    with tempfile.TemporaryDirectory() as folder, SetAside(NAMES, Path(folder)) as aside:
        checking = Checking(ITEMS, {}, KeyWatch(["code"]), aside)
        good = list(checking.good(pa.RecordBatch.from_pylist(rows, SCHEMA) for rows in batches))
        kept = [code for batch in good for code in batch.column("code").to_pylist()]
        assert len(kept) + aside.rows == checking.rows == sum(map(len, batches))
        assert len(set(kept)) == len(kept)
        assert (aside.rows > 0) == bool(aside.reasons)
        assert None not in kept
        assert "toolong" not in kept
