"""OpenAPI 3.1 made from the routes' declarations and the contracts in ``schemas/json``."""

import re
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from portal.access import Caller, declaration
from portal.api.endpoint import Endpoint
from schemas.contracts import openapi_schemas

_ARGUMENT = re.compile(r"<(?:(\w+):)?(\w+)>")
_FAULTS = {
    "400": "The request cannot be read",
    "401": "No valid bearer token",
    "403": "Not allowed",
    "404": "No such thing",
    "409": "It does not fit the present state",
    "413": "Body too large",
    "415": "Not JSON",
    "422": "The body breaks its contract or a rule",
    "429": "Too many tries",
    "503": "A service behind the hub does not answer; try again later",
}


PROMISE = {
    "description": "The log's signed promise to hold the evidence of this call, and by when: a signed note (first line"
    " \u2018shuniu promise of inclusion, version 1\u2019) as a byte sequence of RFC 8941. Absent where the call left"
    " no evidence. Keep it; `shuniu audit check` says whether it was kept.",
    "schema": {"type": "string", "pattern": "^:[A-Za-z0-9+/]+=*:$"},
}


def description(app: Flask) -> dict[str, Any]:
    """The whole API as an OpenAPI document."""
    paths: dict[str, dict[str, Any]] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        declared: Endpoint | None = getattr(app.view_functions[rule.endpoint], "endpoint", None)
        if declared is None:
            continue
        path = paths.setdefault(_ARGUMENT.sub(r"{\2}", rule.rule), {})
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            path[method.lower()] = _operation(app, rule, declared)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Shuniu 枢纽",
            "version": "1",
            "description": "Native API of the city's data hub. Errors are problem details (RFC 9457).",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": openapi_schemas(),
            "headers": {"Shuniu-Promise": PROMISE},
            "securitySchemes": {
                "client": {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}},
                }
            },
        },
    }


def _operation(app: Flask, rule: Rule, declared: Endpoint) -> dict[str, Any]:
    access = declaration(app, rule.endpoint)
    closed = access is None or access.caller is not Caller.ANYBODY
    operation: dict[str, Any] = {
        "summary": declared.summary,
        "operationId": rule.endpoint.replace(".", "_"),
        "tags": [rule.rule.split("/")[3] if rule.rule.startswith("/api/v1/") else "hub"],
        "parameters": _parameters(rule, declared),
        "responses": {
            code: answer | {"headers": {"Shuniu-Promise": {"$ref": "#/components/headers/Shuniu-Promise"}}}
            for code, answer in {str(declared.status): _success(declared), **_faults(declared, closed)}.items()
        },
        "security": [{"client": []}] if closed else [],
    }
    documentation = app.view_functions[rule.endpoint].__doc__
    if documentation:
        operation["description"] = documentation.split("\n\n")[0].strip()
    if declared.request:
        schema = {"$ref": f"#/components/schemas/{declared.request}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _parameters(rule: Rule, declared: Endpoint) -> list[dict[str, Any]]:
    found = [_in_path(kind, name) for kind, name in _ARGUMENT.findall(rule.rule)]
    found += [
        {"name": q.name, "in": "query", "required": q.required, "description": q.description, "schema": q.schema}
        for q in declared.query
    ]
    if declared.paged:
        limit = {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
        found.append(_field("cursor", "query", "next_cursor of the page before", {"type": "string"}))
        found.append(_field("limit", "query", "how many at most", limit))
    if declared.creates:
        key = {"type": "string", "minLength": 1, "maxLength": 255}
        found.append(
            _field("Idempotency-Key", "header", "a new random value; the same when repeating", key) | {"required": True}
        )
    return found


def _in_path(kind: str, name: str) -> dict[str, Any]:
    schema = {"uuid": {"type": "string", "format": "uuid"}, "int": {"type": "integer"}}.get(kind, {"type": "string"})
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _field(name: str, place: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": place, "description": text, "schema": schema}


def _success(declared: Endpoint) -> dict[str, Any]:
    if declared.response is None:
        schema: dict[str, Any] = {"type": "string", "contentEncoding": "binary"}
    elif isinstance(declared.response, str):
        schema = {"$ref": f"#/components/schemas/{declared.response}"}
    else:
        schema = declared.response
    if declared.paged:
        own = {"type": "object", "properties": {"items": {"type": "array", "items": schema}}}
        schema = {"allOf": [{"$ref": "#/components/schemas/page"}, own]}
    return {"description": "Done", "content": {declared.media_type: {"schema": schema}}}


def _faults(declared: Endpoint, closed: bool) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}}
    left_out = set() if declared.request else {"413", "415"}
    if not closed:
        left_out |= {"401", "403"}
    return {code: {"description": text, "content": problem} for code, text in _FAULTS.items() if code not in left_out}
