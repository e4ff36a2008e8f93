"""docs/dependencies.md says of every dependency why it is there, and of nothing else."""

import configparser
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SECTIONS = {
    "## The hub": ("options", "install_requires"),
    "## The embedded services": ("options.extras_require", "services"),
    "## Development": ("options.extras_require", "dev"),
}


def rows(heading: str) -> list[tuple[str, str]]:
    """First and second cell of the rows of a section's table."""
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    section = text.split(f"\n{heading}", 1)[1].split("\n## ", 1)[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return [(first, second) for first, second, *_ in cells if first not in {"package", "---"}]


def named_in_setup(section: str, option: str) -> set[str]:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return {re.split(r"[\[<>=~!;]", line)[0].strip() for line in setup[section][option].split("\n") if line.strip()}


@pytest.mark.parametrize("heading", SECTIONS)
def test_python_packages(heading: str) -> None:
    described = rows(heading)
    assert {name for name, _ in described} == named_in_setup(*SECTIONS[heading])
    assert all(why for _, why in described), "a reason for each"


def test_web_packages() -> None:
    package = json.loads((ROOT / "web" / "package.json").read_text(encoding="utf-8"))
    described = rows("## Web assets")
    assert {name for name, _ in described} == set(package["dependencies"])
    assert all(why for _, why in described)
