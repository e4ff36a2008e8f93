"""Reading what was loaded."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.paging import USUAL_PAGE, Page, page_of
from directory.catalogue.models import ResourceVersion
from directory.datasets.models import DatasetVersion


def loads(
    session: Session, resource_id: uuid.UUID, *, cursor: str | None = None, limit: int = USUAL_PAGE
) -> Page[DatasetVersion]:
    """A resource's loads, the newest first.

    Raises:
        InvalidInput: the cursor is not one of this list's.
    """
    found = select(DatasetVersion).where(DatasetVersion.resource_id == resource_id)
    return page_of(session, found, [DatasetVersion.number], cursor=cursor, limit=limit, descending=True)


def items_of(version: ResourceVersion) -> list[Mapping[str, Any]]:
    """The data items as row checks read them; a key is always required."""
    return [
        {
            "field_name": item.field_name,
            "data_type": item.data_type,
            "length": item.length,
            "scale": item.scale,
            "nullable": item.nullable and not item.is_key,
            "identifier_kind": item.identifier_kind,
            "on_mismatch": item.on_mismatch,
            "code_list": item.code_list,
            "is_key": item.is_key,
        }
        for item in version.items
    ]
