"""Handing out a delivery's evidence bundle, to people and to programs alike."""

import uuid

from flask import Response

from audit.log_keys import log_keys, promise_signer
from exchange.deliveries.bundle import bundle
from portal.access import current_actor
from portal.edge import current_session, portal_settings


def bundle_answer(delivery_id: uuid.UUID) -> Response:
    """The bundle as a file named after the delivery.

    Raises:
        Misconfigured: this process has no key for promises, or does not know the log's.
    """
    settings = portal_settings()
    key, keys = promise_signer(settings), log_keys(settings)
    made = bundle(current_session(), current_actor(), delivery_id, key, keys)
    answer = Response(made.data, content_type="application/zip")
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in made.number)
    answer.headers["Content-Disposition"] = f'attachment; filename="evidence-{plain}.zip"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
