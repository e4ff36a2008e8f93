"""A quick yes for bodies that fit their contract: its JSON Schema turned into Python functions once.

It knows the keywords that busy contracts use. A contract with any other is left to the full validator, and so is every
body that does not fit, because only that one says where and why.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Accepts = Callable[[Any], bool]
Schema = Mapping[str, Any]

_TITLES = {"$schema", "$id", "$defs", "title", "description", "default"}
_OF_KIND = {
    "object": {"required", "properties", "additionalProperties", "minProperties", "maxProperties"},
    "array": {"items", "minItems", "maxItems", "uniqueItems"},
    "string": {"minLength", "maxLength", "pattern"},
    "integer": {"minimum", "maximum"},
}
_WITHOUT_LIMIT = 2**63


class Unknown(Exception):
    """A contract uses a keyword that is not known here."""


def acceptance(schema: Schema, resolve: Callable[[str], Schema]) -> Accepts | None:
    """A function that accepts only what fits a schema, or None when the schema says more than is known here.

    Args:
        schema: JSON Schema (2020-12).
        resolve: gives the schema that a ``$ref`` names.
    """
    try:
        return _accepts(schema, resolve)
    except Unknown:
        return None


def _accepts(schema: Schema, resolve: Callable[[str], Schema]) -> Accepts:
    said = set(schema) - _TITLES
    if said == {"$ref"}:
        return _accepts(resolve(schema["$ref"]), resolve)
    kind = schema.get("type")
    if not isinstance(kind, str) or not said <= {"type"} | _OF_KIND.get(kind, set()):
        raise Unknown
    if kind == "object":
        return _object(schema, resolve)
    if kind == "array":
        return _array(schema, resolve)
    if kind == "string":
        return _string(schema)
    least, most = schema.get("minimum", -_WITHOUT_LIMIT), schema.get("maximum", _WITHOUT_LIMIT)
    return lambda value: type(value) is int and least <= value <= most


def _object(schema: Schema, resolve: Callable[[str], Schema]) -> Accepts:
    known = {name: _accepts(inner, resolve) for name, inner in schema.get("properties", {}).items()}
    required = frozenset(schema.get("required", ()))
    least, most = schema.get("minProperties", 0), schema.get("maxProperties", _WITHOUT_LIMIT)
    rest = schema.get("additionalProperties", True)
    others: Accepts = (lambda _: rest) if isinstance(rest, bool) else _accepts(rest, resolve)
    return lambda value: (
        type(value) is dict
        and least <= len(value) <= most
        and value.keys() >= required
        and all(known.get(name, others)(inner) for name, inner in value.items())
    )


def _array(schema: Schema, resolve: Callable[[str], Schema]) -> Accepts:
    if "items" not in schema or not _of_strings(schema["items"], resolve):
        raise Unknown
    member, unique = _accepts(schema["items"], resolve), bool(schema.get("uniqueItems"))
    least, most = schema.get("minItems", 0), schema.get("maxItems", _WITHOUT_LIMIT)
    return lambda value: (
        type(value) is list
        and least <= len(value) <= most
        and all(map(member, value))
        and (not unique or len(set(value)) == len(value))
    )


def _of_strings(schema: Schema, resolve: Callable[[str], Schema]) -> bool:
    return bool((resolve(schema["$ref"]) if "$ref" in schema else schema).get("type") == "string")


def _string(schema: Schema) -> Accepts:
    least, most = schema.get("minLength", 0), schema.get("maxLength", _WITHOUT_LIMIT)
    found = re.compile(schema["pattern"]).search if "pattern" in schema else None
    return lambda value: (
        type(value) is str and least <= len(value) <= most and (found is None or found(value) is not None)
    )
