"""Agreements beside the evidence log: their text, and every signature verified anew (R42, R120)."""

import base64
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from audit.models import Evidence
from audit.opened import personal_details
from audit.reconcile import Discrepancy, Recorded, batches, recorded
from directory.keys.models import AgencyKey
from directory.keys.signing import verify_signature
from exchange.agreements.models import Agreement, AgreementSignature
from exchange.agreements.sign import signing_bytes
from exchange.applications.models import Application
from schemas.canonical import digest

_SIGNED = ("agreement.signed", "agreement.signature_dropped")
_NOBODY = uuid.UUID(int=0)
"""The side of a key that is not registered here."""


def agreement_facts(agreement: Agreement) -> dict[str, object]:
    """What an agreement says, as ``agreement.proposed`` records it; signatures are over the same text."""
    return {
        "number": agreement.number,
        "digest": digest(agreement.document),
        "valid_to": agreement.valid_to.isoformat(),
    }


def signatures_stand(session: Session) -> Iterator[Discrepancy]:
    """Signatures that are not the last that entries leave to a side, or that do not verify; sides that did not sign
    what is in force.
    """
    rows = select(Agreement).options(selectinload(Agreement.signatures))
    for batch in batches(session, rows, Agreement.id):
        names = [f"agreement/{row.id}" for row in batch]
        entries = recorded(session, Evidence.subject, names, _SIGNED, personal_details)
        keys = _keys(session, {str(each.after.get("key")) for told in entries.values() for each in told}, batch)
        owners, sides = {key.fingerprint: key.agency_id for key in keys.values()}, _sides(session, batch)
        for row in entries.known(batch, lambda row: f"agreement/{row.id}"):
            subject, given = f"agreement/{row.id}", {each.agency_id: each for each in row.signatures}
            told = _left(entries.get(subject, []), owners)
            for side in sorted({*told, *given}):
                if side not in given:
                    sentence = f"{subject} has no signature that an entry records, and none says that it was dropped."
                    yield Discrepancy(subject, sentence, expected=str(told[side].after.get("key")))
                elif side not in told:
                    sentence = f"{subject} has a signature that no entry records, or that was dropped."
                    yield Discrepancy(subject, sentence, found=_text(given[side]))
                elif not _same(row, given[side], told[side], keys[given[side].key_id]):
                    sentence = f"A signature of {subject} is not the one that its entry records, or does not verify."
                    yield Discrepancy(subject, sentence, str(told[side].after.get("key")), _text(given[side]))
            if row.in_force_at is not None and {*given} != sides[row.id]:
                sentence = f"{subject} came into force, and the signatures of its two sides are not here."
                yield Discrepancy(subject, sentence, expected="2 signatures", found=str(len(given)))


def _left(entries: Sequence[Recorded], owners: Mapping[str, uuid.UUID]) -> dict[uuid.UUID, Recorded]:
    """The entry of the signature that each side is left with.

    A later signature takes the place of an earlier one, whose dropping older entries do not tell.
    """
    left: dict[uuid.UUID, Recorded] = {}
    for each in entries:
        side = owners.get(str(each.after.get("key")), _NOBODY)
        if each.kind == "agreement.signed":
            left[side] = each
        elif side in left and left[side].after.get("key") == each.after.get("key"):
            del left[side]
    return left


def _same(row: Agreement, given: AgreementSignature, told: Recorded, key: AgencyKey) -> bool:
    text, person = _text(given), str(given.signed_by)
    stated = told.after.get("key"), told.after.get("signature", text), told.person or person
    return stated == (key.fingerprint, text, person) and verify_signature(key, signing_bytes(row), given.signature)


def _text(given: AgreementSignature) -> str:
    return base64.b64encode(given.signature).decode()


def _keys(session: Session, fingerprints: Collection[str], batch: Sequence[Agreement]) -> dict[uuid.UUID, AgencyKey]:
    """The keys that entries or signatures name."""
    named = AgencyKey.fingerprint.in_(fingerprints)
    signed = AgencyKey.id.in_([given.key_id for row in batch for given in row.signatures])
    return {key.id: key for key in session.scalars(select(AgencyKey).where(named | signed))}


def _sides(session: Session, batch: Sequence[Agreement]) -> dict[uuid.UUID, set[uuid.UUID]]:
    wanted = [row.application_id for row in batch]
    columns = select(Application.id, Application.requester_id, Application.provider_id)
    found = session.execute(columns.where(Application.id.in_(wanted)))
    sides = {application: {requester, provider} for application, requester, provider in found}
    return {row.id: sides[row.application_id] for row in batch}
