"""Evidence for programs: entries go to their owners, hashes to everybody (C2SP tlog-tiles, tlog-checkpoint)."""

import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request

from adapters.errors import NotFound
from audit.models import Evidence
from audit.proof import prove
from audit.queries import indices, log_state, tile
from audit.search import Search, search
from audit.tiles import WIDTH, named
from audit.witness.gathered import newest_cosigned
from portal.access import PUBLIC, current_actor
from portal.api.endpoint import Query, endpoint, page_body, paging, version_one
from portal.edge import current_session
from portal.i18n import sentence_of
from portal.inputs import Malformed
from portal.own_evidence import agency_to_search, as_far_as_kept

blueprint: Blueprint = version_one("evidence")
TEXT = {"type": "string"}
ENTRY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "index": {"type": ["integer", "null"], "description": "Number in the log; null while the entry waits for it"},
        "recorded_at": {"type": "string", "format": "date-time"},
        "kind": TEXT,
        "outcome": {"enum": ["DONE", "REFUSED", "FAILED"]},
        "agency": {"type": "string", "description": "Credit code of the agency acted for"},
        "subject": TEXT,
        "matter": TEXT,
    },
}
PROVED = {
    "type": "object",
    "properties": {
        **ENTRY["properties"],
        "entry": {
            "type": ["string", "null"],
            "description": "The entry's text; its UTF-8 bytes are what was hashed into the log; null while `gone` says"
            " why it cannot be read",
        },
        "gone": {
            "type": ["object", "null"],
            "description": "Why there is no text: `evidence.archive_expired` after its period of keeping, another code"
            " where it is damaged. The rest of the answer, the proof too, holds without it",
            "properties": {"code": TEXT, "detail": TEXT},
            "required": ["code", "detail"],
        },
        "leaf_hash": {
            "type": "string",
            "pattern": "^[0-9a-f]{64}$",
            "description": "The hash that stands for the entry in the log, RFC 6962's, in hexadecimal",
        },
        "proof": {
            "type": ["string", "null"],
            "description": "c2sp.org/tlog-proof@v1; check it with `shuniu audit check`; null while the entry waits",
        },
    },
}
MOMENT = {"type": "string", "format": "date-time"}


@blueprint.get("/evidence")
@endpoint(
    "Evidence of my agency, or of one of its cases",
    response=ENTRY,
    paged=True,
    query=(
        Query("kind", "a kind, or its beginning up to a dot: application.", {"type": "string", "maxLength": 100}),
        Query("subject", "noun/identifier", {"type": "string", "maxLength": 200}),
        Query("matter", "application/identifier: all of a case, whoever acted", {"type": "string", "maxLength": 200}),
        Query("from", "from this moment on (RFC 3339)", MOMENT),
        Query("to", "before this moment (RFC 3339)", MOMENT),
    ),
)
def index() -> dict[str, Any]:
    """The newest first. Without `matter`, what was done for the caller's agency."""
    session, (cursor, limit) = current_session(), paging()
    fields = request.args
    matter = fields.get("matter", "").strip()[:200]
    wanted = Search(
        kind=fields.get("kind", "").strip()[:100],
        agency_code=agency_to_search(session, current_actor(), matter),
        subject=fields.get("subject", "").strip()[:200],
        matter=matter,
        since=_moment("from"),
        until=_moment("to"),
    )
    page = search(session, wanted, cursor, limit)
    numbers = indices(session, page.items)
    return page_body([_entry(one, numbers.get(one.id)) for one in page.items], page.next_cursor)


@blueprint.get("/evidence/<uuid:entry_id>")
@endpoint("One entry with the proof that it is in the log", response=PROVED)
def show(entry_id: uuid.UUID) -> dict[str, Any]:
    """Anybody can check the proof without the hub, with the log's key. What an entry says expires; number, hash and
    proof do not."""
    session = current_session()
    found, missing = as_far_as_kept(session, current_actor(), entry_id)
    return _entry(found.row, found.index) | {
        "entry": None if missing else found.row.body.decode(),
        "gone": {"code": missing.code, "detail": sentence_of(missing)} if missing else None,
        "leaf_hash": found.row.leaf_hash.hex(),
        "proof": None if found.index is None else str(prove(session, found.index)),
    }


@blueprint.get("/log/checkpoint")
@endpoint("The log's last checkpoint", response=TEXT, admits=PUBLIC, media_type="text/plain")
def checkpoint() -> Response:
    """A signed note of the log's size and root (c2sp.org/tlog-checkpoint) with the witnesses' cosignatures so far;
    `/api/v1/keys` has the key."""
    note = log_state(current_session()).checkpoint
    if not note:
        raise NotFound("log.empty", "The log has no checkpoint yet. The first one follows the first entry.")
    return Response(note, content_type="text/plain; charset=utf-8")


@blueprint.get("/log/cosigned")
@endpoint("The log's newest checkpoint with enough witnesses", response=TEXT, admits=PUBLIC, media_type="text/plain")
def cosigned() -> Response:
    """The newest that as many witnesses cosigned as the site's policy asks for (c2sp.org/tlog-cosignature)."""
    found = newest_cosigned(current_session())
    if found is None:
        raise NotFound(
            "log.not_cosigned",
            "No checkpoint of these days is cosigned by enough witnesses. Take the last one: /api/v1/log/checkpoint.",
        )
    return Response(found.note, content_type="text/plain; charset=utf-8")


@blueprint.get("/log/tile/<path:name>")
@endpoint("A tile of the log's hashes", admits=PUBLIC, media_type="application/octet-stream")
def hashes(name: str) -> Response:
    """As c2sp.org/tlog-tiles names it: `0/x001/x234/067`, `1/000.p/5`. It has hashes alone, no entries."""
    wanted = named(name)
    data = tile(current_session(), *wanted) if wanted else b""
    if wanted is None or not data:
        raise NotFound(
            "log.no_tile", "The log has no such tile, or a narrower one. Ask for what its checkpoint covers."
        )
    answer = Response(data, content_type="application/octet-stream")
    if wanted[2] == WIDTH:
        answer.headers["Cache-Control"] = "public, max-age=604800, immutable"
    return answer


def _moment(field: str) -> datetime | None:
    text = request.args.get(field, "").strip()
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Malformed(
            "evidence.bad_moment",
            "{field} must be a moment such as 2026-11-22T08:00:00Z or, with + written as %2B, an offset from UTC.",
            field=field,
        ) from None


def _entry(row: Evidence, number: int | None) -> dict[str, Any]:
    names = ("id", "recorded_at", "kind", "outcome", "subject", "matter")
    return {name: getattr(row, name) for name in names} | {"index": number, "agency": row.agency_code}
