"""Ask for a file or an offline package under a grant; Airflow prepares it ([M] Art. 16; R44)."""

import uuid

from sqlalchemy.orm import Session

from adapters.clock import case_now
from adapters.errors import Conflict, InvalidInput, NotAllowed
from adapters.texts import line, prose
from adapters.work import Runner, enqueue
from audit.actor import Actor
from audit.append import append
from audit.salted import salted
from directory import permissions
from directory.agencies.models import Agency
from directory.keys.models import KeyPurpose
from directory.keys.queries import current_key
from exchange.deliveries.models import Delivery, DeliveryState, FileFormat
from exchange.grants import load as grants
from exchange.grants.ended import matter_of
from exchange.grants.models import Grant
from exchange.grants.terms import reason_to_refuse, terms_of
from exchange.numbers.allocate import Document, next_number
from exchange.release import ReleaseRequest
from schemas.words import Mode

FORMATS = {
    Mode.FILES: frozenset({FileFormat.PARQUET, FileFormat.CSV}),
    Mode.OFFLINE: frozenset({FileFormat.PACKAGE}),
}


def request(
    session: Session,
    actor: Actor,
    *,
    grant_id: uuid.UUID,
    mode: Mode,
    format: FileFormat,
    purpose: str,
    matter: str,
) -> Delivery:
    """Ask for a delivery. Nothing leaves by this: the one door checks again when the file is made and when it is
    fetched.

    Args:
        mode: FILES, or OFFLINE for a package encrypted to the agency's receiving key.
        format: PARQUET or CSV for FILES, PACKAGE for OFFLINE.
        purpose: the purpose of use; for an applied grant the grant's own.
        matter: the case the data is needed for, up to 300 characters.

    Raises:
        NotFound: no such grant.
        NotAllowed: not a requester or program of an agency of the grant, or the door would refuse, with its reason.
        Conflict: OFFLINE, and the agency has no receiving key.
        InvalidInput: a mode and format that do not go together, or a statement is missing.
    """
    grant = session.get(Grant, grant_id)
    if grant is None:
        raise grants.unknown()
    subject, case = f"grant/{grant.id}", matter_of(grant)
    permissions.require(permissions.receive(actor, grant.requester_id), "delivery.requested", subject, case)
    asked = _checked(session, actor, grant, mode, format, purpose, matter)
    delivery = Delivery(
        id=uuid.uuid4(),
        number=next_number(session, session.get_one(Agency, grant.provider_id), Document.DELIVERY),
        grant=grant,
        agency_id=asked_by(actor),
        mode=mode,
        format=format,
        state=DeliveryState.REQUESTED,
        purpose=asked.purpose,
        matter=asked.matter,
        requested_by=actor.person_id,
        requested_client=actor.client_id,
    )
    work = enqueue(session, "deliver", Runner.AIRFLOW, {"delivery_id": str(delivery.id)})
    delivery.work_id = work.id
    session.add(delivery)
    session.flush()
    _record(session, actor, delivery)
    return delivery


def _record(session: Session, actor: Actor, delivery: Delivery) -> None:
    use = {"purpose": delivery.purpose, "matter": delivery.matter}
    stated, salt = salted(use)
    append(
        session,
        "delivery.requested",
        f"delivery/{delivery.id}",
        actor,
        matter=matter_of(delivery.grant),
        authority=f"grant/{delivery.grant.number}",
        after={
            "number": delivery.number,
            "resource": delivery.grant.resource.code,
            "state": delivery.state,
            "mode": delivery.mode,
            "format": delivery.format,
            **stated,
        },
        personal={**use, **salt},
        case_time=case_now(session),
    )


def _checked(
    session: Session, actor: Actor, grant: Grant, mode: Mode, format: FileFormat, purpose: str, matter: str
) -> ReleaseRequest:
    """What the door will be asked, when it would not refuse it today."""
    if format not in FORMATS.get(mode, frozenset()):
        raise InvalidInput(
            "delivery.format",
            "This mode and format do not go together. Files are PARQUET or CSV; offline exchange is a PACKAGE.",
            [{"pointer": "/format", "message": "Choose a format of the chosen mode."}],
        )
    asked = ReleaseRequest(actor, mode, prose(purpose, "/purpose", most=4_000), line(matter, "/matter"))
    refused = reason_to_refuse(terms_of(session, grant.id, mode), asked)
    if refused is not None:
        code, sentence = refused
        raise NotAllowed(f"release.{code}", sentence).refused(
            "delivery.requested", f"grant/{grant.id}", matter_of(grant)
        )
    if mode == Mode.OFFLINE and current_key(session, asked_by(actor), KeyPurpose.RECEIVE) is None:
        raise Conflict(
            "delivery.no_key",
            "Your agency has no registered receiving key to encrypt the package to. Make one with `shuniu key new` and "
            "register it.",
        )
    return asked


def asked_by(actor: Actor) -> uuid.UUID:
    """The agency that asks; permissions have seen that there is one."""
    if actor.agency_id is None:
        raise NotAllowed("delivery.no_agency", "Only an agency can ask for a delivery. Sign in for your agency.")
    return actor.agency_id
