"""The evidence bundle of a delivery: what was asked, granted, agreed, handed out and received, with proofs (R49)."""

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, or_, select
from sqlalchemy.orm import Session

from adapters.errors import Conflict
from audit.actor import Actor
from audit.append import append
from audit.archive.format import Kept
from audit.archive.read import archived
from audit.bundle import (
    AGREEMENT,
    ANSWER,
    CHECKPOINT,
    DELIVERY,
    GRANT,
    KEYS,
    MOST_ENTRIES,
    RECEIPT,
    SIGNATURES,
    entry_name,
    pack,
    proof_name,
)
from audit.keys import SigningKey
from audit.log_keys import LogKeys
from audit.models import Evidence, LogLeaf
from audit.opened import personal_details
from audit.proof import prove_all
from audit.salted import SALT
from audit.texts import entry_text
from directory import permissions
from directory.agencies.models import Agency
from directory.keys.models import AgencyKey
from exchange.agreements.models import Agreement
from exchange.applications import answer
from exchange.applications.models import Answer
from exchange.deliveries import queries
from exchange.deliveries.acknowledge import content as receipt_of
from exchange.deliveries.models import Acknowledgement, Delivery
from exchange.grants import recorded
from exchange.grants.ended import matter_of
from schemas.canonical import canonical_bytes

_DOCUMENTED = ("delivery.requested", "grant.opened", "application.answered", "delivery.acknowledged")
_LEFT = ("delivery.prepared", "delivery.delivered", "release.completed")


@dataclass(frozen=True)
class Bundle:
    """A bundle as it is handed out.

    Attributes:
        number: of the delivery.
        data: the zip.
    """

    number: str
    data: bytes


@dataclass(frozen=True)
class _Salts:
    """Salts of the digests that entries have: of documents by the last entry's kind, of what left by the entry's id."""

    documents: Mapping[str, str]
    left: Mapping[str, str]


def bundle(session: Session, actor: Actor, delivery_id: uuid.UUID, key: SigningKey, keys: LogKeys) -> Bundle:
    """Put together the evidence of a delivery; that somebody took it is an entry itself.

    Args:
        key: signs the manifest.
        keys: the log's public ones.

    Raises:
        NotFound: no such delivery.
        NotAllowed: it is between two other agencies.
        Conflict: an entry about it waits to be numbered.
    """
    delivery = queries.detail(session, actor, delivery_id)
    subject, matter = f"delivery/{delivery.id}", matter_of(delivery.grant)
    permissions.require(may_take(session, actor, delivery), "delivery.bundle_taken", subject, matter)
    files, salts = _entries(session, delivery)
    files |= _documents(session, delivery, salts)
    files[KEYS] = _keys(session, delivery, keys)
    append(
        session,
        "delivery.bundle_taken",
        subject,
        actor,
        matter=matter,
        authority=f"grant/{delivery.grant.number}",
        after={"number": delivery.number, "resource": delivery.grant.resource.code, "files": len(files)},
    )
    return Bundle(delivery.number, pack(keys.log.name, str(delivery.id), files, key))


def may_take(session: Session, actor: Actor, delivery: Delivery) -> permissions.Decision:
    """Whether the actor may have a delivery's evidence: its two agencies, and who may read all evidence."""
    sides = (delivery.agency_id, delivery.grant.provider_id)
    return permissions.read_evidence(actor, {session.get_one(Agency, side).credit_code for side in sides})


def _entries(session: Session, delivery: Delivery) -> tuple[dict[str, bytes], _Salts]:
    """Entries with their proofs, the checkpoint that all proofs are under, and the salts of contents.

    Raises:
        Conflict: one of them waits to be numbered.
    """
    rows = _rows(session, _belonging(session, delivery))
    salts, without = _salts(session, rows)
    rows += _rows(session, Evidence.subject.in_(without) & (Evidence.kind == "personal.destroyed")) if without else []
    if any(row.leaf_index is None for row in rows):
        raise Conflict(
            "delivery.evidence_waits",
            "An entry about this delivery waits to be numbered, which takes about a second. Try again then.",
        )
    proofs = prove_all(session, [row.leaf_index for row in rows])
    files = {CHECKPOINT: proofs[0].checkpoint.encode()}
    kept = archived(session, [row.id for row in rows if not row.body])
    for row, proof in zip(rows, proofs, strict=True):
        files[entry_name(row.leaf_index)] = _text(row, kept)
        files[proof_name(row.leaf_index)] = str(proof).encode()
    return files, salts


def _rows(session: Session, which: ColumnElement[bool]) -> list[Row[Any]]:
    """Entries with their places in the log, in its order."""
    return [
        *session.execute(
            select(Evidence.id, Evidence.kind, Evidence.body, LogLeaf.leaf_index)
            .outerjoin(LogLeaf, LogLeaf.evidence_id == Evidence.id)
            .where(which)
            .order_by(LogLeaf.leaf_index, Evidence.id)
            .limit(MOST_ENTRIES)
        )
    ]


def _salts(session: Session, rows: list[Row[Any]]) -> tuple[_Salts, list[str]]:
    """Salts of the contents that entries have digests of; and entries that have none (any more), as the subject of an
    entry that destroyed them."""
    last = {row.kind: row.id for row in rows if row.kind in _DOCUMENTED}
    left = [row.id for row in rows if row.kind in _LEFT]
    opened = personal_details(session, wanted := [*last.values(), *left])
    known = {one: details[SALT] for one, details in opened.items() if SALT in details}
    documents = {kind: known[one] for kind, one in last.items() if one in known}
    salts = _Salts(documents, {str(one): known[one] for one in left if one in known})
    return salts, [f"evidence/{one}" for one in wanted if one not in opened]


def _belonging(session: Session, delivery: Delivery) -> ColumnElement[bool]:
    """Entries about the delivery, what left for it, and what it rests on; not who took its bundle before."""
    subjects = [f"delivery/{delivery.id}", *_releases(session, delivery)]
    grant = delivery.grant
    told = [
        Evidence.subject.in_(subjects) & (Evidence.kind != "delivery.bundle_taken"),
        (Evidence.subject == f"grant/{grant.id}") & Evidence.kind.startswith("grant."),
    ]
    if grant.agreement_id:
        told.append((Evidence.subject == f"agreement/{grant.agreement_id}") & Evidence.kind.startswith("agreement."))
    if grant.application_id:
        answered = Evidence.kind == "application.answered"
        told.append((Evidence.subject == f"application/{grant.application_id}") & answered)
    keys = [f"key/{one}" for one in _used_keys(delivery)]
    told.append(Evidence.subject.in_(keys) & (Evidence.kind == "key.registered"))
    return or_(*told) & (Evidence.outcome != "REFUSED")


def _releases(session: Session, delivery: Delivery) -> set[str]:
    """The release that made the file, and the one that completed its hand-over."""
    delivered = (Evidence.subject == f"delivery/{delivery.id}") & (Evidence.kind == "delivery.delivered")
    rows = session.execute(select(Evidence.id, Evidence.body).where(delivered)).all()
    kept = archived(session, [row.id for row in rows if not row.body])
    said = [entry_text(_text(row, kept)) for row in rows]
    if None in said:
        raise _falsified()
    found = {str((each["data"]["after"] or {}).get("release")) for each in said if each}
    return {f"release/{one}" for one in (found | {str(delivery.release_id)} if delivery.release_id else found)}


def _text(row: Row[*tuple[Any, ...]], kept: Mapping[uuid.UUID, Kept]) -> bytes:
    """An entry's text, from the database or an archive.

    Raises:
        Conflict: it is in neither.
    """
    if not row.body and row.id not in kept:
        raise _falsified()
    return row.body or kept[row.id].body


def _falsified() -> Conflict:
    return Conflict(
        "delivery.evidence_falsified",
        "An entry about this delivery was changed or is gone, so its evidence cannot be handed out. Run `shuniu audit"
        " verify`.",
    )


def _documents(session: Session, delivery: Delivery, salts: _Salts) -> dict[str, bytes]:
    """The documents; with each goes the salt of the digest that its entry has of it."""
    grant = delivery.grant

    def salted(document: dict[str, Any], kind: str) -> bytes:
        salt = salts.documents.get(kind)
        return canonical_bytes(document | ({"salt": salt} if salt else {}))

    files = {
        DELIVERY: salted(_stated(delivery) | {"salts": dict(salts.left)}, "delivery.requested"),
        GRANT: salted(recorded.content(grant), "grant.opened"),
    }
    if grant.agreement is not None:
        files[AGREEMENT] = canonical_bytes(grant.agreement.document)
        files[SIGNATURES] = canonical_bytes({"signatures": _signatures(session, grant.agreement)})
    if grant.application_id:
        wanted = select(Answer).where(Answer.application_id == grant.application_id)
        given = session.scalars(wanted.order_by(Answer.round.desc()).limit(1)).first()
        if given is not None:
            files[ANSWER] = salted(answer.content(given), "application.answered")
    if delivery.acknowledgement is not None:
        files[RECEIPT] = salted(_receipt(session, delivery.acknowledgement), "delivery.acknowledged")
    return files


def _stated(delivery: Delivery) -> dict[str, Any]:
    names = ("number", "mode", "format", "state", "purpose", "matter", "rows", "bytes", "sha256")
    moments = ("requested_at", "prepared_at", "delivered_at")
    stated = {name: getattr(delivery, name) for name in names}
    dated = {name: moment.isoformat() if (moment := getattr(delivery, name)) else None for name in moments}
    return {"id": str(delivery.id), "grant": delivery.grant.number, **stated, **dated}


def _signatures(session: Session, agreement: Agreement) -> list[dict[str, str]]:
    return [
        {
            "key": session.get_one(AgencyKey, each.key_id).fingerprint,
            "signature": base64.b64encode(each.signature).decode(),
            "signed_at": each.signed_at.isoformat(),
        }
        for each in sorted(agreement.signatures, key=lambda each: each.signed_at)
    ]


def _receipt(session: Session, given: Acknowledgement) -> dict[str, Any]:
    """The receipt as its entry has it, and when it was given."""
    key = session.get_one(AgencyKey, given.key_id) if given.key_id else None
    return receipt_of(given, key) | {"acknowledged_at": given.acknowledged_at.isoformat()}


def _used_keys(delivery: Delivery) -> list[uuid.UUID]:
    """The agencies' keys that signed the receipt and the agreement."""
    used = [delivery.acknowledgement.key_id] if delivery.acknowledgement else []
    agreement = delivery.grant.agreement
    used += [each.key_id for each in agreement.signatures] if agreement else []
    return sorted({one for one in used if one})


def _keys(session: Session, delivery: Delivery, keys: LogKeys) -> bytes:
    """Public keys; whose an agency's is, the entry of its registration says."""
    used = [session.get_one(AgencyKey, one) for one in _used_keys(delivery)]
    agencies = [{"fingerprint": each.fingerprint, "public_key": each.public_key} for each in used]
    return canonical_bytes({"log": str(keys).split(), "agencies": agencies})
