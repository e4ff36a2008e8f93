"""docs/operations.md names every setting that the code reads, and none that it does not."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from adapters.services.ports import Ports, setting_name
from adapters.services.process import MARKER
from adapters.settings import Settings

ROOT = Path(__file__).parents[3]
ROOMS = (
    "adapters",
    "airflow_dags",
    "audit",
    "bench",
    "directory",
    "exchange",
    "oversight",
    "pipelines",
    "portal",
    "schemas",
)
NAME = re.compile(r"SHUNIU_[A-Z0-9_]*[A-Z0-9]")


def documented() -> set[str]:
    return set(NAME.findall((ROOT / "docs" / "operations.md").read_text(encoding="utf-8")))


def whole_strings(folder: str) -> Iterator[str]:
    """Strings of the code that are the name of a setting and nothing else: what it looks up or hands on."""
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
                yield node.value


def read_by_the_code() -> set[str]:
    of_settings = {f"SHUNIU_{field.name.upper()}" for field in fields(Settings)}
    of_ports = {setting_name(field.name) for field in fields(Ports)}
    elsewhere = {name for folder in (*ROOMS, "tests/e2e") for name in whole_strings(folder)}
    return of_settings | of_ports | elsewhere - {MARKER}  # the marker is no setting: it says who started a process


def test_every_setting_is_described() -> None:
    assert read_by_the_code() - documented() == set()


def test_nothing_is_described_that_nobody_reads() -> None:
    assert documented() - read_by_the_code() == set()


def test_defaults_are_the_ones_described() -> None:
    rows = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").splitlines()
    described: dict[str, str] = {}
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if row.startswith("| `SHUNIU_") and len(cells) == 3:
            names, values = NAME.findall(cells[0]), cells[1].split(", ")
            if len(names) == len(values):
                described.update(zip(names, values, strict=True))
    defaults = {f"SHUNIU_{field.name.upper()}": field.default for field in fields(Settings)}
    numbers = {name: value for name, value in defaults.items() if isinstance(value, int)}
    assert numbers.keys() <= described.keys()
    for name, value in numbers.items():
        said = described[name]
        size = int(said.removesuffix(" MiB")) * 2**20 if said.endswith(" MiB") else int(said)
        assert size == int(value), name
