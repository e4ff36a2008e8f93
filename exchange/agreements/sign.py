"""Sign an agreement with the agency's own key; when both have signed, it is in force and the grant opens (R42)."""

import base64
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import case_now, city_date, system_now
from adapters.errors import Conflict, InvalidInput, Terminal
from audit.actor import Actor
from audit.append import append
from directory import permissions
from directory.keys.models import AgencyKey, KeyPurpose
from directory.keys.queries import current_key
from directory.keys.signing import verify_signature
from exchange.agreements import load
from exchange.agreements.ended import end_agreement
from exchange.agreements.models import Agreement, AgreementSignature, AgreementState
from exchange.applications import load as applications
from exchange.applications.decisions import standing_of
from exchange.applications.models import Application
from exchange.applications.states import Event, advance
from exchange.grants.open import open_grant
from schemas.canonical import canonical_bytes, sha256_hex


def signing_bytes(agreement: Agreement) -> bytes:
    """The bytes that both sides sign: the document in canonical JSON (RFC 8785)."""
    return canonical_bytes(agreement.document)


def sign(session: Session, actor: Actor, agreement_id: uuid.UUID, *, signature: bytes) -> Agreement:
    """Sign for the actor's agency.

    Args:
        signature: Ed25519, 64 bytes, over ``signing_bytes``, by the agency's registered signing key.

    Raises:
        NotAllowed: no signatory of one of the two sides.
        Conflict: it does not wait for this signature (any more), its term is over, or the agency has no signing key.
        InvalidInput: the signature is not by the agency's key over this document.
    """
    agreement = load.locked(session, agreement_id)
    application = agreement.application
    subject, matter = f"agreement/{agreement.id}", applications.subject(application)
    permission = permissions.sign_agreement(actor, application.requester_id, application.provider_id)
    permissions.require(permission, "agreement.signed", subject, matter)
    _require_open(session, agreement)
    agency_id = actor.agency_id or application.requester_id
    key = current_key(session, agency_id, KeyPurpose.SIGN)
    if key is None:
        raise Conflict(
            "agreement.no_key",
            "Your agency has no registered signing key. Make one with `shuniu key new` and register it.",
        )
    _drop_revoked(session, actor, agreement, agency_id)
    document = signing_bytes(agreement)
    if sha256_hex(document) != agreement.digest:
        raise Terminal("agreement.changed", "The text of agreement {number} was changed.", number=agreement.number)
    if len(signature) != 64 or not verify_signature(key, document, signature):
        raise InvalidInput(
            "agreement.bad_signature",
            "The signature is not one of your agency's registered key over this agreement. Download the text again, "
            "sign "
            "it with that key, and upload the new signature.",
            [{"pointer": "/signature", "message": "Not a signature of the registered key over this text."}],
        ).refused("agreement.signed", subject, matter)
    mine = AgreementSignature(agency_id=agency_id, key_id=key.id, signature=signature, signed_by=actor.person_id)
    agreement.signatures.append(mine)
    session.flush()
    append(
        session,
        "agreement.signed",
        subject,
        actor,
        matter=matter,
        after={"number": agreement.number, "key": key.fingerprint},
        personal={"digest": agreement.digest, "signature": base64.b64encode(signature).decode()},
        case_time=case_now(session),
    )
    if _both_signed(session, agreement, application):
        _bring_into_force(session, actor, agreement, application)
    return agreement


def _require_open(session: Session, agreement: Agreement) -> None:
    if agreement.state != AgreementState.PROPOSED:
        raise Conflict(
            "agreement.not_open", "This agreement does not wait for signatures. Open its page to see its state."
        )
    if city_date(case_now(session)) > agreement.valid_to:
        raise Conflict(
            "agreement.term_over",
            "The term of this agreement ended on {day}. Withdraw the application and apply anew.",
            day=agreement.valid_to.isoformat(),
        )


def _drop_revoked(session: Session, actor: Actor, agreement: Agreement, agency_id: uuid.UUID) -> None:
    """Make room for a new signature when the key of the agency's earlier one was revoked since."""
    for earlier in [each for each in agreement.signatures if each.agency_id == agency_id]:
        key = session.get_one(AgencyKey, earlier.key_id)
        if key.revoked_at is None:
            raise Conflict(
                "agreement.signed_already",
                "Your agency has signed this agreement. The other side's signature comes next.",
            )
        session.delete(earlier)
        session.flush()
        session.refresh(agreement, ["signatures"])
        append(
            session,
            "agreement.signature_dropped",
            f"agreement/{agreement.id}",
            actor,
            matter=applications.subject(agreement.application),
            after={
                "number": agreement.number,
                "party": str(agency_id),
                "person": str(earlier.signed_by),
                "key": key.fingerprint,
                "why": "KEY_REVOKED",
            },
            case_time=case_now(session),
        )


def _both_signed(session: Session, agreement: Agreement, application: Application) -> bool:
    """Whether each side has signed with a key that is good still."""
    good = {
        each.agency_id
        for each in agreement.signatures
        if session.get_one(AgencyKey, each.key_id, populate_existing=True).revoked_at is None
    }
    return good == {application.requester_id, application.provider_id}


def _bring_into_force(session: Session, actor: Actor, agreement: Agreement, application: Application) -> None:
    before = select(Agreement).where(
        Agreement.application_id == application.id, Agreement.state == AgreementState.IN_FORCE
    )
    for older in session.scalars(before.with_for_update()).all():
        end_agreement(session, actor, older, f"Replaced by {agreement.number}.")
    agreement.state, agreement.in_force_at = AgreementState.IN_FORCE, system_now()
    session.flush()
    append(
        session,
        "agreement.in_force",
        f"agreement/{agreement.id}",
        actor,
        matter=applications.subject(application),
        before={"state": AgreementState.PROPOSED},
        after={"state": agreement.state, "number": agreement.number},
        personal={"digest": agreement.digest},
        case_time=case_now(session),
    )
    open_grant(session, actor, application, agreement)
    application.state = advance(application.state, Event.AGREEMENT_IN_FORCE, standing_of(session, application))
    session.flush()
