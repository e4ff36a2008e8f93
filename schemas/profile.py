"""The metadata profile: which fields a catalogue entry and its items have, as versioned data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from schemas.code_lists import code_list
from schemas.findings import Finding
from schemas.names import normalise_name
from schemas.packaged import read_json
from schemas.rule_sets import RuleSet, rule_set


class Kind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    TEXTS = "texts"
    CODE = "code"
    CODES = "codes"
    FLAG = "flag"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One field: bounds are characters (``min``, ``max``), or values or counts (``least``, ``most``)."""

    kind: Kind
    required: bool = False
    min: int = 0
    max: int = 0
    least: int = 0
    most: int = 0
    codes: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """One version of the metadata profile."""

    key: str
    title_zh: str
    title_en: str
    documents: tuple[str, ...]
    rules: RuleSet
    valid_from: date
    valid_to: date | None
    entry: Mapping[str, FieldRule]
    item: Mapping[str, FieldRule]
    basis: Mapping[str, FieldRule]
    most_items: int
    file_formats: frozenset[str]
    interface_formats: frozenset[str]
    formats_without_items: frozenset[str]
    class_digits: Mapping[str, str]
    vague_words: frozenset[str]

    def is_vague(self, text: str) -> bool:
        """Whether a text says nothing that could be looked up, such as 敏感."""
        return normalise_name(text) in self.vague_words


CURRENT = "shuniu-2016-1"


@cache
def profile(key: str = CURRENT) -> Profile:
    """A version of the profile.

    Raises:
        KeyError: there is no such version.
    """
    body = read_json("profiles", key)
    until = body["valid_to"]
    return Profile(
        key=body["key"],
        title_zh=body["title_zh"],
        title_en=body["title_en"],
        documents=tuple(body["documents"]),
        rules=rule_set(body["rule_set"]),
        valid_from=date.fromisoformat(body["valid_from"]),
        valid_to=None if until is None else date.fromisoformat(until),
        entry=_field_rules(body["entry"]),
        item=_field_rules(body["item"]),
        basis=_field_rules(body["basis"]),
        most_items=body["most_items"],
        file_formats=frozenset(body["file_formats"]),
        interface_formats=frozenset(body["interface_formats"]),
        formats_without_items=frozenset(body["formats_without_items"]),
        class_digits=MappingProxyType(body["class_digits"]),
        vague_words=frozenset(normalise_name(word) for word in body["vague_words"]),
    )


def check_fields(body: Mapping[str, Any], rules: Mapping[str, FieldRule], path: str) -> list[Finding]:
    """What is wrong with the fields one by one: missing, of the wrong kind, out of bounds, an unknown code.

    Args:
        body: what to check; keys without a rule are left alone.
        rules: a rule for each field.
        path: JSON pointer of ``body``.
    """
    findings = []
    for name, rule in rules.items():
        value = body.get(name)
        place = f"{path}/{name}"
        if is_empty(value):
            if rule.required:
                findings.append(Finding(place, "field.required", "This is required. Fill it in."))
        else:
            findings.extend(_CHECKS[rule.kind](value, rule, place))
    return findings


def readable(body: Mapping[str, Any], rules: Mapping[str, FieldRule]) -> dict[str, Any]:
    """The fields that are of the right kind, the others as None, so that later rules need not doubt their kinds."""
    return {name: _READ[rule.kind](body.get(name)) for name, rule in rules.items()}


def is_empty(value: object) -> bool:
    """Whether nothing was entered."""
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def shown(value: object) -> str:
    """A value as a message may repeat it."""
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _check_text(value: object, rule: FieldRule, path: str) -> list[Finding]:
    if not isinstance(value, str):
        return [Finding(path, "field.kind", "This must be text.")]
    length = len(value.strip())
    if length > rule.max:
        message = "This has {length} characters; at most {most} are allowed. Shorten it."
        return [Finding(path, "field.too_long", message, context={"length": length, "most": rule.max})]
    if length < rule.min:
        message = "This has {length} characters; at least {least} are needed. Say more."
        return [Finding(path, "field.too_short", message, context={"length": length, "least": rule.min})]
    if not all(character.isprintable() or character in "\n\t" for character in value):
        return [Finding(path, "field.characters", "This holds invisible control characters. Type it anew.")]
    return []


def _check_texts(value: object, rule: FieldRule, path: str) -> list[Finding]:
    if not isinstance(value, list | tuple):
        return [Finding(path, "field.kind", "This must be a list of texts.")]
    if len(value) > rule.most:
        message = "These are {count}; at most {most} are allowed. Remove some."
        return [Finding(path, "field.too_many", message, context={"count": len(value), "most": rule.most})]
    return [finding for number, text in enumerate(value) for finding in _check_text(text, rule, f"{path}/{number}")]


def _check_code(value: object, rule: FieldRule, path: str) -> list[Finding]:
    codes = code_list(rule.codes)
    if isinstance(value, str) and value in codes.values():
        return []
    context = {"value": shown(value), "codes": ", ".join(item.code for item in codes.items)}
    return [Finding(path, "field.code", "{value} is none of the codes allowed here: {codes}.", context=context)]


def _check_codes(value: object, rule: FieldRule, path: str) -> list[Finding]:
    if not isinstance(value, list | tuple):
        return [Finding(path, "field.kind", "This must be a list of codes.")]
    most = len(code_list(rule.codes).items)
    if len(value) > most:
        message = "These are {count}; at most {most} are allowed. Remove some."
        return [Finding(path, "field.too_many", message, context={"count": len(value), "most": most})]
    return [finding for number, code in enumerate(value) for finding in _check_code(code, rule, f"{path}/{number}")]


def _check_flag(value: object, _rule: FieldRule, path: str) -> list[Finding]:
    return [] if isinstance(value, bool) else [Finding(path, "field.kind", "This must be yes or no.")]


def _check_number(value: object, rule: FieldRule, path: str) -> list[Finding]:
    if not isinstance(value, int) or isinstance(value, bool):
        return [Finding(path, "field.kind", "This must be a whole number.")]
    if not rule.least <= value <= rule.most:
        message = "This is out of bounds; {least} to {most} are allowed."
        return [Finding(path, "field.bounds", message, context={"least": rule.least, "most": rule.most})]
    return []


_CHECKS = {
    Kind.TEXT: _check_text,
    Kind.TEXTS: _check_texts,
    Kind.CODE: _check_code,
    Kind.CODES: _check_codes,
    Kind.FLAG: _check_flag,
    Kind.NUMBER: _check_number,
}


def _text_or_none(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list | tuple) else []


_READ: Mapping[Kind, Callable[[object], Any]] = {
    Kind.TEXT: _text_or_none,
    Kind.TEXTS: _texts,
    Kind.CODE: _text_or_none,
    Kind.CODES: _texts,
    Kind.FLAG: lambda value: value if isinstance(value, bool) else None,
    Kind.NUMBER: lambda value: value if isinstance(value, int) and not isinstance(value, bool) else None,
}


def _field_rules(body: Mapping[str, Mapping[str, Any]]) -> Mapping[str, FieldRule]:
    return MappingProxyType({name: FieldRule(**{**rule, "kind": Kind(rule["kind"])}) for name, rule in body.items()})
