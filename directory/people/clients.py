"""Programs of agencies: client credentials for the API (RFC 6749 §4.4)."""

import secrets
import uuid
from dataclasses import dataclass, field

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict, NotFound
from adapters.texts import line
from audit.actor import Actor
from audit.append import append
from directory.people.models import ApiClient, ApiToken
from directory.people.queries import person
from directory.people.secrets import hash_digest, hash_password, new_token
from directory.permissions import administer_clients, require
from directory.permissions import revoke_client as may_revoke_client


@dataclass(frozen=True)
class NewClient:
    """A program with its secret, which is shown this once and kept as a hash alone."""

    client: ApiClient
    secret: str = field(repr=False)


def register_client(
    session: Session, actor: Actor, agency_id: uuid.UUID, name: str, responsible_id: uuid.UUID
) -> NewClient:
    """Register a program that calls for an agency.

    Args:
        responsible_id: the official of the agency who answers for it (R51).

    Raises:
        NotAllowed: the actor does not administer this agency's programs.
        NotFound: there is no such person.
        InvalidInput: an empty name.
        Conflict: the person is of another agency or has left.
    """
    require(administer_clients(actor, agency_id), "client.registered", f"agency/{agency_id}")
    responsible = person(session, responsible_id)
    if responsible.agency_id != agency_id or responsible.left_at is not None:
        sentence = "The person who answers for the program must be one of the agency's own. Choose another."
        raise Conflict("client.responsible", sentence)
    secret = new_token()
    made = ApiClient(
        agency_id=agency_id,
        client_id=secrets.token_hex(12),
        secret_hash=hash_password(secret),
        name=line(name, "/name", most=150),
        responsible_id=responsible_id,
    )
    session.add(made)
    session.flush()
    facts = {
        "client_id": made.client_id,
        "name": made.name,
        "agency_id": str(agency_id),
        "responsible": str(responsible_id),
    }
    told = {"secret": hash_digest(made.secret_hash)}
    append(session, "client.registered", f"client/{made.id}", actor, after=facts, personal=told)
    return NewClient(made, secret)


def replace_secret(session: Session, actor: Actor, client_id: uuid.UUID) -> NewClient:
    """Give a program a new secret; the old one and the tokens it got are worth nothing from now on.

    Raises:
        NotAllowed: the actor does not administer this agency's programs.
        NotFound: there is no such program.
        Conflict: it was revoked.
    """
    client = _client(session, client_id)
    require(administer_clients(actor, client.agency_id), "client.secret_replaced", f"client/{client_id}")
    if client.revoked_at is not None:
        raise Conflict("client.revoked", "This program was revoked. Register it anew.")
    secret = new_token()
    client.secret_hash, client.failures, client.locked_until = hash_password(secret), 0, None
    _end_tokens(session, client)
    told = {"secret": hash_digest(client.secret_hash)}
    append(session, "client.secret_replaced", f"client/{client.id}", actor, personal=told)
    return NewClient(client, secret)


def revoke_client(session: Session, actor: Actor, client_id: uuid.UUID) -> ApiClient:
    """Shut a program out at once.

    Raises:
        NotAllowed: the actor administers neither this agency's programs nor the hub's accounts.
        NotFound: there is no such program.
        Conflict: it was revoked before.
    """
    client = _client(session, client_id)
    require(may_revoke_client(actor, client.agency_id), "client.revoked", f"client/{client_id}")
    if client.revoked_at is not None:
        raise Conflict("client.revoked", "This program was revoked already. There is nothing to do.")
    client.revoked_at = system_now()
    _end_tokens(session, client)
    append(session, "client.revoked", f"client/{client.id}", actor)
    return client


def _client(session: Session, client_id: uuid.UUID) -> ApiClient:
    found = session.scalar(select(ApiClient).where(ApiClient.id == client_id).with_for_update())
    if found is None:
        raise NotFound("client.unknown", "There is no such program. Choose one from the list.")
    return found


def _end_tokens(session: Session, client: ApiClient) -> None:
    session.execute(delete(ApiToken).where(ApiToken.api_client_id == client.id))
    session.flush()
