"""Online browsing (在线浏览): a page of rows to look at, never a copy to keep ([M] Art. 16)."""

import uuid
from dataclasses import dataclass

import orjson
from sqlalchemy.orm import Session

from adapters.settings import Settings
from exchange.grants.terms import ReleasedItem
from exchange.readers import Row, page_of_rows
from exchange.release import ReleaseRequest, check, complete_whole

PAGE_ROWS = 50


@dataclass(frozen=True)
class BrowsePage:
    """One page; ``next_after`` goes on from it, None at the end."""

    release_id: uuid.UUID
    items: tuple[ReleasedItem, ...]
    rows: list[Row]
    next_after: int | None
    dataset_number: int


def page(
    session: Session, settings: Settings, grant_id: uuid.UUID, request: ReleaseRequest, after: int | None = None
) -> BrowsePage:
    """One page of at most 50 rows after a row number; each page is a release with evidence of its own.

    Raises:
        ReleaseRefused: with the reason; evidenced.
    """
    release = check(session, grant_id, request)
    numbered = page_of_rows(release, settings, after, PAGE_ROWS)
    rows = [row for _, row in numbered]
    complete_whole(session, release, rows=len(rows), body=orjson.dumps(rows, default=str))
    return BrowsePage(
        release_id=release.id,
        items=release.items,
        rows=rows,
        next_after=numbered[-1][0] if len(numbered) == PAGE_ROWS else None,
        dataset_number=release.terms.dataset_number,
    )
