"""What an API route declares, from which its checks and its OpenAPI description are both made."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import orjson
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from portal.access import CLIENT, Access
from portal.api.idempotency import Kept, keep_answer, kept_answer, required_key
from portal.inputs import Malformed, json_body

MAXIMUM_LIMIT = 200
View = Callable[..., Any]


@dataclass(frozen=True)
class Query:
    """A query field of an endpoint."""

    name: str
    description: str
    schema: dict[str, Any]
    required: bool = False


@dataclass(frozen=True)
class Endpoint:
    """One route's declaration.

    Attributes:
        summary: what it does, one English line.
        request: contract of the body; "" for none.
        response: contract of the answer, or a JSON Schema; None for an answer that is no JSON.
        status: status of success.
        paged: takes ``cursor`` and ``limit`` and answers with a page of ``response``.
        creates: a POST that creates; it demands an Idempotency-Key and repeats its answer.
        query: further query fields.
        media_type: of the answer.
    """

    summary: str
    request: str = ""
    response: str | dict[str, Any] | None = None
    status: int = 200
    paged: bool = False
    creates: bool = False
    query: tuple[Query, ...] = ()
    media_type: str = "application/json"


def version_one(name: str) -> Blueprint:
    """A blueprint of the API's first version."""
    return Blueprint(f"api_{name}", __name__, url_prefix="/api/v1")


def endpoint(
    summary: str,
    *,
    request: str = "",
    response: str | dict[str, Any] | None = None,
    status: int = 200,
    paged: bool = False,
    creates: bool = False,
    query: tuple[Query, ...] = (),
    admits: Access = CLIENT,
    commits: bool = False,
    single: bool = False,
    media_type: str = "application/json",
) -> Callable[[View], View]:
    """Declare an API route; put it between the blueprint's decorator and the function.

    The view gets the checked body as ``body`` when there is a contract. It returns what is to be sent as JSON, a tuple
    of that and the new thing's address, or a whole ``Response``. See ``Endpoint`` for the arguments; ``admits`` says
    who may call; ``commits`` and ``single`` are those of ``portal.access.Access``.
    """
    declared = Endpoint(summary, request, response, status, paged, creates, query, media_type)

    def wrap(view: View) -> View:
        @wraps(view)
        def answer(**arguments: Any) -> ResponseReturnValue:
            if declared.request:
                arguments["body"] = json_body(declared.request)
            if declared.creates:
                return _once(declared, view, arguments)
            return _answer(declared, view(**arguments))

        marked: View = answer
        marked.__dict__["access"] = Access(admits.caller, admits.roles, commits=commits, single=single)
        marked.__dict__["endpoint"] = declared
        return marked

    return wrap


def _once(declared: Endpoint, view: View, arguments: dict[str, Any]) -> Response:
    key = required_key()
    known = kept_answer(key)
    if known is not None:
        return known.response()
    made = _answer(declared, view(**arguments))
    keep_answer(key, Kept(made.status_code, made.headers.get("Location", ""), made.get_data()))
    return made


def _answer(declared: Endpoint, made: Any) -> Response:
    if isinstance(made, Response):
        return made
    location = ""
    if isinstance(made, tuple):
        made, location = made
    answer = json_answer(made, declared.status)
    if location:
        answer.headers["Location"] = location
    return answer


def json_answer(value: Any, status: int = 200) -> Response:
    """A value as JSON; moments are RFC 3339 in UTC, identifiers text."""
    data = orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)
    return Response(data, status=status, content_type="application/json")


def paging() -> tuple[str | None, int]:
    """This request's ``cursor`` and ``limit`` (50 when not given).

    Raises:
        Malformed: the limit is no number from 1 to 200.
    """
    given = request.args.get("limit", "50")
    limit = int(given) if given.isascii() and given.isdigit() and len(given) < 4 else 0
    if not 1 <= limit <= MAXIMUM_LIMIT:
        raise Malformed("page.bad_limit", "The limit must be a whole number from 1 to {most}.", most=MAXIMUM_LIMIT)
    return request.args.get("cursor") or None, limit


def page_body(items: list[Any], next_cursor: str | None) -> dict[str, Any]:
    """A page as contract ``page`` has it."""
    return {"items": items, "next_cursor": next_cursor}
