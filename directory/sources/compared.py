"""Sources beside the evidence log (R120)."""

from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import aliased

from directory.sources.models import Source
from directory.sources.sealing import sealed_digest
from schemas.canonical import digest


def source_facts(source: Source) -> dict[str, object]:
    """What a source is of and where it lies, and the digest of its sealed secrets, as attaching it recorded them."""
    return {
        "resource": source.resource.code,
        "connector": source.connector,
        "config_digest": digest(source.config),
        "sealed": sealed_digest(source.sealed),
    }


def was_replaced() -> ColumnElement[bool]:
    """Whether another source took the place of a detached one; that one's entry records both."""
    later = aliased(Source)
    return exists().where(
        later.resource_id == Source.resource_id, later.id != Source.id, later.attached_at >= Source.detached_at
    )
