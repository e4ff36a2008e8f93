"""Contracts of API bodies: JSON Schemas (2020-12) in ``schemas/json``, used to check requests and to describe the API.

Whole numbers are whole numbers here (JSON Schema itself lets 5.0 pass for one), and repeated array members are found in
linear time, so that no body takes long to check.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any, cast

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from schemas.acceptance import Accepts, acceptance
from schemas.formats import FORMATS
from schemas.packaged import names, read_json

MOST_PROBLEMS = 100
_PREFIX = "shuniu:"
_NOT_BLANK = r"\S"


@dataclass(frozen=True, slots=True)
class Problem:
    """One place where a body breaks its contract.

    Args:
        pointer: JSON pointer of the place (RFC 6901).
        code: stable name of what is wrong.
        template: English sentence with ``str.format`` places, the key of its translation.
        context: values for the places.
    """

    pointer: str
    code: str
    template: str
    context: Mapping[str, object] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The English sentence."""
        return self.template.format(**self.context)


def schema_names() -> tuple[str, ...]:
    """Names of all contracts."""
    return names("json")


def schema(name: str) -> dict[str, Any]:
    """A contract as JSON Schema; a copy that may be changed.

    Raises:
        KeyError: there is no such contract.
    """
    return deepcopy(_schemas()[name])


def validate(name: str, body: Any) -> list[Problem]:
    """Where a body breaks its contract; nothing when it fits. At most 100 places are named.

    Args:
        name: the contract.
        body: JSON as Python values.

    Raises:
        KeyError: there is no such contract.
    """
    accepts = _acceptance(name)
    if accepts is not None and accepts(body):
        return []
    problems: dict[tuple[str, str], Problem] = {}
    for error in islice(_validator(name).iter_errors(body), MOST_PROBLEMS):
        for problem in _problems(error):
            problems.setdefault((problem.pointer, problem.code), problem)
    return list(problems.values())[:MOST_PROBLEMS]


def openapi_schemas() -> dict[str, Any]:
    """All contracts as ``components.schemas`` of an OpenAPI 3.1 document, with references to one another rewritten."""
    described = {}
    for name, body in _schemas().items():
        kept = {key: value for key, value in body.items() if key not in ("$id", "$schema")}
        described[name] = _rewritten(kept)
    return described


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    return {name: read_json("json", name) for name in names("json")}


@cache
def _validator(name: str) -> Validator:
    resources = [(body["$id"], DRAFT202012.create_resource(body)) for body in _schemas().values()]
    registry: Registry[Any] = Registry().with_resources(resources)
    validator: Validator = _Contract(_schemas()[name], registry=registry, format_checker=_format_checker())
    return validator


@cache
def _acceptance(name: str) -> Accepts | None:
    return acceptance(_schemas()[name], _referred)


def _referred(target: str) -> Mapping[str, Any]:
    """What a reference names, e.g. ``shuniu:common#/$defs/line``."""
    name, _, place = target.removeprefix(_PREFIX).partition("#")
    found: dict[str, Any] = _schemas()[name]
    for step in place.split("/")[1:]:
        found = found[step]
    return found


def _format_checker() -> FormatChecker:
    checker = FormatChecker(formats=())
    for name, fault_of in FORMATS.items():
        checker.checks(name)(_accepts(fault_of))
    return checker


def _accepts(fault_of: Callable[[str], str | None]) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, str) or fault_of(value) is None


def _unique(_validator: Validator, wanted: bool, instance: object, _schema: object) -> Iterator[ValidationError]:
    if wanted and isinstance(instance, list):
        different = {json.dumps(member, sort_keys=True) for member in instance}
        if len(different) < len(instance):
            yield ValidationError("has repeated members")


_Contract: Any = extend(  # type: ignore[no-untyped-call]  # its stubs have no types
    Draft202012Validator,
    validators={"uniqueItems": _unique},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _checker, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


def _problems(error: ValidationError) -> Iterator[Problem]:
    pointer = "".join(f"/{_escaped(str(part))}" for part in error.absolute_path)
    kind, limit = str(error.validator), cast(Any, error.validator_value)
    value, rules = cast(Any, error.instance), cast(dict[str, Any], error.schema)
    if kind == "required":
        for name in limit:
            if name not in value:
                yield Problem(f"{pointer}/{_escaped(name)}", "required", "This is required. Add it.")
    elif kind == "additionalProperties":
        for name in sorted(set(value) - set(rules.get("properties", ())))[:MOST_PROBLEMS]:
            message = "There is no such field here. Remove it, or correct its name."
            yield Problem(f"{pointer}/{_escaped(name[:100])}", "unknown_field", message)
    elif kind == "anyOf":
        yield from _closest(error, pointer)
    elif kind == "pattern" and limit == _NOT_BLANK:
        yield Problem(pointer, "blank", "This is blank. Fill it in.")
    elif kind == "format":
        fault = FORMATS[limit](value)
        yield Problem(pointer, f"format.{limit}", fault or "This does not have the right form. Correct it.")
    else:
        yield Problem(pointer, _CODES.get(kind, kind), _MESSAGES.get(kind, _OTHERWISE), {"limit": _shown(kind, limit)})


def _closest(error: ValidationError, pointer: str) -> Iterator[Problem]:
    """Of "this or null", what is wrong with this."""
    inner = [cause for cause in error.context or () if cause.validator != "type" or cause.validator_value != "null"]
    if not inner:
        yield Problem(pointer, "type", _OTHERWISE)
    for cause in inner:
        yield from _problems(cause)


_CODES = {"maxLength": "too_long", "minLength": "too_short", "maxItems": "too_many", "minItems": "too_few"}
_OTHERWISE = "This does not fit the contract. Compare it with the description of the API."
_MESSAGES = {
    "type": "This is of the wrong kind; it must be of kind {limit}.",
    "enum": "This is none of the values allowed here: {limit}.",
    "const": "Only {limit} is allowed here.",
    "maxLength": "At most {limit} characters are allowed. Shorten it.",
    "minLength": "At least {limit} characters are needed. Say more.",
    "pattern": "This does not have the right form. Compare it with the description of the API.",
    "maxItems": "At most {limit} entries are allowed here. Remove some.",
    "minItems": "At least {limit} entries are needed here. Add some.",
    "uniqueItems": "An entry is here twice. Remove one.",
    "minimum": "The least allowed value is {limit}.",
    "maximum": "The greatest allowed value is {limit}.",
}


def _shown(kind: str, limit: object) -> str:
    if kind in ("enum", "type") and isinstance(limit, list):
        return ", ".join("null" if value is None else str(value) for value in limit)
    return str(limit)


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _rewritten(node: Any) -> Any:
    if isinstance(node, list):
        return [_rewritten(member) for member in node]
    if not isinstance(node, dict):
        return node
    return {key: _reference(value) if key == "$ref" else _rewritten(value) for key, value in node.items()}


def _reference(target: str) -> str:
    name, _, place = target.removeprefix(_PREFIX).partition("#")
    return f"#/components/schemas/{name}{place}"
