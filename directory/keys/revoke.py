"""Revoking a key: from that moment nothing new is signed with it or encrypted to it."""

import uuid

from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict
from adapters.texts import prose
from audit.actor import Actor
from audit.append import append
from directory.keys.models import AgencyKey
from directory.keys.queries import key
from directory.permissions import require
from directory.permissions import revoke_key as may_revoke_key


def revoke_key(session: Session, actor: Actor, key_id: uuid.UUID, reason: str = "") -> AgencyKey:
    """Revoke a key, dated now; what it signed before stays signed.

    Raises:
        NotAllowed: the actor neither holds keys for this agency nor administers the hub's accounts.
        NotFound: there is no such key.
        Conflict: it was revoked before.
    """
    revoked = key(session, key_id, lock=True)
    require(may_revoke_key(actor, revoked.agency_id), "key.revoked", f"key/{key_id}")
    if revoked.revoked_at is not None:
        raise Conflict("key.revoked", "This key was revoked already. There is nothing to do.")
    revoked.revoked_at = system_now()
    session.flush()
    why = prose(reason, "/reason", most=1000, optional=True)
    facts = {"fingerprint": revoked.fingerprint, "purpose": revoked.purpose}
    append(session, "key.revoked", f"key/{key_id}", actor, after=facts, personal={"reason": why})
    return revoked
