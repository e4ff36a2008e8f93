"""Keys that agencies hold; only public halves are here."""

import uuid
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from adapters.clock import system_now
from adapters.database import Base, Code, Identity, Line, Moment, one_of


class KeyPurpose(StrEnum):
    """SIGN: Ed25519, signs agreements and receipts. RECEIVE: X25519 (age recipient), packages are encrypted to it."""

    SIGN = "SIGN"
    RECEIVE = "RECEIVE"


class AgencyKey(Base):
    """A public key of an agency, registered with proof of possession, dated, revocable.

    ``fingerprint`` is the SHA-256 of ``public_key`` in hex; ``public_key`` is base64 of the raw 32 bytes for SIGN and
    an age recipient (``age1…``) for RECEIVE.
    """

    __tablename__ = "agency_key"
    __table_args__ = (UniqueConstraint("fingerprint"), CheckConstraint(one_of("purpose", KeyPurpose), name="purpose"))

    id: Mapped[Identity]
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"), index=True)
    purpose: Mapped[Code]
    fingerprint: Mapped[Code]
    public_key: Mapped[Line]
    registered_at: Mapped[Moment] = mapped_column(default=system_now)
    registered_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    revoked_at: Mapped[Moment | None]


class KeyChallenge(Base):
    """A random challenge that the holder of a new key answers to prove possession; used once, for ten minutes.

    For SIGN the holder signs it; for RECEIVE the hub encrypts it and the holder sends the plaintext back.
    """

    __tablename__ = "key_challenge"

    id: Mapped[Identity]
    agency_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("agency.id"), index=True)
    purpose: Mapped[Code]
    public_key: Mapped[Line]
    challenge: Mapped[Line]
    expires_at: Mapped[Moment]
    used_at: Mapped[Moment | None]
