"""A measured figure beside its limit and its goal, as a table and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

COLUMNS = ("", "what", "value", "unit", "limit", "ratio", "goal")


@dataclass(frozen=True)
class Figure:
    """One measurement.

    Attributes:
        name: what was measured.
        value: the measured value, in ``unit``.
        limit: what could be had at best, measured in the same run; None where only the goal counts.
        ratio: value to limit; None without a limit.
        goal: of the ratio, or, without a limit, of the value; None for what is only told.
        met: whether the goal is met.
        bound: ``>=`` or ``<=``, how the goal is to be read.
    """

    name: str
    value: float
    unit: str
    limit: float | None
    ratio: float | None
    goal: float | None
    met: bool
    bound: str = ">="

    @classmethod
    def beside(cls, name: str, value: float, unit: str, limit: float, goal: float) -> "Figure":
        """A figure that should be at least ``goal`` of its limit."""
        ratio = value / limit
        return cls(name, value, unit, limit, ratio, goal, ratio >= goal)

    @classmethod
    def at_most(cls, name: str, value: float, unit: str, goal: float) -> "Figure":
        """A figure that should be at most its goal."""
        return cls(name, value, unit, None, None, goal, value <= goal, "<=")

    @classmethod
    def at_least(cls, name: str, value: float, unit: str, goal: float) -> "Figure":
        """A figure that should be at least its goal."""
        return cls(name, value, unit, None, None, goal, value >= goal)

    @classmethod
    def told(cls, name: str, value: float, unit: str) -> "Figure":
        """A figure without a goal."""
        return cls(name, value, unit, None, None, None, True)


def write(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures as a JSON list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    promised = [{name: value for name, value in asdict(figure).items() if name != "bound"} for figure in figures]
    path.write_text(json.dumps(promised, indent=2) + "\n", encoding="utf-8")


def table(figures: Sequence[Figure]) -> list[str]:
    """Lines of a table of the figures."""
    rows = [COLUMNS]
    for figure in figures:
        rows.append(
            (
                "" if figure.goal is None else "met" if figure.met else "MISSED",
                figure.name,
                _short(figure.value),
                figure.unit,
                "" if figure.limit is None else _short(figure.limit),
                "" if figure.ratio is None else f"{figure.ratio:.2f}",
                "" if figure.goal is None else f"{figure.bound} {figure.goal:g}",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
