"""Handing out prepared files and packages (RFC 9110 ranges): each fetch is a release, evidenced before the first byte.

Whoever holds a signed address fetches as the person or program that it was made for; a signed-in requester of that
agency needs none. The object store itself is never exposed.
"""

import uuid
from urllib.parse import quote

from flask import Blueprint, Response, request
from werkzeug.http import quote_etag, unquote_etag

from adapters.errors import NotAuthenticated
from audit.actor import Actor
from directory.permissions import receive, require
from exchange.deliveries.address import check_address, holder_of, require_receiver
from exchange.deliveries.fetch import open_prepared, prepared
from exchange.deliveries.models import Delivery
from exchange.deliveries.sending import Sending
from portal.access import PUBLIC, access, current_actor, refuse_as
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
    delivery = prepared(session, actor, delivery_id)
    if request.method == "HEAD":
        return _described(delivery, Response(), {"Content-Length": str(delivery.bytes)})
    start, stop, status = wanted_range(delivery.bytes, delivery.sha256)
    if status == 416:
        return _described(delivery, Response(status=416), {"Content-Range": f"bytes */{delivery.bytes}"})
    release = open_prepared(session, actor, delivery_id, start, stop)
    answer = Response(Sending(release, portal_settings()), status=status)
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
    """Who fetches: the one that the signed address was made for, or the signed-in requester.

    Raises:
        NotAllowed: the address was changed or has expired, or the person receives nothing for the agency.
        NotAuthenticated: neither an address nor a sign-in.
    """
    fields, actor = request.args, current_actor()
    if "token" in fields:
        agency_id, expires = identifier(fields.get("agency", "")), fields.get("expires", "")
        seconds = int(expires) if expires.isascii() and expires.isdigit() and len(expires) < 12 else 0
        token = fields["token"] if fields["token"].isascii() else ""
        holder = fields.get("for", "")
        check_address(portal_settings().secret_key, delivery_id, agency_id, holder, seconds, token)
        known = holder_of(current_session(), holder, request.remote_addr or "")
        refuse_as(known)
        require_receiver(known, delivery_id, agency_id)
        return known
    if actor.person_id is None:
        raise NotAuthenticated("delivery.sign_in", "Sign in, or use the signed address of the delivery.")
    require(receive(actor, None), "delivery.delivered", f"delivery/{delivery_id}")
    return actor


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


PAGES = Pages(blueprint)
