"""Data administrators (数据资源管理员) and their deputies, filed with the regulator ([M] Art. 21; R54)."""

import uuid

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from adapters.clock import case_today
from adapters.errors import Conflict, NotFound
from audit.actor import Actor
from audit.append import append
from directory.agencies.queries import agency
from directory.people.models import DataAdministrator, Person
from directory.people.queries import person
from directory.permissions import appoint_administrator, file_appointment, require


def appoint(
    session: Session, actor: Actor, agency_id: uuid.UUID, person_id: uuid.UUID, deputy_id: uuid.UUID | None = None
) -> DataAdministrator:
    """Name an agency's data administrator and deputy from today; whoever was named before is so no more.

    Raises:
        NotAllowed: the actor does not administer this agency's people.
        NotFound: there is no such agency or person.
        Conflict: one of the two is not of this agency or has left, or they are the same person.
    """
    require(appoint_administrator(actor, agency_id), "appointment.made", f"agency/{agency_id}")
    of = agency(session, agency_id, lock=True)
    if person_id == deputy_id:
        raise Conflict("appointment.same_person", "The deputy must be somebody else. Choose another person.")
    for named in filter(None, (person_id, deputy_id)):
        _check_belongs(person(session, named), agency_id)
    former = _current(session, agency_id)
    if former is not None:
        _end(session, actor, former)
    made = DataAdministrator(
        agency_id=of.id, person_id=person_id, deputy_id=deputy_id, appointed_on=case_today(session)
    )
    session.add(made)
    session.flush()
    facts = {
        "person": str(person_id),
        "deputy": str(deputy_id) if deputy_id else None,
        "agency": of.credit_code,
        "agency_id": str(of.id),
        "appointed_on": made.appointed_on.isoformat(),
    }
    append(session, "appointment.made", f"appointment/{made.id}", actor, after=facts, authority="[M] Art. 21")
    return made


def file(session: Session, actor: Actor, appointment_id: uuid.UUID) -> DataAdministrator:
    """Take an appointment on file (备案), today.

    Raises:
        NotAllowed: the actor is not of the regulator.
        NotFound: there is no such appointment.
        Conflict: it is on file already, or has ended.
    """
    require(file_appointment(actor), "appointment.filed", f"appointment/{appointment_id}")
    appointment = _appointment(session, appointment_id)
    if appointment.filed_on is not None or appointment.ended_on is not None:
        raise Conflict(
            "appointment.closed", "This appointment is on file already or has ended. Look at the latest one."
        )
    appointment.filed_on = case_today(session)
    session.flush()
    filed = {"filed_on": appointment.filed_on.isoformat()}
    append(session, "appointment.filed", f"appointment/{appointment_id}", actor, after=filed, authority="[M] Art. 21")
    return appointment


def end(session: Session, actor: Actor, appointment_id: uuid.UUID) -> DataAdministrator:
    """End an appointment without naming another.

    Raises:
        NotAllowed: the actor does not administer this agency's people.
        NotFound: there is no such appointment.
        Conflict: it has ended already.
    """
    appointment = _appointment(session, appointment_id)
    subject = f"appointment/{appointment_id}"
    require(appoint_administrator(actor, appointment.agency_id), "appointment.ended", subject)
    if appointment.ended_on is not None:
        raise Conflict("appointment.ended", "This appointment has ended already. There is nothing to do.")
    _end(session, actor, appointment)
    return appointment


def end_appointments_of(session: Session, actor: Actor, leaver: Person) -> None:
    """A leaver's appointment ends; where the leaver was deputy, the place is empty. The caller has checked who asks."""
    named = or_(DataAdministrator.person_id == leaver.id, DataAdministrator.deputy_id == leaver.id)
    statement = select(DataAdministrator).where(named, DataAdministrator.ended_on.is_(None)).with_for_update()
    for appointment in session.scalars(statement):
        if appointment.person_id == leaver.id:
            _end(session, actor, appointment)
        else:
            appointment.deputy_id = None
            before = {"deputy": str(leaver.id)}
            append(session, "appointment.deputy_left", f"appointment/{appointment.id}", actor, before=before)


def _check_belongs(named: Person, agency_id: uuid.UUID) -> None:
    if named.agency_id != agency_id or named.left_at is not None:
        sentence = "The data administrator and the deputy must be of the agency itself. Choose one of its people."
        raise Conflict("appointment.other_agency", sentence)


def _end(session: Session, actor: Actor, appointment: DataAdministrator) -> None:
    appointment.ended_on = max(case_today(session), appointment.appointed_on)
    session.flush()
    after = {"ended_on": appointment.ended_on.isoformat()}
    append(session, "appointment.ended", f"appointment/{appointment.id}", actor, after=after, authority="[M] Art. 21")


def _appointment(session: Session, appointment_id: uuid.UUID) -> DataAdministrator:
    found = session.scalar(select(DataAdministrator).where(DataAdministrator.id == appointment_id).with_for_update())
    if found is None:
        raise NotFound("appointment.unknown", "There is no such appointment. Choose one from the register.")
    return found


def _current(session: Session, agency_id: uuid.UUID) -> DataAdministrator | None:
    current = select(DataAdministrator).where(
        DataAdministrator.agency_id == agency_id, DataAdministrator.ended_on.is_(None)
    )
    return session.scalar(current.with_for_update())
