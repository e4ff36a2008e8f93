"""The one door: every byte that leaves the hub for a requester leaves under a ``Release`` made here.

``authorise`` checks a grant against a request and commits the evidence before it returns; ``complete`` or ``abort``
close what it opened; ``sweep_open`` marks what a crash left open. A small answer that is built whole before it is sent
goes through ``check`` and ``complete_whole`` and needs one entry. Commits happen here, against the habit of services,
because nothing may leave before its evidence is durable ([M] Art. 15 to 18; R44, R48, R49, R120).
"""

import hashlib
import uuid
from collections.abc import Collection, Mapping
from dataclasses import InitVar, dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.database import together
from adapters.errors import Terminal
from adapters.prepared import Condition, all_of, apart, insertion
from audit.actor import HUB, Actor
from audit.append import Beside, Unmet, append
from audit.standing import require_flow
from audit.subjects.blind import NOBODY_ELSE, digest_of
from exchange import entries
from exchange.closing import close
from exchange.concerned import asked
from exchange.errors import ReleaseRefused
from exchange.grants.models import ReleaseRecord, ReleaseState
from exchange.grants.quota import charge
from exchange.grants.remembered import fresh_terms, remembered_terms
from exchange.grants.terms import NOT_ACTIVE, GrantTerms, Refused, ReleasedItem, reason_to_refuse, terms_of, unchanged
from schemas.words import Mode

OPEN_FOR = timedelta(hours=6)
SWEEP_LIMIT = 500
_COLUMNS = [column.name for column in ReleaseRecord.__table__.columns]
_INSERT = insertion("release", _COLUMNS, "release_", given="given").replace("%(release_evidence_id)s", "%(id)s")
_GIVEN = """
    SELECT held.id FROM access_grant held LEFT JOIN agreement ON agreement.id = held.agreement_id
    WHERE held.id = %(release_grant_id)s AND held.state = 'ACTIVE'
        AND (held.agreement_id IS NULL OR agreement.state = 'IN_FORCE')
"""
_HELD = " FOR SHARE OF held"
"""The grant as it stands when the release is recorded, and stays until that is committed. What takes an agreement out
of force changes its grant in the same transaction, so the grant's lock keeps both; a lock on both could deadlock."""
QUOTA: Refused = "quota", "The grant's quota of rows is used up."
_SEAL = object()
_masking_secret: list[bytes] = []


@dataclass(frozen=True)
class ReleaseRequest:
    """What a requester asks of the door.

    Attributes:
        items: field names asked for; empty for all that the grant names.
        purpose: the purpose of use; for an applied grant it must be the grant's own.
        matter: the case that the receiver handles with the data.
        subjects: key values looked up; personal, kept in the encrypted part of the entry.
    """

    actor: Actor
    mode: Mode
    purpose: str
    matter: str
    items: tuple[str, ...] = ()
    subjects: Mapping[str, str] = field(default_factory=dict)
    rests_on: Condition | None = None
    """What the actor was recognised by, where that was remembered: proven when the release is recorded, as are the
    grant's terms, which are then taken as remembered too. A refusal of such a request is not recorded; who made it
    recognises the caller anew and asks again without memory."""


@dataclass(frozen=True)
class StoredBytes:
    """A range of a file that was made, and charged to the quota, under a release of its own.

    Attributes:
        dataset_version_id: what the file was made of.
        start, stop: first byte and the one after the last.
        size: of the whole file.
        extract_id: the list of data subjects of its rows; None where they name none.
    """

    delivery_id: uuid.UUID
    dataset_version_id: uuid.UUID
    object_key: str
    start: int
    stop: int
    size: int
    extract_id: uuid.UUID | None = None

    @property
    def stated(self) -> dict[str, Any]:
        """How an entry gives it."""
        extract = {"extract": str(self.extract_id)} if self.extract_id else {}
        asked = {"delivery": str(self.delivery_id), "first_byte": self.start, "end": self.stop, "of_bytes": self.size}
        return asked | extract


@dataclass(frozen=True, kw_only=True)
class Release:
    """Leave to read one dataset version, or stored bytes, within limits. Only this module can make one.

    The seal is given when it is made and not kept, so that nobody can take it from one release for another.

    Attributes:
        items: what may be read, in catalogue order, with masking.
        row_condition: ``{}``, or field, operator and values that every row must meet.
        row_limit: most rows that may leave, None for no limit; 0 for stored bytes.
        masking_key: secret for hashing masked values, the grant's own.
    """

    id: uuid.UUID
    grant_id: uuid.UUID
    terms: GrantTerms
    request: ReleaseRequest
    items: tuple[ReleasedItem, ...]
    row_condition: Mapping[str, Any]
    row_limit: int | None
    masking_key: bytes = field(repr=False)
    stored: StoredBytes | None
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise Terminal("release.forged", "A release is made by exchange.release alone.")

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields that may be read."""
        return tuple(item.field_name for item in self.items)


def configure(masking_secret: bytes) -> None:
    """Set the site's secret from which each grant's masking key is derived; every edge calls it at its start."""
    _masking_secret[:] = [masking_secret]


def check(
    session: Session, grant_id: uuid.UUID, request: ReleaseRequest, *, stored: StoredBytes | None = None
) -> Release:
    """Check a request against its grant without opening anything.

    Args:
        stored: bytes that were made and charged earlier, for this grant and request.

    Raises:
        ReleaseRefused: with the reason; the refusal is committed as evidence.
        Transient: evidence has not been signed for too long, so nothing leaves.
    """
    require_flow(session)
    known = fresh_terms if request.rests_on is None else remembered_terms
    terms = known(session, grant_id, request.mode)
    refusal = reason_to_refuse(terms, request, prepared=stored is not None)
    if terms is None or refusal is not None:
        code, sentence = refusal or ("no_grant", "There is no such grant for your agency.")
        raise _refuse(session, grant_id, terms, request, code, sentence)
    wanted = request.items or tuple(item.field_name for item in terms.items)
    return Release(
        id=uuid.uuid4(),
        grant_id=grant_id,
        terms=terms,
        request=request,
        items=tuple(item for item in terms.items if item.field_name in wanted),
        row_condition=terms.row_condition,
        row_limit=0 if stored else terms.rows_left,
        masking_key=_masking_key(grant_id),
        stored=stored,
        seal=_SEAL,
    )


def authorise(
    session: Session, grant_id: uuid.UUID, request: ReleaseRequest, *, stored: StoredBytes | None = None
) -> Release:
    """Open the door for a streamed answer, a file or a package: AUTHORISED is committed when this returns.

    A limited quota is charged with the most that may leave; ``complete`` gives back what did not.

    Args:
        stored: as for ``check``; they are not charged again.

    Raises:
        ReleaseRefused: with the reason; the refusal is committed as evidence.
    """
    release = check(session, grant_id, request, stored=stored)
    reserved = 0
    if release.row_limit is not None and stored is None:
        reserved = min(release.row_limit, release.terms.dataset_rows)
        if not charge(session, grant_id, reserved):
            raise _refuse_now(session, release, QUOTA)
    try:
        _record(session, release, ReleaseState.AUTHORISED, rows_reserved=reserved)
    except Unmet:
        raise _refuse_now(session, release, NOT_ACTIVE) from None
    session.commit()
    return release


def complete_whole(
    session: Session,
    release: Release,
    *,
    rows: int,
    body: bytes,
    size: int | None = None,
    subjects: Collection[bytes] = (),
) -> str:
    """Commit the one entry of an answer that was built whole; only then may ``body`` be sent.

    Args:
        size: bytes of it that leave; None for all.
        subjects: tokens of those whom the answer's rows name; those whom the request asks about are added.

    Returns:
        SHA-256 of the body, hex.

    Raises:
        ReleaseRefused: the grant was stopped or its quota used up meanwhile.
    """
    digest = hashlib.sha256(body).hexdigest()
    figures = {"rows": rows, "bytes": len(body) if size is None else size, "digest": digest}
    try:
        if release.row_limit is None:
            _record(session, release, ReleaseState.COMPLETED, subjects, **figures)
        elif not _charged(session, release, subjects, figures):
            raise _refuse_now(session, release, QUOTA)
    except Unmet:
        raise _refuse_now(session, release, NOT_ACTIVE) from None
    session.commit()
    return digest


def _charged(session: Session, release: Release, subjects: Collection[bytes], figures: Mapping[str, Any]) -> bool:
    """Charge the quota and record the release, both or none; False when the quota does not hold the rows."""
    with together(session):
        charged = charge(session, release.grant_id, figures["rows"])
        if charged:
            _record(session, release, ReleaseState.COMPLETED, subjects, **figures)
    return charged


def complete(
    session: Session, release: Release, *, rows: int, size: int, digest: str, extract_id: uuid.UUID | None = None
) -> None:
    """Close an opened door: what left, in rows and bytes, the SHA-256 (hex) of the bytes, and the list of the data
    subjects in it. Commits."""
    state, actor = ReleaseState.COMPLETED, release.request.actor
    close(session, release.id, state, actor, rows=rows, size=size, digest=digest, extract_id=extract_id)
    session.commit()


def abort(session: Session, release: Release, *, rows: int, size: int, reason: str) -> None:
    """Close an opened door after a failure; ``rows`` and ``size`` are what had left by then. Commits."""
    close(session, release.id, ReleaseState.ABORTED, release.request.actor, rows=rows, size=size, reason=reason)
    session.commit()


def abandon(session: Session, release_id: uuid.UUID, reason: str) -> None:
    """Close a door that an earlier attempt left open, when it is certain that nothing left; a closed one stays so.

    The caller commits.
    """
    record = session.get(ReleaseRecord, release_id, with_for_update=True)
    if record is not None and record.state == ReleaseState.AUTHORISED:
        close(session, release_id, ReleaseState.ABORTED, HUB, reason=reason)


def sweep_open(session: Session, open_for: timedelta = OPEN_FOR) -> int:
    """Mark doors that a crash left open as UNKNOWN; their reserved rows stay charged, because they may have left.

    Returns:
        how many were marked; at most 500 a call. The caller commits.
    """
    stale = session.scalars(
        select(ReleaseRecord.id)
        .where(ReleaseRecord.state == ReleaseState.AUTHORISED, ReleaseRecord.authorised_at < system_now() - open_for)
        .order_by(ReleaseRecord.authorised_at)
        .limit(SWEEP_LIMIT)
        .with_for_update(skip_locked=True)
    ).all()
    for release_id in stale:
        close(session, release_id, ReleaseState.UNKNOWN, HUB, reason="no close was recorded")
    return len(stale)


def _refuse_now(session: Session, release: Release, otherwise: Refused) -> ReleaseRefused:
    """Refuse a release whose grant changed since it was checked, for the reason that it gives now."""
    terms, request = terms_of(session, release.grant_id, release.request.mode), release.request
    code, sentence = reason_to_refuse(terms, request, prepared=release.stored is not None) or otherwise
    return _refuse(session, release.grant_id, terms or release.terms, request, code, sentence)


def _refuse(
    session: Session, grant_id: uuid.UUID, terms: GrantTerms | None, request: ReleaseRequest, code: str, sentence: str
) -> ReleaseRefused:
    session.rollback()
    if request.rests_on is not None:
        return ReleaseRefused(f"release.{code}", sentence)
    known = {item.field_name for item in terms.items} | terms.dataset_fields if terms else set()
    others = [name for name in request.items if name not in known]
    after = {
        "reason": code,
        "resource": terms.resource_code if terms else None,
        "mode": request.mode,
        **entries.named([name for name in request.items if name in known]),
        **({"other_items": len(others)} if others else {}),
    }
    append(
        session,
        "release.refused",
        f"grant/{grant_id}",
        request.actor,
        outcome="REFUSED",
        matter=terms.matter if terms else "",
        after=after,
        personal=entries.personal(request.purpose, request.subjects, None, others, matter=request.matter),
        subjects=asked(terms.naming if terms else {}, request.subjects),
    )
    session.commit()
    return ReleaseRefused(f"release.{code}", sentence)


def _record(
    session: Session, release: Release, state: ReleaseState, subjects: Collection[bytes] = (), **figures: Any
) -> None:
    terms, request = release.terms, release.request
    extract = release.stored.extract_id if release.stored else None
    kind = "release.authorised" if state is ReleaseState.AUTHORISED else "release.completed"
    looked_up = asked(terms.naming, request.subjects)
    concerned = digest_of({*subjects} - looked_up) or (NOBODY_ELSE if state is ReleaseState.COMPLETED else "")
    append(
        session,
        kind,
        f"release/{release.id}",
        request.actor,
        matter=terms.matter,
        authority=f"grant/{terms.number}",
        after={
            "grant": str(release.grant_id),
            "resource": terms.resource_code,
            "dataset_version": str(_dataset_version(release)),
            "mode": request.mode,
            **entries.named(release.fields),
            "row_condition": entries.condition(release.row_condition),
            **(release.stored.stated if release.stored else {}),
            **figures,
        },
        personal=entries.personal(
            request.purpose, request.subjects, release.row_condition, matter=request.matter, concerned=concerned
        ),
        beside=_beside(release, state, figures),
        subjects={*subjects, *looked_up, *((extract.bytes,) if extract else ())},
    )


def _beside(release: Release, state: ReleaseState, figures: Mapping[str, Any]) -> Beside:
    """The release's own row, written only if the grant stands, and all that was remembered still holds."""
    values, given, rests_on = _record_of(release, state, figures), _GIVEN, release.request.rests_on
    if rests_on is not None:
        proven = [rests_on]
        if release.terms.quota_rows is None:
            proven.append(unchanged(release.terms, release.grant_id, release.request.mode))
        held = all_of(*proven)
        given, values = f"{given} AND {held.sql}", apart(values, held.values)
    return Beside(_INSERT, values, given + _HELD)


def _record_of(release: Release, state: ReleaseState, figures: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the release's own row, for ``_INSERT``."""
    request, now = release.request, system_now()
    values = {
        "id": release.id,
        "grant_id": release.grant_id,
        "agency_id": request.actor.agency_id,
        "dataset_version_id": _dataset_version(release),
        "mode": request.mode,
        "state": state,
        "purpose": request.purpose,
        "matter": request.matter,
        "authorised_at": now,
        "closed_at": now if state is ReleaseState.COMPLETED else None,
        "extract_id": release.stored.extract_id if release.stored else None,
        "delivery_id": release.stored.delivery_id if release.stored else None,
        **{"rows_reserved": 0, "rows": 0, "bytes": 0, "digest": "", **figures},
    }
    return {f"release_{name}": value for name, value in values.items()}


def _dataset_version(release: Release) -> uuid.UUID | None:
    return release.stored.dataset_version_id if release.stored else release.terms.dataset_version_id


def _masking_key(grant_id: uuid.UUID) -> bytes:
    if not _masking_secret:
        raise Terminal("release.not_configured", "Nothing can leave: this process has no masking secret.")
    return hashlib.blake2b(grant_id.bytes, key=_masking_secret[0][:64], digest_size=32).digest()
