"""Online browsing (在线浏览): a page of rows to look at, never a copy to keep ([M] Art. 16)."""

import base64
import hashlib
import os
import uuid
from dataclasses import dataclass

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.orm import Session

from adapters.paging import UnknownPlace
from adapters.settings import Settings
from exchange.grants.terms import ReleasedItem
from exchange.readers import Row, page_of_rows
from exchange.release import Release, ReleaseRequest, check, complete_whole

PAGE_ROWS = 50
_NONCE_BYTES, _NUMBER_BYTES = 12, 8


@dataclass(frozen=True)
class BrowsePage:
    """One page; ``next_after`` goes on from it, None at the end."""

    release_id: uuid.UUID
    items: tuple[ReleasedItem, ...]
    rows: list[Row]
    next_after: str | None
    dataset_number: int


def page(
    session: Session, settings: Settings, grant_id: uuid.UUID, request: ReleaseRequest, after: str | None = None
) -> BrowsePage:
    """One page of at most 50 rows; each page is a release with evidence of its own.

    Args:
        after: ``next_after`` of the page before; None or empty for the first page.

    Raises:
        ReleaseRefused: with the reason; evidenced.
        UnknownPlace: ``after`` is not of this grant, agency and load of the data.
    """
    release = check(session, grant_id, request)
    numbered, concerned = page_of_rows(release, settings, _opened(release, after) if after else None, PAGE_ROWS)
    rows = [row for _, row in numbered]
    shown = orjson.dumps(rows, default=str)
    body = orjson.dumps([_nonce(release), orjson.Fragment(shown)])
    complete_whole(session, release, rows=len(rows), body=body, size=len(shown), subjects=concerned)
    return BrowsePage(
        release_id=release.id,
        items=release.items,
        rows=rows,
        next_after=_sealed(release, numbered[-1][0]) if len(numbered) == PAGE_ROWS else None,
        dataset_number=release.terms.dataset_number,
    )


def _nonce(release: Release) -> str:
    """Secret, and the release's own, so that nobody finds the page's rows by trying, with the digest in the entry."""
    return hashlib.blake2b(release.id.bytes, key=release.masking_key, digest_size=16).hexdigest()


def _sealed(release: Release, row_number: int) -> str:
    """A place in the data that tells nobody its number: numbers would count the rows outside the row condition."""
    nonce = os.urandom(_NONCE_BYTES)
    number = row_number.to_bytes(_NUMBER_BYTES, "big")
    return base64.urlsafe_b64encode(nonce + _cipher(release).encrypt(nonce, number, _bound(release))).decode()


def _opened(release: Release, place: str) -> int:
    try:
        sealed = base64.b64decode(place, altchars=b"-_", validate=True)
        number = _cipher(release).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(release))
    except (ValueError, InvalidTag) as error:
        raise UnknownPlace(
            "browse.place", "The data was loaded anew, or this is no page of it. Start again from the first page."
        ) from error
    return int.from_bytes(number, "big")


def _cipher(release: Release) -> AESGCM:
    return AESGCM(hashlib.blake2b(b"browse", key=release.masking_key, digest_size=32).digest())


def _bound(release: Release) -> bytes:
    """What a place belongs to: a load of the data and the agency that browses; the key is the grant's own."""
    return f"{release.terms.dataset_version_id} {release.request.actor.agency_id}".encode()
