"""Ask for the destruction of personal details, on a legal basis; nothing is destroyed until another person confirms."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict, InvalidInput, NotAllowed, NotFound
from adapters.texts import line, prose, word
from audit.actor import Actor
from audit.append import append, configured
from audit.destruction.models import Destruction
from audit.destruction.named import entries_naming
from audit.models import Evidence, EvidencePersonal
from audit.retention import legal_floor_years
from audit.subjects.blind import SubjectKind
from schemas.words import BasisKind

_LONGEST_NUMBER = 100
_BASIS = ("document", "number", "article")


@dataclass(frozen=True)
class Grounds:
    """Why details are to be destroyed.

    Attributes:
        basis: ``{"kind", "document", "number", "article"}``, as ``Destruction.basis``.
        early_basis: what lets it happen within the legal term of retention; "" for nothing.
        reason: in the asker's words, without personal details.
    """

    basis: Mapping[str, str]
    early_basis: str
    reason: str


def ask_for_entry(session: Session, actor: Actor, entry_id: uuid.UUID, grounds: Grounds) -> Destruction:
    """Ask to destroy the details of one entry. The caller has checked that the actor may ask.

    Raises:
        NotFound: no such entry, or no details beside it.
        Conflict: they are destroyed already, or the entry is younger than the legal term and nothing lets it happen.
        InvalidInput: basis or reason are missing.
    """
    entry, details = session.get(Evidence, entry_id), session.get(EvidencePersonal, entry_id)
    if entry is None or details is None:
        raise NotFound("evidence.no_personal", "There are no personal details beside the entry {id}.", id=entry_id)
    if details.wrapped_key is None:
        raise Conflict("evidence.personal_destroyed", "The personal details of this entry were destroyed for good.")
    made = _made(actor, grounds)
    made.entry_id = entry_id
    if entry.recorded_at >= floor() and not made.early_basis:
        raise Conflict(
            "destruction.too_early",
            "The legal term of {years} years is not over. Say what lets the details be destroyed before, or wait.",
            years=legal_floor_years(),
        )
    return _asked(session, actor, made, f"evidence/{entry_id}", {})


def ask_for_subject(session: Session, actor: Actor, kind: SubjectKind, value: str, grounds: Grounds) -> Destruction:
    """Ask to destroy the details of all entries whose details name a data subject; else as ``ask_for_entry``.

    Args:
        value: the subject's number; only its token is kept.

    Raises:
        Conflict: no entry's details name the subject, or none that is old enough; recorded, for who asks may only try.
            Or an entry that may name the subject cannot be read.
        Transient: an entry that may name the subject lies in an archive, and the object store does not answer.
        InvalidInput: number, basis or reason are missing.
    """
    made = _made(actor, grounds)
    token = configured().blind.token(kind, line(value, "/value", most=_LONGEST_NUMBER))
    made.kind, made.token = kind, token
    if next(entries_naming(session, kind, token, until(made)), None) is None:
        raise Conflict(
            "destruction.nobody",
            "No entry's details name this number, or none whose legal term is over. Nothing was asked for.",
        ).refused("personal.destruction_asked", f"data_subject/{token.hex()}")
    return _asked(session, actor, made, f"data_subject/{token.hex()}", {"value": value.strip()})


def floor() -> datetime:
    """Details of entries from this moment on are within the legal term of retention."""
    now = system_now()
    last_day = 28 if (now.month, now.day) == (2, 29) else now.day
    return now.replace(year=now.year - legal_floor_years(), day=last_day)


def until(destruction: Destruction) -> datetime | None:
    """Before which moment an entry must be recorded for a request to reach it; None for no such limit."""
    return None if destruction.early_basis else floor()


def _made(actor: Actor, grounds: Grounds) -> Destruction:
    if actor.person_id is None:
        raise NotAllowed("destruction.person", "Only a person can ask for this. Sign in to the portal.")
    missing = [name for name in ("kind", "document", "article") if not str(grounds.basis.get(name, "")).strip()]
    if missing:
        sentence = "Name the kind of document, the document and the article that ask for the destruction."
        problems = [{"pointer": f"/basis-{name}", "message": sentence} for name in missing]
        raise InvalidInput("destruction.no_basis", sentence, problems)
    return Destruction(
        id=uuid.uuid4(),
        basis={
            "kind": word(grounds.basis["kind"], "/basis-kind", BasisKind),
            **{name: line(grounds.basis.get(name), f"/basis-{name}", optional=True) for name in _BASIS},
        },
        early_basis=prose(grounds.early_basis, "/early_basis", most=1_000, optional=True),
        reason=prose(grounds.reason, "/reason", most=1_000),
        asked_by=actor.person_id,
    )


def _asked(session: Session, actor: Actor, made: Destruction, target: str, personal: Mapping[str, Any]) -> Destruction:
    session.add(made)
    session.flush()
    append(
        session,
        "personal.destruction_asked",
        f"destruction/{made.id}",
        actor,
        authority=authority(made),
        after={"target": target, "basis": made.basis, "early": bool(made.early_basis)},
        personal={"reason": made.reason, "early_basis": made.early_basis, **personal},
        subjects=[made.token] if made.token else (),
    )
    return made


def authority(made: Destruction) -> str:
    """The basis as an entry's authority."""
    return " ".join(part for name in ("document", "number", "article") if (part := made.basis.get(name, "")))[:300]
