"""Who was shown a person's or an organisation's record, when, why, and who asked for it (R48, R49, R84).

Calls and pages are found by the subject's own token; whole deliveries through the extracts that name it.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.paging import LARGEST_PAGE, USUAL_PAGE, Page, decode_cursor, encode_cursor
from adapters.prepared import Prepared
from adapters.texts import line, prose
from audit.actor import Actor
from audit.append import append, configured
from audit.models import Evidence
from audit.opened import personal_details
from audit.subjects.blind import SubjectKind
from audit.texts import program, texts

LONGEST_NUMBER = 100
LONGEST_REASON = 1_000
_NEWEST = Prepared(
    """
    WITH named AS (
        SELECT %(token)s::bytea AS token
        UNION ALL
        SELECT uuid_send(extract_id) FROM extract_subject WHERE token = %(token)s::bytea
    )
    SELECT found.recorded_at, found.evidence_id, bool_and(named.token <> %(token)s::bytea) AS whole
    FROM named CROSS JOIN LATERAL (
        SELECT recorded_at, evidence_id FROM evidence_subject
        WHERE evidence_subject.token = named.token
            AND recorded_at >= %(since)s::timestamptz AND recorded_at < %(until)s::timestamptz
            AND (recorded_at, evidence_id) < (%(moment)s::timestamptz, %(entry)s::uuid)
        ORDER BY recorded_at DESC, evidence_id DESC LIMIT %(most)s
    ) AS found
    GROUP BY found.recorded_at, found.evidence_id
    ORDER BY found.recorded_at DESC, found.evidence_id DESC LIMIT %(most)s
    """
)
_BEFORE_ALL = "infinity", str(uuid.UUID(int=0))


@dataclass(frozen=True)
class Shown:
    """One entry that concerns a data subject.

    Attributes:
        entry: its columns; the text is not loaded.
        whole: it is about a whole file or package whose rows name the subject, not about the subject alone.
        grant_id: the grant asked under, where the entry's text names it; None else.
        mode: the way of sharing, "" where it is none.
        program: the program that asked, "" where none is named.
        readable: whether the entry's text was read; it has expired, is lost or falsified otherwise, and what is taken
            from it is empty.
        receiver_matter: the receiver's own case, as stated with the call, from the entry's encrypted part; "" where
            there was none, or where the part was destroyed.
    """

    entry: Evidence
    whole: bool
    grant_id: uuid.UUID | None
    mode: str
    program: str
    readable: bool
    receiver_matter: str


def shown(
    session: Session,
    kind: SubjectKind,
    value: str,
    cursor: str | None = None,
    limit: int = USUAL_PAGE,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page[Shown]:
    """Entries that concern a data subject, the newest first: calls, refused ones too, pages, and whole deliveries.

    Args:
        value: the subject's number, however it is written.
        cursor: ``next_cursor`` of the page before.
        since: from this moment on.
        until: before this moment.

    Raises:
        UnknownPlace: the cursor is not one of this list's.
        Transient: some of them lie in an archive, and the object store does not answer.
    """
    limit = min(max(limit, 1), LARGEST_PAGE)
    moment, entry = decode_cursor(cursor, (datetime, uuid.UUID)) if cursor else _BEFORE_ALL
    token = configured().blind.token(kind, value)
    bounds = {"since": since or "-infinity", "until": until or "infinity"}
    found = _NEWEST.rows(session, token=token, moment=moment, entry=entry, most=limit + 1, **bounds)
    more = encode_cursor((found[limit - 1].recorded_at, found[limit - 1].evidence_id)) if len(found) > limit else None
    places = found[:limit]
    entries = {
        one.id: one
        for one in session.scalars(
            select(Evidence).where(
                Evidence.id.in_([place.evidence_id for place in places]),
                Evidence.recorded_at.in_({place.recorded_at for place in places}),
            )
        )
    }
    details, said = personal_details(session, entries), texts(session, entries.values())
    return Page(
        tuple(
            _shown(
                entries[place.evidence_id],
                place.whole,
                said.get(place.evidence_id),
                details.get(place.evidence_id, {}),
            )
            for place in places
            if place.evidence_id in entries
        ),
        more,
    )


def look(
    session: Session,
    actor: Actor,
    kind: SubjectKind,
    value: str,
    reason: str,
    cursor: str | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page[Shown]:
    """``shown``, for somebody who looks; that they looked, with what reason, is an entry itself.

    The caller has checked that the actor may.

    Raises:
        InvalidInput: no number, or no reason.
    """
    value, reason = checked(value, reason)
    page = shown(session, kind, value, cursor, since=since, until=until)
    bounds = {name: at.isoformat() for name, at in (("since", since), ("until", until)) if at}
    _looked(session, actor, kind, value, reason, {"found": len(page.items), "first_page": not cursor, **bounds})
    return page


def failed_look(
    session: Session, actor: Actor, kind: SubjectKind, value: str, reason: str, cursor: str | None = None
) -> None:
    """Record a look that ended in an error, in a transaction of its own: what was asked for and why is kept."""
    value, reason = checked(value, reason)
    _looked(session, actor, kind, value, reason, {"first_page": not cursor}, outcome="FAILED")


def checked(value: str, reason: str) -> tuple[str, str]:
    """What somebody looks for and why, as they are recorded.

    Raises:
        InvalidInput: no number, or no reason.
    """
    return line(value, "/value", most=LONGEST_NUMBER), prose(reason, "/reason", most=LONGEST_REASON)


def _looked(
    session: Session,
    actor: Actor,
    kind: SubjectKind,
    value: str,
    reason: str,
    facts: Mapping[str, Any],
    outcome: str = "DONE",
) -> None:
    token = configured().blind.token(kind, value)
    append(
        session,
        "evidence.subject_searched",
        f"data_subject/{token.hex()}",
        actor,
        outcome=outcome,
        after={"kind": kind, **facts},
        personal={"reason": reason, "value": value},
        subjects=[token],
    )


def _shown(entry: Evidence, whole: bool, said: Mapping[str, Any] | None, personal: Mapping[str, Any]) -> Shown:
    stated = (said or {}).get("after")
    after = stated if isinstance(stated, Mapping) else {}
    noun, _, key = entry.subject.partition("/")
    grant = after.get("grant") or (key if noun == "grant" else "")
    return Shown(
        entry=entry,
        whole=whole,
        grant_id=_identity(grant),
        mode=str(after.get("mode") or ""),
        program=program(said or {}),
        readable=said is not None,
        receiver_matter=str(personal.get("matter") or ""),
    )


def _identity(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None
