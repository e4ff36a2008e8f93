"""What a catalogue version says: checked from a form, a workbook or the API, written into the tables, and read back."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from adapters.errors import InvalidInput, Sentence
from adapters.texts import word
from directory.catalogue.models import DataItem, ResourceVersion, UniversalGround
from directory.systems.queries import system_called
from schemas.canonical import digest
from schemas.code_lists import code_lists
from schemas.findings import Finding, Severity
from schemas.metadata import check_entry, derive_share_attribute, implied_item, profile
from schemas.words import OnMismatch, Sensitivity, ShareAttribute

_ENTRY_TEXTS = ("name", "abstract", "resource_class", "theme", "classification_code", "format", "update_cycle")
_ENTRY_WORDS = ("subject_kind", "secrecy_level", "network", "ground")
_ITEM_TEXTS = ("name", "field_name", "data_type", "description", "share_attribute", "share_condition", "open_attribute")
_ITEM_CODES = ("identifier_kind", "masking", "code_list")
_BASIS = ("kind", "document", "number", "article")


@dataclass(frozen=True)
class Content:
    """Checked content: columns of the version, and of each data item."""

    columns: dict[str, Any]
    items: list[dict[str, Any]]


def checked_content(
    session: Session, agency_id: uuid.UUID, entry: Mapping[str, Any], items: Sequence[Mapping[str, Any]]
) -> Content:
    """Check an entry with its items against the metadata profile; the same for every way of cataloguing (R19, R20).

    Raises:
        InvalidInput: ``problems`` names every place with its reason.
    """
    _check_shape(entry, items)
    findings = check_entry(entry, items, profile(), code_lists=code_lists().keys())
    _refuse_with([finding for finding in findings if finding.severity is Severity.ERROR])
    columns: dict[str, Any] = {key: _text(entry.get(key)) for key in (*_ENTRY_TEXTS, *_ENTRY_WORDS)}
    if columns["ground"]:
        word(columns["ground"], "/ground", UniversalGround)
    columns["keywords"] = [keyword.strip() for keyword in entry.get("keywords") or []]
    columns["modes"] = list(dict.fromkeys(entry.get("modes") or []))
    columns["parallel_approval"] = entry.get("parallel_approval") is True
    columns["system_id"] = _system_id(session, agency_id, _text(entry.get("system_name")))
    parts = items or [implied_item(entry)]
    rows = [_item_columns(number, item) for number, item in enumerate(parts)]
    columns["share_attribute"] = derive_share_attribute(rows)
    columns["search_text"] = _search_text(columns, rows)
    return Content(columns, rows)


def write_content(session: Session, version: ResourceVersion, content: Content) -> None:
    """Put checked content into a version in place of what it said; the caller flushes."""
    if version.items:
        version.items.clear()
        session.flush()
    for column, value in content.columns.items():
        setattr(version, column, value)
    version.items = [DataItem(**row) for row in content.items]


def entry_of(version: ResourceVersion) -> dict[str, Any]:
    """A version's metadata in the shape of a form or an API body."""
    entry = {key: getattr(version, key) for key in (*_ENTRY_TEXTS, *_ENTRY_WORDS)}
    system_name = version.system.name if version.system else ""
    lists = {"keywords": list(version.keywords), "modes": list(version.modes)}
    return entry | lists | {"parallel_approval": version.parallel_approval, "system_name": system_name}


def items_of(version: ResourceVersion) -> list[dict[str, Any]]:
    """A version's data items in the shape of a form or an API body."""
    names = ("position", *_ITEM_TEXTS, *_ITEM_CODES, "length", "scale", "nullable", "basis")
    more = ("sensitivity", "on_mismatch", "is_key")
    return [{name: getattr(item, name) for name in (*names, *more)} for item in version.items]


def content_digest(version: ResourceVersion) -> str:
    """SHA-256 of what a version says, hex, so that evidence shows what exactly was reviewed and published.

    What is empty is left out, so that a field which a later release adds changes no older version's digest.
    """
    return digest({"entry": _said(entry_of(version)), "items": [_said(item) for item in items_of(version)]})


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if not (value is None or value is False or value in ("", []))}


def problems_of(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Findings as an error's problems."""
    return [
        {
            "pointer": finding.path,
            "code": finding.code,
            "message": Sentence(finding.message, **finding.context),
        }
        for finding in findings
    ]


def _refuse_with(errors: Sequence[Finding]) -> None:
    if errors:
        sentence = "The entry has {count} mistakes. Nothing was kept. Correct the marked places and save again."
        raise InvalidInput("entry.invalid", sentence, problems_of(errors), count=len(errors))


def _check_shape(entry: object, items: object) -> None:
    """Values that no field can hold are refused here, so that the checks meet texts, numbers, flags and lists alone."""
    parts = items if isinstance(items, list | tuple) else [None]
    findings = []
    for path, body in (("", entry), *((f"/items/{number}", part) for number, part in enumerate(parts))):
        if not isinstance(body, Mapping):
            findings.append(Finding(path or "/", "field.kind", "This must be a set of fields."))
            continue
        findings += [
            Finding(f"{path}/{name}", "field.kind", "A value of this kind cannot stand here.")
            for name, value in body.items()
            if isinstance(value, Mapping) and name != "basis"
            or isinstance(value, list | tuple) and (path or name not in ("keywords", "modes"))
        ]  # fmt: skip
    _refuse_with(findings)


def _item_columns(number: int, item: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {key: _text(item.get(key)) for key in _ITEM_TEXTS}
    row |= {key: _text(item.get(key)) or None for key in _ITEM_CODES}
    basis = item.get("basis") if item.get("share_attribute") == ShareAttribute.NO_SHARING else None
    mismatch = item.get("on_mismatch") or OnMismatch.SET_ASIDE
    return row | {
        "position": number + 1,
        "length": item.get("length"),
        "scale": item.get("scale"),
        "nullable": item.get("nullable") is not False,
        "sensitivity": _text(item.get("sensitivity")) or Sensitivity.NONE.value,
        "basis": {key: _text(basis.get(key)) for key in _BASIS} if isinstance(basis, Mapping) and basis else None,
        "on_mismatch": word(mismatch, f"/items/{number}/on_mismatch", OnMismatch).value,
        "is_key": item.get("is_key") is True,
    }


def _system_id(session: Session, agency_id: uuid.UUID, name: str) -> uuid.UUID | None:
    if not name:
        return None
    system = system_called(session, agency_id, name)
    if system is None:
        message = "Your agency has no system called {name} in the register. Register it first, or leave this empty."
        _refuse_with([Finding("/system_name", "entry.system_unknown", message, context={"name": name})])
        return None
    return system.id


def _search_text(columns: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    words = [columns["name"], columns["abstract"], *columns["keywords"]]
    return "\n".join([*words, *(row["name"] for row in rows), *(row["field_name"] for row in rows)]).casefold()


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
