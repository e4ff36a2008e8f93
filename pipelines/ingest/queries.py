"""Reading what was loaded."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from directory.catalogue.models import ResourceVersion
from directory.datasets.models import DatasetVersion

_MOST_LOADS = 50


def loads(session: Session, resource_id: uuid.UUID) -> list[DatasetVersion]:
    """A resource's loads, the newest first; at most 50."""
    found = select(DatasetVersion).where(DatasetVersion.resource_id == resource_id)
    return list(session.scalars(found.order_by(DatasetVersion.number.desc()).limit(_MOST_LOADS)))


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
