"""What agencies are called on pages: by the Chinese name, which is the official one, or in English where it has one."""

import uuid
from collections.abc import Collection

from sqlalchemy.orm import Session

from directory.agencies import queries
from directory.agencies.models import Agency
from portal.languages import is_chinese

AT = " · "


def agency_offered(agency: Agency) -> str:
    """An agency as a field offers it, so that no two read alike: ``市税务局 · SWJ``."""
    return f"{agency_name(agency)}{AT}{agency.short_code}"


def agency_name(agency: Agency) -> str:
    """An agency's name in the present language."""
    return agency.name if is_chinese() else agency.name_en or agency.name


def agency_names(session: Session, agency_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Names of several agencies at once in the present language, for lists."""
    return queries.agency_names(session, agency_ids, english=not is_chinese())
