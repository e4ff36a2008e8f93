"""Agreements beside the evidence log: their text, and every signature verified anew (R42, R120)."""

import base64
import uuid
from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from audit.models import Evidence
from audit.opened import personal_details
from audit.reconcile import Discrepancy, batches, recorded
from directory.keys.models import AgencyKey
from directory.keys.signing import verify_signature
from exchange.agreements.models import Agreement
from exchange.agreements.sign import signing_bytes
from exchange.applications.models import Application
from schemas.canonical import digest


def agreement_facts(agreement: Agreement) -> dict[str, object]:
    """What an agreement says, as ``agreement.proposed`` records it; signatures are over the same text."""
    return {
        "number": agreement.number,
        "digest": digest(agreement.document),
        "valid_to": agreement.valid_to.isoformat(),
    }


def signatures_stand(session: Session) -> Iterator[Discrepancy]:
    """Signatures that no entry records or that do not verify; agreements in force that a side did not sign."""
    rows = select(Agreement).options(selectinload(Agreement.signatures))
    for batch in batches(session, rows, Agreement.id):
        names = [f"agreement/{row.id}" for row in batch]
        entries = recorded(session, Evidence.subject, names, ["agreement.signed"], personal_details)
        keys = _keys(session, batch)
        sides = _sides(session, batch)
        for row in batch:
            subject, document = f"agreement/{row.id}", signing_bytes(row)
            stated = [each.after for each in entries.get(subject, [])]
            for given in row.signatures:
                key, text = keys[given.key_id], base64.b64encode(given.signature).decode()
                same = any(
                    (after.get("key"), after.get("signature", text)) == (key.fingerprint, text) for after in stated
                )
                if not same or not verify_signature(key, document, given.signature):
                    sentence = f"A signature of {subject} is not the one that its entry records, or does not verify."
                    yield Discrepancy(subject, sentence, found=text)
            if row.in_force_at is not None and {given.agency_id for given in row.signatures} != sides[row.id]:
                sentence = f"{subject} came into force, and the signatures of its two sides are not here."
                yield Discrepancy(subject, sentence, expected="2 signatures", found=str(len(row.signatures)))


def _keys(session: Session, batch: Sequence[Agreement]) -> dict[uuid.UUID, AgencyKey]:
    wanted = {given.key_id for row in batch for given in row.signatures}
    return {key.id: key for key in session.scalars(select(AgencyKey).where(AgencyKey.id.in_(wanted)))}


def _sides(session: Session, batch: Sequence[Agreement]) -> dict[uuid.UUID, set[uuid.UUID]]:
    wanted = [row.application_id for row in batch]
    columns = select(Application.id, Application.requester_id, Application.provider_id)
    found = session.execute(columns.where(Application.id.in_(wanted)))
    sides = {application: {requester, provider} for application, requester, provider in found}
    return {row.id: sides[row.application_id] for row in batch}
