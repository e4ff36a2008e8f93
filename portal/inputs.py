"""What callers send, made safe before a view sees it: sizes, encodings, JSON, identifiers.

PostgreSQL refuses NUL characters and half surrogates, so both are refused here for every text that comes in.
"""

import re
import uuid
from typing import Any

import orjson
from flask import g, request
from werkzeug.datastructures import MultiDict

from adapters.errors import InvalidInput, NotFound, Sentence, ShuniuError, TooLarge
from adapters.settings import Settings
from portal.access import Access
from schemas.contracts import validate

MAXIMUM_DEPTH = 32
MAXIMUM_FORM_PARTS = 20_000
_HALF = re.compile("[\ud800-\udfff]")


class WrongType(ShuniuError):
    """The body is of a media type this address does not take."""

    status = 415


class Malformed(ShuniuError):
    """The request cannot be read at all."""

    status = 400


def limit_body(declared: Access | None, settings: Settings) -> None:
    """Set how big this request's body may be, by what its route declares."""
    upload = declared is not None and declared.upload
    request.max_content_length = settings.upload_limit if upload else settings.body_limit
    request.max_form_memory_size = settings.body_limit
    request.max_form_parts = MAXIMUM_FORM_PARTS


def check_text() -> None:
    """Refuse text that no database takes, in the address, the query and a form.

    Raises:
        Malformed: a NUL character or a broken encoding is in it.
    """
    texts = [request.path, *_texts(request.args)]
    if request.mimetype in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        texts += _texts(request.form)
        texts += [file.filename or "" for file in request.files.values()]
    if not all(_storable(text) for text in texts):
        raise Malformed("input.characters", "The text holds characters that cannot be stored (NUL). Remove them.")


def _texts(values: MultiDict[str, str]) -> list[str]:
    return [text for pair in values.items(multi=True) for text in pair]


def _storable(text: str) -> bool:
    return "\x00" not in text and (text.isascii() or _HALF.search(text) is None)


def json_body(contract: str) -> Any:
    """The request's body as JSON that fits a contract.

    Args:
        contract: name of a schema in ``schemas/json``.

    Raises:
        WrongType: it is not announced as JSON.
        Malformed: it is no JSON (RFC 8259), or nested too deep.
        InvalidInput: it does not fit the contract; each place is named.
    """
    if not request.is_json:
        raise WrongType("input.not_json_type", "This address takes JSON. Send it with Content-Type: application/json.")
    g.raw_body = request.get_data()
    body = parse_json(g.raw_body)
    problems = validate(contract, body)
    if problems:
        raise InvalidInput(
            "input.contract",
            "The body does not fit its contract at {count} places. Correct them and send it again.",
            problems=[
                {"pointer": p.pointer, "code": p.code, "message": Sentence(p.template, **p.context)} for p in problems
            ],
            count=len(problems),
        )
    return body


def parse_json(data: bytes) -> Any:
    """Bytes as JSON, at most 32 levels deep and with storable text only.

    Raises:
        Malformed: they are not.
    """
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Malformed(
            "input.not_json",
            "The body is not valid JSON (line {line}, column {column}). Correct it and send it again.",
            line=error.lineno,
            column=error.colno,
        ) from None
    _check_tree(body, 0)
    return body


def _check_tree(value: Any, depth: int) -> None:
    if depth > MAXIMUM_DEPTH:
        raise Malformed("input.too_deep", "The body is nested more than {limit} levels deep.", limit=MAXIMUM_DEPTH)
    if isinstance(value, str) and not _storable(value):
        raise Malformed("input.characters", "The text holds characters that cannot be stored (NUL). Remove them.")
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_tree(key, depth + 1)
            _check_tree(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_tree(inner, depth + 1)


def identifier(text: str) -> uuid.UUID:
    """A UUID from a form or query field.

    Raises:
        NotFound: it is none, so there cannot be such a thing.
    """
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound("input.no_such_thing", "There is no such thing. Go back and choose again.") from None


def whole_number(text: str, default: int, least: int, most: int) -> int:
    """A number from a query field, the default when it is none, held between two bounds."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        return default
    return max(least, min(most, int(digits)))


def too_large(limit: int) -> TooLarge:
    """The error for a body over its limit (bytes)."""
    return TooLarge(
        "input.too_large",
        "What was sent is larger than {limit} bytes. Nothing was kept. Send a smaller file or less at once.",
        limit=limit,
    )
