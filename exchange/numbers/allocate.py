"""Give the next number of a document kind to an agency, without gaps (R118)."""

import uuid
from enum import StrEnum

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from adapters.clock import case_today
from directory.agencies.models import Agency
from exchange.numbers.models import DocumentCounter


class Document(StrEnum):
    """Kinds of numbered documents, by the letters that stand in their numbers."""

    APPLICATION = "SQ"  # 申请
    ANSWER = "DF"  # 答复
    AGREEMENT = "XY"  # 协议
    GRANT = "SX"  # 授权 (SQ is taken)
    DELIVERY = "JF"  # 交付
    DISPUTE = "XT"  # 协调
    CONCLUSION = "JL"  # 结论
    NEED = "XQ"  # 需求


def allocate(session: Session, agency_id: uuid.UUID, short_code: str, kind: Document, year: int) -> str:
    """Take the next number in the caller's transaction.

    The counter's row stays locked until that transaction ends, so a number that is rolled back is given again.

    Args:
        short_code: the agency's Latin code, e.g. ``SWJ``.
        year: year of the case clock.

    Returns:
        e.g. ``SWJ-SQ-2026-0001``; beyond 9,999 the number grows longer.
    """
    counted = (
        insert(DocumentCounter)
        .values(agency_id=agency_id, kind=kind, year=year, last=1)
        .on_conflict_do_update(
            index_elements=[DocumentCounter.agency_id, DocumentCounter.kind, DocumentCounter.year],
            set_={"last": DocumentCounter.last + 1},
        )
        .returning(DocumentCounter.last)
    )
    number = session.execute(counted).scalar_one()
    return f"{short_code}-{kind}-{year}-{number:04d}"


def next_number(session: Session, agency: Agency, kind: Document) -> str:
    """The next number of an agency in the year of the case clock."""
    return allocate(session, agency.id, agency.short_code, kind, case_today(session).year)
