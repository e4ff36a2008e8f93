"""Formats of texts in API bodies: for each, what is wrong with a text, or nothing."""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import date, datetime
from uuid import UUID

from schemas.findings import Severity
from schemas.identifiers import credit_code, division_code, resident_id, resource_code
from schemas.identifiers.faults import Fault

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_SIGNATURE_BYTES = 64


def _uuid(text: str) -> str | None:
    try:
        right = str(UUID(text)) == text.lower()
    except ValueError:
        right = False
    return None if right else "This is no identifier (UUID). Copy it whole from where it was shown."


def _date(text: str) -> str | None:
    message = "This is no date of the calendar. Write it as 2026-01-31."
    try:
        date.fromisoformat(text)
    except ValueError:
        return message
    return None if _DATE.fullmatch(text) else message


def _moment(text: str) -> str | None:
    message = "This is no moment. Write it as 2026-01-31T09:30:00+08:00 (RFC 3339)."
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return message
    return None if _MOMENT.fullmatch(text) else message


def _signature(text: str) -> str | None:
    try:
        right = len(b64decode(text, validate=True)) == _SIGNATURE_BYTES
    except ValueError:
        right = False
    return None if right else "This is no Ed25519 signature: 64 bytes in base64. Sign again and send the whole text."


def _by(check: Callable[[str], tuple[Fault, ...]]) -> Callable[[str], str | None]:
    def fault(text: str) -> str | None:
        return next((found.message for found in check(text) if found.severity is Severity.ERROR), None)

    return fault


FORMATS: Mapping[str, Callable[[str], str | None]] = {
    "uuid": _uuid,
    "date": _date,
    "date-time": _moment,
    "ed25519-signature": _signature,
    "credit-code": _by(credit_code.check),
    "resident-id": _by(resident_id.check),
    "division-code": _by(division_code.check),
    "classification-code": _by(resource_code.check_classification),
}
