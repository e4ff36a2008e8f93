"""Terms that this process remembers between calls of an interface, so that a call need not read them first.

What is remembered may be old. It serves only where the statement that records the release holds ``unchanged``.
"""

import uuid
from dataclasses import replace

from sqlalchemy.orm import Session

from adapters.clock import city_date, system_now
from exchange.grants.terms import GrantTerms, terms_of
from schemas.words import Mode

_MOST = 1024
_known: dict[tuple[uuid.UUID, Mode], GrantTerms] = {}


def remembered_terms(session: Session, grant_id: uuid.UUID, mode: Mode) -> GrantTerms | None:
    """The terms as this process last read them, at today's date of the case clock; read when it does not know them.

    Those with a quota are read every time: the quota changes with every answer.
    """
    known = _known.get((grant_id, mode))
    if known is None:
        return fresh_terms(session, grant_id, mode)
    return replace(known, today=city_date(system_now() + known.clock_ahead))


def fresh_terms(session: Session, grant_id: uuid.UUID, mode: Mode) -> GrantTerms | None:
    """The terms as they are now, remembered for the next call."""
    terms = terms_of(session, grant_id, mode)
    if terms is None or terms.quota_rows is not None:
        _known.pop((grant_id, mode), None)
        return terms
    if len(_known) >= _MOST:
        _known.clear()
    _known[grant_id, mode] = terms
    return terms
