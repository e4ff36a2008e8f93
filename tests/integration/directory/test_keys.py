"""Keys of agencies: proof of possession, rotation, revocation."""

import base64
import uuid
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pyrage import decrypt, x25519
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict, InvalidInput, NotAllowed, NotFound
from audit.actor import Actor
from directory.keys.models import AgencyKey
from directory.keys.queries import current_key, keys, signing_key_of
from directory.keys.register import challenge, presented, register_key
from directory.keys.revoke import revoke_key
from directory.keys.signing import public_text
from directory.people.roles import Role
from tests import factories


@pytest.fixture
def signatory(session: Session) -> Actor:
    return factories.official(session, factories.agency(session), Role.SIGNATORY)


def register_signing(session: Session, actor: Actor, private: Ed25519PrivateKey) -> AgencyKey:
    asked = challenge(session, actor, "SIGN", public_text(private))
    answer = base64.b64encode(private.sign(presented(asked).encode())).decode()
    return register_key(session, actor, asked.id, answer)


def test_a_signing_key_is_registered_rotated_and_revoked(session: Session, signatory: Actor) -> None:
    assert signatory.agency_id is not None
    assert current_key(session, signatory.agency_id, "SIGN") is None
    old, new = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    first = register_signing(session, signatory, old)
    second = register_signing(session, signatory, new)
    assert current_key(session, signatory.agency_id, "SIGN") is second
    assert signing_key_of(session, signatory.agency_id, b"text", old.sign(b"text")) is first
    assert signing_key_of(session, signatory.agency_id, b"text", new.sign(b"text")) is second
    assert signing_key_of(session, uuid.uuid4(), b"text", new.sign(b"text")) is None
    revoke_key(session, signatory, second.id, "遗失")
    assert current_key(session, signatory.agency_id, "SIGN") is first
    assert signing_key_of(session, signatory.agency_id, b"text", new.sign(b"text")) is None
    assert keys(session, signatory.agency_id).items == (second, first)
    with pytest.raises(Conflict, match="already"):
        revoke_key(session, signatory, second.id)
    with pytest.raises(Conflict, match="registered already"):
        challenge(session, signatory, "SIGN", public_text(new))


def test_a_receiving_key_is_proven_by_decrypting(session: Session, signatory: Actor) -> None:
    identity = x25519.Identity.generate()
    asked = challenge(session, signatory, "RECEIVE", str(identity.to_public()))
    sealed = presented(asked)
    assert asked.challenge not in sealed
    with pytest.raises(NotAllowed, match="does not prove"):
        register_key(session, signatory, asked.id, sealed)
    made = register_key(session, signatory, asked.id, decrypt(sealed.encode(), [identity]).decode() + "\n")
    assert signatory.agency_id is not None
    assert current_key(session, signatory.agency_id, "RECEIVE") is made
    assert current_key(session, signatory.agency_id, "SIGN") is None


def test_what_proves_nothing_registers_nothing(session: Session, signatory: Actor) -> None:
    private = Ed25519PrivateKey.generate()
    asked = challenge(session, signatory, "SIGN", public_text(private))
    thief = Ed25519PrivateKey.generate().sign(asked.challenge.encode())
    for answer in ("", asked.challenge, base64.b64encode(thief).decode(), "\ud800"):
        with pytest.raises(NotAllowed) as refused:
            register_key(session, signatory, asked.id, answer)
        assert refused.value.refusal is not None
    right = base64.b64encode(private.sign(asked.challenge.encode())).decode()
    stranger = factories.official(session, factories.agency(session), Role.SIGNATORY)
    with pytest.raises(NotFound):
        register_key(session, stranger, asked.id, right)
    register_key(session, signatory, asked.id, right)
    with pytest.raises(Conflict, match="used"):
        register_key(session, signatory, asked.id, right)


def test_a_challenge_grows_old(session: Session, signatory: Actor) -> None:
    private = Ed25519PrivateKey.generate()
    asked = challenge(session, signatory, "SIGN", public_text(private))
    asked.expires_at = system_now() - timedelta(seconds=1)
    session.flush()
    with pytest.raises(Conflict, match="ten minutes"):
        register_key(session, signatory, asked.id, base64.b64encode(private.sign(asked.challenge.encode())).decode())


def test_the_hub_and_its_operator_hold_no_agencys_key(session: Session, signatory: Actor) -> None:
    operator = factories.official(session, factories.agency(session, office="REGULATOR"), Role.SECURITY_ADMINISTRATOR)
    key, _ = factories.signing_key(session, factories.agency(session))
    revoke_key(session, operator, key.id)
    for nobody in (Actor(roles=frozenset({"HUB"})), Actor(agency_id=signatory.agency_id, roles=frozenset({"CLIENT"}))):
        with pytest.raises(NotAllowed):
            challenge(session, nobody, "SIGN", public_text(Ed25519PrivateKey.generate()))
    with pytest.raises(InvalidInput):
        challenge(session, signatory, "OPEN", "x")
    compiler = factories.official(session, factories.agency(session), Role.COMPILER)
    with pytest.raises(NotAllowed):
        challenge(session, compiler, "SIGN", public_text(Ed25519PrivateKey.generate()))
