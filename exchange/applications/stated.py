"""What an application may say: pure checks of its items and its statements ([M] Art. 8, 15; R37, R42, R43)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from adapters.errors import InvalidInput, NotAllowed
from adapters.texts import prose_problems
from directory.catalogue.models import DataItem, ResourceVersion
from schemas.words import SecrecyLevel, Sensitivity, ShareAttribute

MOST_ITEMS = 300
MOST_VALUES = 1_000
LONGEST_PROSE = 4_000
OPERATORS = ("EQUALS", "IN", "PREFIX")
Problem = dict[str, str]


@dataclass(frozen=True)
class Stated:
    """What an application states; ``items`` are field names, ``row_condition`` as in ``Application``."""

    items: tuple[str, ...]
    scope: str
    purpose: str
    duty: str
    modes: tuple[str, ...]
    term_to: date | None
    quota_rows: int | None = None
    row_condition: Mapping[str, Any] = field(default_factory=dict)


def selected(version: ResourceVersion, names: Sequence[str]) -> tuple[DataItem, ...]:
    """The items of these names, in catalogue order, when every one of them can be applied for.

    Raises:
        NotAllowed: ``application.state_secret``, ``application.not_shareable``.
        InvalidInput: unknown names, none, too many, or UNIVERSAL items (``application.universal``).
    """
    if version.secrecy_level == SecrecyLevel.STATE_SECRET:
        raise _state_secret()
    known = {item.field_name: item for item in version.items}
    _require_known(names, known)
    items = tuple(item for item in version.items if item.field_name in set(names))
    if any(item.sensitivity == Sensitivity.STATE_SECRET for item in items):
        raise _state_secret()
    kept = [item.name for item in items if item.share_attribute == ShareAttribute.NO_SHARING]
    if kept:
        raise NotAllowed(
            "application.not_shareable",
            "These items are not shared: {items}. Leave them out; if your duty needs them, raise a Need with their "
            "provider.",
            items=", ".join(kept),
        )
    free = [item.name for item in items if item.share_attribute == ShareAttribute.UNIVERSAL]
    if free:
        raise InvalidInput(
            "application.universal",
            "These items are shared with every agency: {items}. Leave them out and use them without an application.",
            [
                {
                    "pointer": "/items",
                    "message": "An item here is shared with every agency; use it without an application.",
                }
            ],
            items=", ".join(free),
        )
    return items


def require_complete(stated: Stated, version: ResourceVersion, today: date) -> None:
    """Refuse statements that are missing or cannot be.

    Raises:
        InvalidInput: ``application.incomplete`` with every place that is wrong.
    """
    problems = problems_of(stated, version, today)
    if problems:
        sentence = "The application was not saved. Correct the marked places and send it again."
        raise InvalidInput("application.incomplete", sentence, problems)


def problems_of(stated: Stated, version: ResourceVersion, today: date) -> list[Problem]:
    """Every place of the statements that is missing or cannot be; the choice of items is checked by ``selected``."""
    problems = [*_prose_problems(stated), *_mode_problems(stated, version), *_condition_problems(stated, version)]
    if stated.term_to is None:
        problems.append(_problem("/term_to", "Give the last day of use as 2026-11-22."))
    elif stated.term_to <= today:
        problems.append(_problem("/term_to", "The term is over already. Give a later day."))
    if stated.quota_rows is not None and not 0 < stated.quota_rows <= 2**53:
        problems.append(_problem("/quota_rows", "Give a positive number of rows, or leave it empty for no limit."))
    return problems


def _require_known(names: Sequence[str], known: Mapping[str, DataItem]) -> None:
    if not names:
        problem = _problem("/items", "Choose at least one item.")
        raise InvalidInput("application.no_items", "The application names no item. Choose at least one.", [problem])
    if len(names) > MOST_ITEMS:
        raise InvalidInput(
            "application.too_many_items",
            "The application names {count} items; at most {most} fit into one. Make several applications.",
            [_problem("/items", "Choose fewer items.")],
            count=len(names),
            most=MOST_ITEMS,
        )
    strange = sorted(set(names) - set(known))
    if strange:
        raise InvalidInput(
            "application.unknown_item",
            "The catalogue version has no item {items}. Choose items from its entry page.",
            [_problem("/items", "Choose items of this catalogue version only.")],
            items=", ".join(strange[:5]),
        )


def _prose_problems(stated: Stated) -> list[Problem]:
    needed = {
        "scope": (stated.scope, "State the scope: which of your units and systems will use the data."),
        "purpose": (stated.purpose, "State the purpose: what the data will be used for."),
        "duty": (stated.duty, "State the duty: the law, regulation or mandate for which the data is needed."),
    }
    problems = []
    for name, (text, message) in needed.items():
        found = prose_problems({f"/{name}": text}, most=LONGEST_PROSE)
        problems += found if text.strip() else [_problem(f"/{name}", message)]
    return problems


def _mode_problems(stated: Stated, version: ResourceVersion) -> list[Problem]:
    if not stated.modes:
        return [_problem("/modes", "Choose at least one way of delivery.")]
    if not set(stated.modes) <= set(version.modes) or len(set(stated.modes)) != len(stated.modes):
        return [_problem("/modes", "Choose each way of delivery once, and only ways that the catalogue entry offers.")]
    return []


def _condition_problems(stated: Stated, version: ResourceVersion) -> list[Problem]:
    condition = stated.row_condition
    if not condition:
        return []
    values = condition.get("values")
    readable = {
        item.field_name
        for item in version.items
        if item.sensitivity != Sensitivity.STATE_SECRET
        and item.share_attribute != ShareAttribute.NO_SHARING
        and (item.field_name in stated.items or item.share_attribute == ShareAttribute.UNIVERSAL)
    }
    masked = {item.field_name for item in version.items if item.masking}
    if set(condition) != {"field", "operator", "values"} or condition["operator"] not in OPERATORS:
        return [_problem("/row_condition", "Give a field, one of EQUALS, IN and PREFIX, and values.")]
    if condition["field"] not in readable:
        return [_problem("/row_condition/field", "Choose rows by an item that is applied for, or one shared with all.")]
    if condition["field"] in masked:
        return [_problem("/row_condition/field", "This item is given masked, so rows cannot be chosen by its values.")]
    if not isinstance(values, list) or not 0 < len(values) <= MOST_VALUES or not all(map(_is_value, values)):
        return [_problem("/row_condition/values", "Give 1 to 1,000 values of at most 300 characters.")]
    if condition["operator"] == "EQUALS" and len(values) != 1:
        return [_problem("/row_condition/values", "EQUALS takes one value; use IN for several.")]
    return []


def _is_value(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 300 and "\x00" not in value


def _problem(pointer: str, message: str) -> Problem:
    return {"pointer": pointer, "message": message}


def _state_secret() -> NotAllowed:
    return NotAllowed(
        "application.state_secret",
        "State secrets never travel over this platform. Ask the provider for the carrier that secrecy rules prescribe.",
    )
