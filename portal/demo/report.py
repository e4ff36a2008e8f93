"""What the demo did: one line per step, as a table for people and as JSON for programs."""

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

REPORT = Path("demo") / "report.json"
COLUMNS = ("", "step", "who", "result", "seconds")
WIDEST_RESULT = 96


@dataclass
class StepReport:
    """One step of the story.

    Attributes:
        evidence_index: number, in the evidence log, of the last entry that the step left; None when it left none.
    """

    name: str
    who: str
    result: str
    ok: bool
    seconds: float
    evidence_index: int | None = None


@dataclass
class Report:
    """The whole demo.

    Attributes:
        seconds: all steps together, without starting the services.
        start_seconds: from the command to the first step.
        largest_bytes: the most memory that all processes of the hub held together (proportional set size).
    """

    steps: list[StepReport] = field(default_factory=list)
    seconds: float = 0.0
    start_seconds: float = 0.0
    largest_bytes: int = 0

    @classmethod
    def read(cls, home: Path) -> "Report":
        """The report of an earlier run in this home; an empty one when there was none."""
        path = home / REPORT
        if not path.exists():
            return cls()
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(**(found | {"steps": [StepReport(**step) for step in found["steps"]]}))

    def write(self, home: Path) -> None:
        """Write ``demo/report.json``."""
        path = home / REPORT
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

    def done(self, name: str) -> bool:
        """Whether a step of that name has done what it should."""
        return any(step.name == name and step.ok for step in self.steps)

    def put(self, step: StepReport) -> None:
        """Add a step, in place of one of the same name."""
        self.steps = [other for other in self.steps if other.name != step.name] + [step]


def table(steps: Sequence[StepReport]) -> list[str]:
    """Lines of a table of the steps; wide characters count as two columns, as terminals show them."""
    rows = [COLUMNS]
    for step in steps:
        mark = "ok" if step.ok else "FAILED"
        rows.append((mark, step.name, step.who, _cut(step.result), f"{step.seconds:.1f}"))
    widths = [max(_width(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return ["  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cut(text: str) -> str:
    line = " ".join(text.split())
    while _width(line) > WIDEST_RESULT:
        line = line.removesuffix("…")[:-1] + "…"
    return line


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
