"""Handing out a delivery's evidence bundle, to people and to programs alike."""

import uuid

from flask import Response

from audit.keys import SigningKey
from exchange.deliveries.bundle import bundle
from portal.access import current_actor
from portal.edge import current_session, portal_settings


def bundle_answer(delivery_id: uuid.UUID) -> Response:
    """The bundle as a file named after the delivery.

    Raises:
        Misconfigured: this process has no key of the log.
    """
    settings = portal_settings()
    settings.require("log_key")
    key = SigningKey.from_setting(settings.log_origin, settings.log_key)
    made = bundle(current_session(), current_actor(), delivery_id, key)
    answer = Response(made.data, content_type="application/zip")
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in made.number)
    answer.headers["Content-Disposition"] = f'attachment; filename="evidence-{plain}.zip"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
