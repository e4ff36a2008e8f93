"""Checking a catalogue entry, the same way for web form, import of a workbook and API ([M] Art. 9; R19, R20).

Our readings of what the documents leave open are written down in docs/readings.md.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from schemas.findings import Finding, Severity, has_errors
from schemas.identifiers import resource_code
from schemas.item_rules import check_item, check_sharing
from schemas.names import normalise_name
from schemas.profile import Profile, check_fields, profile, readable, shown
from schemas.words import (
    IdentifierKind,
    Mode,
    ResourceClass,
    SecrecyLevel,
    Sensitivity,
    ShareAttribute,
    SubjectKind,
    UpdateCycle,
)

__all__ = ["check_entry", "derive_share_attribute", "has_errors", "implied_item", "normalise_name", "profile"]

Fields = dict[str, Any]
"""Fields of the right kind or None, see ``readable``."""

_TRAILING_NUMBER = re.compile(r"^(.+?)[0-9]+$")
_DRAGGED = 3
_WHOLE_SHARING = ("share_attribute", "share_condition", "basis", "open_attribute", "sensitivity")
_SUBJECT_IDENTIFIERS: Mapping[str, IdentifierKind] = {
    SubjectKind.PERSON: IdentifierKind.RESIDENT_ID,
    SubjectKind.ORGANISATION: IdentifierKind.CREDIT_CODE,
}


def derive_share_attribute(items: Iterable[Mapping[str, Any]]) -> ShareAttribute:
    """The share attribute of a version from its items'.

    Any ON_REQUEST item makes it ON_REQUEST; NO_SHARING only if all items are; otherwise UNIVERSAL, so that what is
    free in a mixed version stays free (our reading of [M] Art. 8).

    Raises:
        ValueError: there is no item, or one without a share attribute.
    """
    attributes = {ShareAttribute(str(item.get("share_attribute"))) for item in items}
    if not attributes:
        raise ValueError("Without items there is no share attribute; pass the implied item.")
    if ShareAttribute.ON_REQUEST in attributes:
        return ShareAttribute.ON_REQUEST
    return ShareAttribute.NO_SHARING if attributes == {ShareAttribute.NO_SHARING} else ShareAttribute.UNIVERSAL


def implied_item(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The one item that stands for the whole of a resource without items (images, a service).

    Its sharing is the entry's own: ``share_attribute``, ``share_condition``, ``basis``, ``open_attribute``,
    ``sensitivity``.
    """
    whole = {"position": 1, "name": entry.get("name"), "field_name": "content", "data_type": "GENERAL"}
    return whole | {key: entry.get(key) for key in _WHOLE_SHARING}


def check_entry(
    entry: Mapping[str, Any],
    items: Sequence[object],
    profile: Profile,
    *,
    code_lists: Collection[str] | None = None,
) -> list[Finding]:
    """Everything that is wrong or doubtful about an entry; it may be submitted when nothing is an ERROR.

    Args:
        entry: the entry's metadata; any value may be of any JSON kind.
        items: its data items (mappings), in order; none where the format needs none.
        profile: the version of the metadata profile to keep to.
        code_lists: keys of the code lists that items may name; None leaves the names unchecked.
    """
    findings = check_fields(entry, profile.entry, "")
    fields = readable(entry, profile.entry)
    findings += _check_name(fields)
    findings += _check_classification(fields, profile)
    if len(items) > profile.most_items:
        message = "The entry has {count} items; at most {most} are allowed. Divide the resource."
        return [
            *findings,
            _finding("/items", "entry.too_many_items", message, count=len(items), most=profile.most_items),
        ]
    if items:
        parts = [readable(item, profile.item) for item in items if isinstance(item, Mapping)]
        findings += _check_items(fields, items, profile, code_lists)
    else:
        parts = [readable(implied_item(entry), profile.item)]
        findings += _check_implied_item(entry, fields, profile)
    findings += _check_secrecy(fields, parts)
    findings += _check_modes(fields, parts, profile)
    return findings


def _check_name(entry: Fields) -> list[Finding]:
    name, system = entry["name"], entry["system_name"]
    if name and system and normalise_name(name) == normalise_name(system):
        message = "The resource bears the name of its system. Name what the data is about."
        return [Finding("/name", "entry.name_is_system", message)]
    return []


def _check_classification(entry: Fields, profile: Profile) -> list[Finding]:
    code, resource_class = entry["classification_code"], entry["resource_class"]
    place = "/classification_code"
    findings = []
    if code and resource_code.check_classification(code):
        message = "A classification code has 1, 3 or 6 digits, then pairs of digits. Compare {value} with the tree."
        findings.append(_finding(place, "entry.classification", message, value=shown(code)))
    elif code and profile.class_digits.get(resource_class, code[0]) != code[0]:
        message = "The classification code {value} belongs to another class of resource. Compare both."
        findings.append(Finding(place, "entry.classification_class", message, Severity.WARNING, {"value": shown(code)}))
    if resource_class in (ResourceClass.BASE, ResourceClass.THEME) and not entry["theme"]:
        message = "A base or theme resource names its library or theme. Choose one."
        findings.append(Finding("/theme", "entry.theme_missing", message))
    return findings


def _check_implied_item(entry: Mapping[str, Any], fields: Fields, profile: Profile) -> list[Finding]:
    if fields["format"] not in profile.formats_without_items:
        return [Finding("/items", "entry.items_missing", "The entry has no data items. List the fields of the data.")]
    rules = {key: profile.item[key] for key in _WHOLE_SHARING if key in profile.item}
    whole = implied_item(entry)
    sharing = readable(whole, rules) | {"basis": whole["basis"]}
    return [*check_fields(whole, rules, ""), *check_sharing(sharing, profile, "")]


def _check_items(
    entry: Fields, items: Sequence[object], profile: Profile, code_lists: Collection[str] | None
) -> list[Finding]:
    findings = []
    parts: dict[int, Fields] = {}
    for number, item in enumerate(items):
        if not isinstance(item, Mapping):
            findings.append(Finding(f"/items/{number}", "field.kind", "This must be a data item."))
            continue
        findings += check_item(item, profile, f"/items/{number}")
        parts[number] = readable(item, profile.item)
        named = parts[number]["code_list"]
        if code_lists is not None and named and named not in code_lists:
            message = "There is no code list {key}. Choose one from the list, or ask the office to add it."
            findings.append(_finding(f"/items/{number}/code_list", "item.code_list", message, key=shown(named)))
    findings += _check_item_names(parts)
    findings += _check_subject(entry, parts.values())
    return findings


def _check_item_names(parts: Mapping[int, Fields]) -> list[Finding]:
    findings = []
    keys: tuple[tuple[str, Callable[[str], str]], ...] = (("name", normalise_name), ("field_name", str.casefold))
    for key, fold in keys:
        places: dict[str, list[int]] = defaultdict(list)
        for number, item in parts.items():
            if folded := fold(item[key] or ""):
                places[folded].append(number)
        for first, *others in places.values():
            for number in others:
                message = "Item {first} already has this name, apart from case, spaces and punctuation. Rename one."
                findings.append(_finding(f"/items/{number}/{key}", f"item.{key}_twice", message, first=first + 1))
    names = (normalise_name(item["name"] or "") for item in parts.values())
    stems = Counter(match[1] for name in names if (match := _TRAILING_NUMBER.match(name)))
    for stem, count in stems.items():
        if count >= _DRAGGED:
            message = "{count} items are called {name} and a number, as dragging in a spreadsheet does. Name each."
            context = {"count": count, "name": shown(stem)}
            findings.append(Finding("/items", "item.names_numbered", message, Severity.WARNING, context))
    return findings


def _check_subject(entry: Fields, parts: Iterable[Fields]) -> list[Finding]:
    """Data about people and organisations declares the item that identifies them ([M] Art. 13; R33)."""
    wanted = _SUBJECT_IDENTIFIERS.get(entry["subject_kind"])
    if wanted is None or any(item["identifier_kind"] == wanted for item in parts):
        return []
    message = "Data about people or organisations needs the item that identifies them ({kind}). Mark that item."
    return [_finding("/items", "entry.identifier_missing", message, kind=wanted)]


def _check_secrecy(entry: Fields, parts: Sequence[Fields]) -> list[Finding]:
    """State secrets can be listed at most ([M] Art. 15; R43)."""
    secret_item = any(part["sensitivity"] == Sensitivity.STATE_SECRET for part in parts)
    secret_entry = entry["secrecy_level"] == SecrecyLevel.STATE_SECRET
    if secret_item and not secret_entry:
        message = "An item is a state secret, so the entry is one. Raise its secrecy level, or take the item out."
        return [Finding("/secrecy_level", "entry.secrecy_level", message)]
    findings = []
    if secret_entry and any(part["share_attribute"] != ShareAttribute.NO_SHARING for part in parts):
        message = "State secrets never travel over this platform. Classify every item as not shared, with its basis."
        findings.append(Finding("/secrecy_level", "entry.state_secret_shared", message))
    if secret_entry and entry["modes"]:
        message = "State secrets never travel over this platform. Remove the modes of sharing."
        findings.append(Finding("/modes", "entry.state_secret_modes", message))
    return findings


def _check_modes(entry: Fields, parts: Sequence[Fields], profile: Profile) -> list[Finding]:
    """How shareable data is offered ([M] Art. 7, 16; R10, R46)."""
    shareable = (ShareAttribute.UNIVERSAL, ShareAttribute.ON_REQUEST)
    if not any(part["share_attribute"] in shareable for part in parts):
        return []
    modes = entry["modes"]
    findings = []
    if not modes:
        findings.append(Finding("/modes", "entry.modes_missing", "Shareable data is offered somehow. Choose a mode."))
    if entry["format"] in profile.file_formats and Mode.FILES not in modes:
        message = "A resource made of files is shared as files. Add the mode file download."
        findings.append(Finding("/modes", "entry.files_required", message))
    fast = entry["update_cycle"] in list(UpdateCycle) and UpdateCycle(entry["update_cycle"]).at_most_daily
    if (fast or entry["parallel_approval"]) and Mode.INTERFACE not in modes:
        message = (
            "Data that changes daily or faster, or serves parallel approval, must be offered by interface. Add it."
        )
        findings.append(Finding("/modes", "entry.interface_required", message))
    elif entry["format"] in profile.interface_formats and Mode.INTERFACE not in modes:
        message = "A service is shared by interface. Add the mode interface."
        findings.append(Finding("/modes", "entry.service_interface", message))
    return findings


def _finding(path: str, code: str, message: str, **context: object) -> Finding:
    return Finding(path, code, message, context=context)
