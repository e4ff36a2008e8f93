"""The requester records that the written form went over, with proof ([M] Art. 15¶2; R38, R39)."""

import uuid
from datetime import date

from sqlalchemy.orm import Session

from adapters.clock import case_now, city_date
from adapters.errors import Conflict
from adapters.texts import line
from audit.actor import Actor
from audit.append import append
from directory import permissions
from exchange.applications import load
from exchange.applications.models import ApplicationState, HandOver
from exchange.applications.receipt import require_day


def record_hand_over(
    session: Session, actor: Actor, application_id: uuid.UUID, *, handed_over_on: date, proof: str
) -> HandOver:
    """Record the hand-over (送达). It starts no clock by itself; the coordinating office may settle a date by it.

    Args:
        handed_over_on: from the form's day to today, by the case clock.
        proof: what shows it, such as a courier's number or a receipt slip; up to 300 characters.

    Raises:
        NotAllowed: not the requester.
        Conflict: there is no form yet, or the receipt is registered already.
        InvalidInput: the day cannot be, or there is no proof.
    """
    application = load.locked(session, application_id)
    subject = load.subject(application)
    permission = permissions.act_for_requester(actor, application.requester_id)
    permissions.require(permission, "application.handed_over", subject, subject)
    if application.state not in (ApplicationState.FORM_GENERATED, ApplicationState.RECEIVED):
        raise Conflict(
            "application.no_hand_over_now",
            "A hand-over is recorded after the form is generated and before the answer. Open the application to see "
            "its state.",
        )
    now = case_now(session)
    require_day(application, handed_over_on, city_date(now), "/handed_over_on")
    hand_over = HandOver(
        application_id=application.id,
        handed_over_on=handed_over_on,
        proof=line(proof, "/proof"),
        recorded_by=actor.person_id,
    )
    application.hand_overs.append(hand_over)
    session.flush()
    append(
        session,
        "application.handed_over",
        subject,
        actor,
        matter=subject,
        after={"handed_over_on": handed_over_on.isoformat()},
        personal={"proof": hand_over.proof},
        case_time=now,
    )
    return hand_over
