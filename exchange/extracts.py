"""The data subjects of a whole delivery: listed once per dataset version, row condition and number of rows.

A file or package of a million rows concerns as many people. They are listed in one extract, which every later release
of the same rows refers to, so that a second delivery adds none, and the log no row per person (R48, R84).
"""

import uuid
from collections.abc import Set

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.prepared import Prepared
from adapters.settings import Settings
from audit.append import configured
from audit.subjects.models import SubjectExtract
from exchange.readers import subjects
from exchange.release import Release
from schemas.canonical import canonical_bytes

_ADD = Prepared(
    """
    INSERT INTO extract_subject (token, extract_id)
    SELECT token, %(extract_id)s FROM unnest(%(tokens)s::bytea[]) AS named (token)
    ON CONFLICT DO NOTHING
    """
)


def record(session: Session, settings: Settings, release: Release, rows: int) -> uuid.UUID | None:
    """List the data subjects of the rows that a release lets out, unless they are listed already.

    Reads the columns that name subjects, whether they are released or not, in bounded memory. The caller commits, in a
    transaction of its own before the release is closed; a step that is killed midway leaves nothing.

    Args:
        rows: how many leave, the first ones in load order.

    Returns:
        the extract; None when the data names nobody or no row leaves.
    """
    terms = release.terms
    if not terms.naming or not rows:
        return None
    condition = configured().blind.digest(canonical_bytes(dict(release.row_condition)))
    same = (
        (SubjectExtract.dataset_version_id == terms.dataset_version_id)
        & (SubjectExtract.condition == condition)
        & (SubjectExtract.rows == rows)
    )
    session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"{terms.dataset_version_id} {condition}", 0)))
    )
    known = session.scalar(select(SubjectExtract.id).where(same))
    if known is not None:
        return known
    made = SubjectExtract(
        id=uuid.uuid4(), dataset_version_id=terms.dataset_version_id, condition=condition, rows=rows, subjects=0
    )
    made.subjects = sum(_add(session, made.id, tokens) for tokens in subjects(release, settings, rows))
    session.add(made)
    session.flush()
    return made.id


def _add(session: Session, extract_id: uuid.UUID, tokens: Set[bytes]) -> int:
    """Add tokens to an extract; how many it did not have."""
    return _ADD.run(session, extract_id=extract_id, tokens=sorted(tokens)) if tokens else 0
