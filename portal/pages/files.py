"""Handing out prepared files and packages (RFC 9110 ranges): checked and evidenced before the first byte.

Whoever holds a signed address acts for the agency that it was signed for; a signed-in requester of that agency needs
none. The object store itself is never exposed.
"""

import uuid
from collections.abc import Iterator
from itertools import chain
from urllib.parse import quote

from flask import Blueprint, Response, request
from werkzeug.http import quote_etag, unquote_etag

from adapters.errors import NotAuthenticated, NotFound
from audit.actor import Actor
from directory.agencies.queries import agency
from directory.permissions import receive, require
from exchange.deliveries.fetch import check_address, open_prepared
from exchange.deliveries.models import Delivery
from exchange.readers import prepared_chunks
from portal.access import PUBLIC, access, current_actor
from portal.edge import current_session, portal_settings
from portal.inputs import identifier
from portal.pages.frame import Pages

blueprint = Blueprint("files", __name__, url_prefix="/files")

MEDIA_TYPES = {
    "CSV": "text/csv; charset=utf-8",
    "PARQUET": "application/vnd.apache.parquet",
    "PACKAGE": "application/x-tar",
}


@blueprint.get("/<uuid:delivery_id>")
@access(PUBLIC, commits=True)
def fetch(delivery_id: uuid.UUID) -> Response:
    """The bytes of a prepared delivery, whole or one range of them."""
    session, actor = current_session(), _receiver(delivery_id)
    if request.method == "HEAD":
        return _head(session.get(Delivery, delivery_id), actor)
    delivery, release = open_prepared(session, actor, delivery_id)
    start, stop, status = wanted_range(delivery.bytes, delivery.sha256)
    if status == 416:
        return _described(delivery, Response(status=416), {"Content-Range": f"bytes */{delivery.bytes}"})
    chunks = _begun(prepared_chunks(release, portal_settings(), start, stop - start)) if stop > start else iter(())
    answer = Response(chunks, status=status)
    more = {"Content-Length": str(stop - start)}
    if status == 206:
        more["Content-Range"] = f"bytes {start}-{stop - 1}/{delivery.bytes}"
    return _described(delivery, answer, more)


def wanted_range(size: int, sha256: str) -> tuple[int, int, int]:
    """Which bytes the request asks for: start, stop (exclusive) and the status 200, 206 or 416 (RFC 9110, 13 and 14).

    Several ranges at once, other units and an ``If-Range`` of another file give the whole file.

    Args:
        size: of the file, bytes.
        sha256: its entity tag.
    """
    asked = request.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or not _same_file(sha256):
        return 0, size, 200
    found = asked.range_for_length(size)
    return (found[0], found[1], 206) if found else (0, 0, 416)


def _same_file(sha256: str) -> bool:
    given = request.headers.get("If-Range")
    return given is None or unquote_etag(given) == (sha256, False)


def _receiver(delivery_id: uuid.UUID) -> Actor:
    """Who fetches: the agency of the signed address, or the signed-in requester.

    Raises:
        NotAllowed: the address was changed or has expired, or the person is no requester.
        NotAuthenticated: neither an address nor a sign-in.
    """
    fields, actor = request.args, current_actor()
    if "token" in fields:
        agency_id, expires = identifier(fields.get("agency", "")), fields.get("expires", "")
        seconds = int(expires) if expires.isascii() and expires.isdigit() and len(expires) < 12 else 0
        token = fields["token"] if fields["token"].isascii() else ""
        check_address(portal_settings().secret_key, delivery_id, agency_id, seconds, token)
        holder = agency(current_session(), agency_id)
        return Actor(agency_id=agency_id, agency_code=holder.credit_code, address=request.remote_addr or "")
    if actor.person_id is None:
        raise NotAuthenticated("delivery.sign_in", "Sign in, or use the signed address of the delivery.")
    require(receive(actor, None), "delivery.delivered", f"delivery/{delivery_id}")
    return actor


def _head(delivery: Delivery | None, actor: Actor) -> Response:
    """What a fetch would bring; nothing leaves, so nothing is recorded."""
    if delivery is None or delivery.agency_id != actor.agency_id or not delivery.sha256:
        raise NotFound("delivery.unknown", "There is no such delivery for your agency.")
    return _described(delivery, Response(), {"Content-Length": str(delivery.bytes)})


def _described(delivery: Delivery, answer: Response, more: dict[str, str]) -> Response:
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in delivery.file_name) or "file"
    answer.headers["Content-Type"] = MEDIA_TYPES[delivery.format]
    answer.headers["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(delivery.file_name, safe='')}"
    )
    answer.headers["ETag"] = quote_etag(delivery.sha256)
    answer.headers["Accept-Ranges"] = "bytes"
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers.update(more)
    return answer


def _begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, the first of them read already: a store that does not answer is an error, not half a file."""
    first = next(chunks, b"")
    return chain([first], chunks)


PAGES = Pages(blueprint)
