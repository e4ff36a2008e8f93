"""Offline packages: the next one in the channel from the hub to an agency, encrypted to the agency's key."""

import base64
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from adapters.clock import system_now
from adapters.database import transaction
from adapters.errors import Conflict, Misconfigured, Transient
from adapters.settings import Settings
from adapters.work import held
from audit.promise import promised_about
from directory.agencies.models import Agency
from directory.keys.models import KeyPurpose
from directory.keys.queries import current_key
from exchange.deliveries.models import Delivery
from exchange.modes.files import Written
from exchange.modes.offline import pack
from exchange.modes.package import PackageFacts
from exchange.release import Release

LIFETIME = timedelta(days=30)
"""How long after its making a package may be opened."""


@dataclass(frozen=True)
class Packed:
    """A package that was written.

    Attributes:
        statement: what is kept of its signed statement: ``{"sequence", "sha256", "envelope"}``.
    """

    written: Written
    recipient_key_id: uuid.UUID
    statement: dict[str, Any]


@contextmanager
def channel(settings: Settings, agency_id: uuid.UUID) -> Iterator[None]:
    """Be the only one who makes packages for an agency: they are numbered without gaps and name the one before.

    Raises:
        Transient: another package for the agency is being made.
    """
    with held(settings.app_database_url, agency_id) as ours:
        if not ours:
            raise Transient("package.channel_busy", "Another package for this agency is being made. Try again later.")
        yield


def write_package(settings: Settings, delivery_id: uuid.UUID, number: str, release: Release, sink: BinaryIO) -> Packed:
    """Write the package of a release.

    Args:
        settings: the hub's key, its name, and the folder for temporary files.
        delivery_id: the delivery.
        number: its number, as people read it.
        release: what may leave.
        sink: takes the package's bytes.

    Raises:
        Conflict: the agency has no receiving key any more.
        Misconfigured: the hub has no key of its own, or a wrong one.
    """
    agency_id = release.request.actor.agency_id
    assert agency_id is not None
    with transaction(settings.app_database_url) as session:
        agency = session.get_one(Agency, agency_id)
        key = current_key(session, agency_id, KeyPurpose.RECEIVE)
        if key is None:
            raise Conflict(
                "delivery.no_key", "The agency has no registered receiving key any more. Register one and ask again."
            )
        packages = (Delivery.agency_id == agency_id) & Delivery.statement.is_not(None)
        count = session.scalar(select(func.count()).select_from(Delivery).where(packages)) or 0
        last = session.scalar(select(Delivery.statement).where(packages).order_by(Delivery.prepared_at.desc()).limit(1))
        receiver, recipient, key_id = agency.credit_code, key.public_key, key.id
        promise = promised_about(session, settings, f"delivery/{delivery_id}", f"release/{release.id}")
    terms, now = release.terms, system_now()
    facts = PackageFacts(
        delivery=str(delivery_id),
        number=number,
        sender=settings.log_origin,
        receiver=receiver,
        recipient=recipient,
        sequence=count + 1,
        previous=last["sha256"] if last else "",
        grant=terms.number,
        resource=terms.resource_code,
        dataset_version=terms.dataset_number,
        items=release.fields,
        purpose=release.request.purpose,
        created=now.isoformat(),
        not_after=(now + LIFETIME).isoformat(),
        promise=promise,
    )
    scratch = settings.home / "scratch"
    scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    written, envelope = pack(release, settings, sink, facts, hub_key(settings), scratch)
    statement = {
        "sequence": facts.sequence,
        "sha256": hashlib.sha256(envelope).hexdigest(),
        "envelope": orjson.loads(envelope),
    }
    return Packed(written, key_id, statement)


def hub_key(settings: Settings) -> Ed25519PrivateKey:
    """The hub's own key, which attests what the hub packed.

    Raises:
        Misconfigured: it is not set, or is none.
    """
    settings.require("hub_key")
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(settings.hub_key, validate=True))
    except ValueError as error:
        raise Misconfigured(
            "settings.hub_key", "The setting {setting} must be 32 bytes in base64.", setting="SHUNIU_HUB_KEY"
        ) from error
