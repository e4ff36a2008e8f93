"""The receiver's receipt (交付回执): the moment of hand-over, with a digest of what arrived ([M] 17; R44, R49)."""

import base64
import re
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from adapters.errors import Conflict, InvalidInput
from adapters.texts import prose
from audit.actor import Actor
from audit.append import append
from audit.salted import salted
from directory import permissions
from directory.keys.models import AgencyKey
from directory.keys.queries import signing_key_of
from exchange.deliveries import load
from exchange.deliveries.models import Acknowledgement, Delivery, DeliveryState, FileFormat
from exchange.grants.ended import matter_of
from exchange.modes.package import RECEIPT_TYPE
from schemas.canonical import canonical_bytes, sha256_hex

LARGEST_RECEIPT = 8_192
_SHA256 = re.compile(r"[0-9a-f]{64}")


def acknowledge(
    session: Session,
    actor: Actor,
    delivery_id: uuid.UUID,
    *,
    accepted: bool,
    sha256: str = "",
    remark: str = "",
    receipt: Mapping[str, Any] | None = None,
    signature: bytes | None = None,
) -> Acknowledgement:
    """Acknowledge a delivery once; an accepted one must have arrived byte for byte.

    What is turned down is recorded with its remark, and with the digest of what arrived where the receiver gives one:
    who cannot read the file has none.

    Args:
        accepted: False turns the delivery down; then the digest may differ or be empty, and the remark says why.
        sha256: digest of the file that arrived, 64 hex digits; a package's stands in its receipt.
        receipt: of an accepted package, as ``exchange.modes.offline_open.receipt_of`` makes it.
        signature: Ed25519, 64 bytes, over the receipt's canonical bytes, by the agency's registered signing key.

    Raises:
        NotFound: no such delivery.
        NotAllowed: another agency's.
        Conflict: nothing was delivered yet, or it is acknowledged already.
        InvalidInput: a digest that is none or differs, no remark on a refusal, or no good receipt of a package.
    """
    delivery = load.locked(session, delivery_id)
    subject, matter = f"delivery/{delivery.id}", matter_of(delivery.grant)
    permissions.require(permissions.acknowledge(actor, delivery.agency_id), "delivery.acknowledged", subject, matter)
    _require_arrived(delivery)
    words = prose(remark, "/remark", most=4_000, optional=accepted)
    key = None
    if delivery.format == FileFormat.PACKAGE and accepted:
        key = _signer(session, actor, delivery, receipt, signature)
        sha256 = delivery.sha256
    _require_digest(delivery, sha256, accepted)
    given = Acknowledgement(
        delivery_id=delivery.id,
        sha256=sha256,
        accepted=accepted,
        remark=words,
        receipt=dict(receipt) if key and receipt else None,
        key_id=key.id if key else None,
        signature=signature if key else None,
        acknowledged_by=actor.person_id,
    )
    before = {"state": delivery.state}
    delivery.acknowledgement, delivery.state = given, DeliveryState.ACKNOWLEDGED
    session.flush()
    _record(session, actor, delivery, given, key, before)
    return given


def _record(
    session: Session,
    actor: Actor,
    delivery: Delivery,
    given: Acknowledgement,
    key: AgencyKey | None,
    before: dict[str, str],
) -> None:
    """In the clear whether it arrived; the receipt, which has digests of what arrived, in the encrypted part."""
    receipt = content(given, key)
    stated, salt = salted(receipt)
    append(
        session,
        "delivery.acknowledged",
        f"delivery/{delivery.id}",
        actor,
        matter=matter_of(delivery.grant),
        authority=f"grant/{delivery.grant.number}",
        before=before,
        after={
            "number": delivery.number,
            "resource": delivery.grant.resource.code,
            "state": delivery.state,
            "accepted": given.accepted,
            "key": receipt["key"],
            **stated,
        },
        personal={"remark": given.remark, "digest": sha256_hex(given.remark.encode()), **receipt, **salt},
    )


def content(given: Acknowledgement, key: AgencyKey | None) -> dict[str, Any]:
    """What a receipt says, as JSON; the remark stays with the two agencies.

    Args:
        key: the one that signed it, if one did.
    """
    return {
        "sha256": given.sha256,
        "accepted": given.accepted,
        "receipt": given.receipt,
        "key": key.fingerprint if key else None,
        "signature": base64.b64encode(given.signature).decode() if given.signature else None,
    }


def _require_arrived(delivery: Delivery) -> None:
    """A file arrives by being fetched; a package may travel on a medium, so it counts once it is prepared."""
    arrived = {DeliveryState.DELIVERED}
    if delivery.format == FileFormat.PACKAGE:
        arrived.add(DeliveryState.PREPARED)
    if delivery.state == DeliveryState.ACKNOWLEDGED:
        raise Conflict("delivery.acknowledged", "This delivery is acknowledged already. Its page shows the receipt.")
    if delivery.state not in arrived:
        raise Conflict("delivery.not_arrived", "Nothing of this delivery has arrived yet. Fetch it first.")


def _require_digest(delivery: Delivery, sha256: str, accepted: bool) -> None:
    if not accepted and not sha256:
        return
    if not _SHA256.fullmatch(sha256):
        sentence = "This is no SHA-256: give the 64 hex digits that `sha256sum` prints for what arrived."
        problem = {"pointer": "/sha256", "message": "Give 64 hex digits in small letters."}
        raise InvalidInput("delivery.no_digest", sentence, [problem])
    if accepted and sha256 != delivery.sha256:
        raise InvalidInput(
            "delivery.wrong_digest",
            "What arrived is not what was sent: its digest differs. Fetch it again, or turn the delivery down.",
            [{"pointer": "/sha256", "message": "The digest differs from that of the delivery."}],
        )


def _signer(
    session: Session,
    actor: Actor,
    delivery: Delivery,
    receipt: Mapping[str, Any] | None,
    signature: bytes | None,
) -> AgencyKey:
    """The agency's key that signed the receipt of this very package."""
    if not receipt or signature is None:
        raise InvalidInput(
            "delivery.receipt_needed",
            "An accepted package needs its signed receipt. Upload the receipt that `shuniu offline open` wrote with "
            "your "
            "agency's signing key.",
            [{"pointer": "/receipt", "message": "Upload the signed receipt."}],
        )
    stated = {
        "type": RECEIPT_TYPE,
        "delivery": str(delivery.id),
        "number": delivery.number,
        "receiver": actor.agency_code,
        "package_sha256": delivery.sha256,
        "verdict": "ACCEPTED",
    }
    other = sorted(name for name, value in stated.items() if receipt.get(name) != value)
    if other:
        raise InvalidInput(
            "delivery.other_receipt",
            "This is not the receipt of this delivery; it differs in {parts}. Upload the receipt of this package.",
            [{"pointer": f"/receipt/{name}", "message": "Differs from the delivery."} for name in other],
            parts=", ".join(other),
        )
    try:
        signed = canonical_bytes(dict(receipt))
    except ValueError:
        signed = b""
    key = signing_key_of(session, delivery.agency_id, signed, signature)
    if key is None or len(signed) > LARGEST_RECEIPT:
        raise InvalidInput(
            "delivery.bad_signature",
            "The signature is not one of your agency's registered key over this receipt. Sign the receipt again.",
            [{"pointer": "/signature", "message": "Not a signature of the registered key over this receipt."}],
        ).refused("delivery.acknowledged", f"delivery/{delivery.id}", matter_of(delivery.grant))
    return key
