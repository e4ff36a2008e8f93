"""Registering an agency's key: whoever registers one proves to hold its private half.

The hub makes a random challenge. For SIGN the holder signs it; for RECEIVE the hub encrypts it and the holder sends
the plaintext back. Several keys of a purpose may be valid at once; the newest is used.
"""

import hmac
import secrets
import uuid
from datetime import timedelta

from pyrage import encrypt, x25519
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict, InvalidInput, NotAllowed, NotFound
from adapters.texts import word
from audit.actor import Actor
from audit.append import append
from directory.keys.models import AgencyKey, KeyChallenge, KeyPurpose
from directory.keys.signing import checked_public_key, fingerprint, proof_text, signature_from_text, verifies
from directory.permissions import hold_keys, require

VALID_FOR = timedelta(minutes=10)


def challenge(session: Session, actor: Actor, purpose: str, public_key: str) -> KeyChallenge:
    """Ask the holder of a new key of the actor's agency for proof; ``presented`` gives what the holder gets.

    Raises:
        NotAllowed: the actor holds no keys for an agency.
        InvalidInput: no such purpose, or no public key for it.
        Conflict: the key is registered already.
    """
    agency_id = _agency(actor)
    wanted = word(purpose, "/purpose", KeyPurpose)
    public = checked_public_key(wanted, public_key)
    _check_new(session, public)
    text = proof_text(actor.agency_code, wanted, public, secrets.token_urlsafe(32))
    made = KeyChallenge(
        agency_id=agency_id,
        purpose=wanted,
        public_key=public,
        challenge=text,
        expires_at=system_now() + VALID_FOR,
    )
    session.add(made)
    session.flush()
    return made


def presented(made: KeyChallenge) -> str:
    """What the holder is given: the text to sign, or the text encrypted to the new key (age, with ASCII armour)."""
    if made.purpose == KeyPurpose.SIGN:
        return made.challenge
    recipient = x25519.Recipient.from_str(made.public_key)
    sealed: bytes = encrypt(made.challenge.encode(), [recipient], armored=True)
    return sealed.decode()


def register_key(session: Session, actor: Actor, challenge_id: uuid.UUID, answer: str) -> AgencyKey:
    """Register the key of a challenge that was answered rightly; it is the agency's current key from now on.

    Args:
        answer: SIGN: base64 of the signature over the challenge's bytes; RECEIVE: the decrypted challenge.

    Raises:
        NotAllowed: the challenge is another agency's, or the answer proves nothing.
        NotFound: there is no such challenge.
        Conflict: the challenge was used or is too old, or the key is registered already.
    """
    agency_id = _agency(actor)
    asked = session.scalar(select(KeyChallenge).where(KeyChallenge.id == challenge_id).with_for_update())
    if asked is None or asked.agency_id != agency_id:
        raise NotFound("key.challenge_unknown", "There is no such challenge for your agency. Begin again.")
    if asked.used_at is not None or asked.expires_at <= system_now():
        raise Conflict("key.challenge_over", "The challenge was used or is older than ten minutes. Begin again.")
    _check_new(session, asked.public_key)
    if not _proves(asked, answer):
        sentence = (
            "The answer does not prove that you hold the private half of the key. Answer with `shuniu key prove`."
        )
        raise NotAllowed("key.not_proven", sentence).refused("key.registered", f"challenge/{challenge_id}")
    asked.used_at = system_now()
    made = AgencyKey(
        agency_id=agency_id,
        purpose=asked.purpose,
        public_key=asked.public_key,
        fingerprint=fingerprint(asked.public_key),
        registered_by=actor.person_id,
    )
    session.add(made)
    session.flush()
    facts = {
        "purpose": made.purpose,
        "fingerprint": made.fingerprint,
        "public_key": made.public_key,
        "agency_id": str(agency_id),
    }
    append(session, "key.registered", f"key/{made.id}", actor, after=facts)
    return made


def _agency(actor: Actor) -> uuid.UUID:
    if actor.agency_id is None or actor.person_id is None:
        raise NotAllowed("key.no_agency", "Only a person of an agency can register its keys.")
    require(hold_keys(actor, actor.agency_id), "key.registered", f"agency/{actor.agency_id}")
    return actor.agency_id


def _check_new(session: Session, public_key: str) -> None:
    if session.scalar(select(AgencyKey.id).where(AgencyKey.fingerprint == fingerprint(public_key))):
        raise Conflict("key.known", "This key is registered already, or was revoked. Make a new one.")


def _proves(asked: KeyChallenge, answer: str) -> bool:
    if asked.purpose == KeyPurpose.RECEIVE:
        return hmac.compare_digest(answer.strip().encode(errors="replace"), asked.challenge.encode())
    try:
        signature = signature_from_text(answer)
    except InvalidInput:
        return False
    return verifies(asked.public_key, asked.challenge.encode(), signature)
