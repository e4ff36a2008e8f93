"""Interface exchange (接口交换): a small JSON answer by key, built whole before it is sent ([M] Art. 16; R45)."""

import base64
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson
from sqlalchemy.orm import Session

from adapters.settings import Settings
from exchange.readers import rows_by_key
from exchange.release import ReleaseRequest, check, complete_whole

MOST_ROWS = 1_000
_NONCE_BYTES = 16
"""Of the nonce in each answer: the entry has the digest of the body, and by it nobody finds the row by trying."""


@dataclass(frozen=True)
class Answer:
    """An answer whose evidence is committed.

    Attributes:
        body: UTF-8 JSON, exactly the bytes to send.
        sha256: digest of the body, hex, as it stands in the evidence.
    """

    release_id: uuid.UUID
    body: bytes
    rows: int
    sha256: str


def look_up(
    session: Session,
    settings: Settings,
    grant_id: uuid.UUID,
    request: ReleaseRequest,
    key: Mapping[str, str],
    limit: int = MOST_ROWS,
) -> Answer:
    """Answer one call: rows whose released items equal the key's values.

    Args:
        key: field name to value, e.g. ``{"credit_code": "…"}``.
        limit: most rows, 1 to 1,000.

    Raises:
        ReleaseRefused: with the reason; evidenced.
    """
    release = check(session, grant_id, replace(request, subjects=dict(key)))
    rows, concerned = rows_by_key(release, settings, key, min(limit, MOST_ROWS))
    body = orjson.dumps(
        {
            "release": str(release.id),
            "resource": release.terms.resource_code,
            "dataset_version": release.terms.dataset_number,
            "items": list(release.fields),
            "rows": rows,
            "nonce": base64.urlsafe_b64encode(os.urandom(_NONCE_BYTES)).decode(),
        },
        default=str,
    )
    digest = complete_whole(session, release, rows=len(rows), body=body, subjects=concerned)
    return Answer(release_id=release.id, body=body, rows=len(rows), sha256=digest)
