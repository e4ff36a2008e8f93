"""What one data item of a catalogue entry must keep to, beyond the form of its fields."""

import re
from collections.abc import Mapping
from typing import Any

from schemas.findings import Finding, Severity
from schemas.profile import Profile, check_fields, readable, shown
from schemas.words import DataType, IdentifierKind, Masking, Sensitivity, ShareAttribute

_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_HAS_NUMBER = re.compile(r"[0-9一二三四五六七八九十百千零〇]")
_WIDTHS = {IdentifierKind.CREDIT_CODE: 18, IdentifierKind.RESIDENT_ID: 18, IdentifierKind.DIVISION_CODE: 6}
_MOST_DIGITS = 38


def check_item(item: Mapping[str, Any], profile: Profile, path: str) -> list[Finding]:
    """Everything that is wrong with one item, seen alone.

    Args:
        item: keys as in the profile's ``item``, and ``basis``; any value may be of any JSON kind.
        profile: the version to keep to.
        path: JSON pointer of the item.
    """
    fields = readable(item, profile.item)
    return [
        *check_fields(item, profile.item, path),
        *_check_technical(fields, path),
        *check_sharing(fields | {"basis": item.get("basis")}, profile, path),
        *_check_blurring(fields, path),
    ]


def check_sharing(item: Mapping[str, Any], profile: Profile, path: str) -> list[Finding]:
    """The share attribute with what it demands ([M] Art. 8; R14 to R17), and secrets ([M] Art. 15; R42, R43)."""
    attribute, sensitivity = item.get("share_attribute"), item.get("sensitivity")
    findings = []
    if attribute == ShareAttribute.NO_SHARING:
        findings += _check_basis(item.get("basis"), profile, f"{path}/basis")
    if attribute == ShareAttribute.ON_REQUEST:
        findings += _check_condition(item.get("share_condition"), profile, f"{path}/share_condition")
    if sensitivity == Sensitivity.STATE_SECRET and attribute != ShareAttribute.NO_SHARING:
        message = "State secrets never travel over this platform. Classify the item as not shared, with its basis."
        findings.append(Finding(f"{path}/share_attribute", "item.state_secret_shared", message))
    elif sensitivity not in (None, Sensitivity.NONE) and attribute == ShareAttribute.UNIVERSAL:
        message = "Sensitive content cannot be shared universally. Share the item on request, with its condition."
        findings.append(Finding(f"{path}/share_attribute", "item.sensitive_universal", message))
    return findings


def _check_basis(basis: object, profile: Profile, path: str) -> list[Finding]:
    """A basis names a document that can be looked up: kind, name, number and article (R17)."""
    if not isinstance(basis, Mapping):
        message = "Not sharing needs a basis: the kind, name and number of a document, and its article."
        return [Finding(path, "item.basis_missing", message)]
    findings = check_fields(basis, profile.basis, path)
    document = readable(basis, profile.basis)["document"]
    if document and profile.is_vague(document):
        message = "{text} is no document. Name the law, regulation, rule or other document that forbids sharing."
        finding = Finding(f"{path}/document", "item.basis_vague", message, context={"text": shown(document)})
        findings = [finding, *(other for other in findings if other.path != finding.path)]
    if findings:
        return findings
    if basis["kind"] not in profile.rules.no_sharing_bases:
        message = "Under {document}, not sharing cannot rest on a basis of this kind."
        context = {"document": profile.rules.document}
        findings.append(Finding(f"{path}/kind", "item.basis_kind", message, context=context))
    for part in ("number", "article"):
        if not _HAS_NUMBER.search(str(basis[part])):
            message = "{text} holds no number, so nobody can look it up. Write it as the document does."
            context = {"text": shown(basis[part])}
            findings.append(Finding(f"{path}/{part}", "item.basis_vague", message, context=context))
    return findings


def _check_condition(condition: str | None, profile: Profile, path: str) -> list[Finding]:
    if not condition:
        message = "Sharing on request needs its condition. Say for which duties or under which terms it is shared."
        return [Finding(path, "item.condition_missing", message)]
    if profile.is_vague(condition):
        message = "{text} is no condition. Say for which duties or under which terms the item is shared."
        return [Finding(path, "item.condition_vague", message, context={"text": shown(condition)})]
    return []


def _check_technical(item: Mapping[str, Any], path: str) -> list[Finding]:
    findings = []
    name, length, scale = item.get("field_name"), item.get("length"), item.get("scale")
    data_type = item.get("data_type")
    if name and not _FIELD_NAME.fullmatch(name):
        message = "A field name is a Latin letter, then letters, digits and underscores. Rename {name}."
        findings.append(Finding(f"{path}/field_name", "item.field_name", message, context={"name": shown(name)}))
    if data_type in (DataType.CHARACTER, DataType.NUMERIC) and length is None:
        message = "Text and numeric items need a length. Enter the greatest number of characters or digits."
        findings.append(Finding(f"{path}/length", "item.length_missing", message))
    if data_type == DataType.NUMERIC and length is not None and length > _MOST_DIGITS:
        message = "A numeric item has at most {most} digits."
        findings.append(Finding(f"{path}/length", "item.length", message, context={"most": _MOST_DIGITS}))
    if scale is not None and length is not None and scale > length:
        message = "There cannot be more decimal places ({scale}) than digits ({length})."
        context = {"scale": scale, "length": length}
        findings.append(Finding(f"{path}/scale", "item.scale", message, context=context))
    kind = item.get("identifier_kind")
    if kind in _WIDTHS:
        findings += _check_identifier(IdentifierKind(kind), data_type, length, path)
    if item.get("code_list") and data_type not in (DataType.CHARACTER, None):
        message = "Codes are text. Make the item a text item, or remove its code list."
        findings.append(Finding(f"{path}/code_list", "item.code_list_type", message))
    return findings


def _check_identifier(kind: IdentifierKind, data_type: str | None, length: int | None, path: str) -> list[Finding]:
    if data_type not in (DataType.CHARACTER, None):
        return [
            Finding(f"{path}/data_type", "item.identifier_type", "Identifiers are text. Make the item a text item.")
        ]
    if length is not None and length < _WIDTHS[kind]:
        message = "This identifier has {width} characters, more than the length of the item. Raise the length."
        return [Finding(f"{path}/length", "item.identifier_length", message, context={"width": _WIDTHS[kind]})]
    return []


def _check_blurring(item: Mapping[str, Any], path: str) -> list[Finding]:
    masking, data_type = item.get("masking"), item.get("data_type")
    suits = {
        Masking.KEEP_LAST_4: {DataType.CHARACTER},
        Masking.HASH: {DataType.CHARACTER, DataType.MEMO},
        Masking.YEAR_ONLY: {DataType.DATE, DataType.DATETIME},
    }
    findings = []
    if masking in suits and data_type in list(DataType) and data_type not in suits[masking]:
        message = "This masking does not suit the data type. Choose another, or none."
        findings.append(Finding(f"{path}/masking", "item.masking", message))
    if item.get("sensitivity") == Sensitivity.WORK_SECRET and item.get("share_attribute") == ShareAttribute.ON_REQUEST:
        message = "Work secrets are outside government data under later national rules. Have the sharing confirmed."
        findings.append(Finding(f"{path}/sensitivity", "item.work_secret", message, Severity.WARNING))
    return findings
