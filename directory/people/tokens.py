"""Bearer tokens of programs: short-lived, got with client credentials (RFC 6749 §4.4, RFC 6750)."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.orm import Session

from adapters.clock import city_date, system_now
from adapters.errors import NotAuthenticated
from adapters.prepared import Condition, Prepared
from adapters.settings import Settings
from audit.actor import NOBODY, Actor
from audit.append import append
from directory.agencies.models import Agency
from directory.people.lockout import count_failure, forget_failures, is_locked
from directory.people.models import ApiClient, ApiToken
from directory.people.secrets import matches, new_token, token_hash
from directory.people.sign_in import Refused
from directory.people.turned_away import turn_away

_ROLES = frozenset({"CLIENT"})
_LIVE = (
    select(ApiClient.client_id, Agency.id, Agency.credit_code, Agency.office)
    .select_from(ApiToken)
    .join(ApiClient, ApiClient.id == ApiToken.api_client_id)
    .join(Agency, Agency.id == ApiClient.agency_id)
    .where(
        ApiToken.token_hash == bindparam("token_hash"),
        ApiToken.expires_at > bindparam("now"),
        ApiClient.revoked_at.is_(None),
        or_(Agency.valid_to.is_(None), Agency.valid_to >= bindparam("today")),
    )
)
_BEARER = Prepared(_LIVE)
"""Built once: every call of an interface asks it."""
_SAME_BEARER = Prepared(
    _LIVE.where(
        ApiClient.client_id == bindparam("bearer_client"),
        Agency.id == bindparam("bearer_agency"),
        Agency.credit_code == bindparam("bearer_code"),
        Agency.office == bindparam("bearer_office"),
    )
)
_REMEMBERED = 1024
_remembered: dict[bytes, Actor] = {}
"""By the token's hash, who bore it when this process last asked; to be proven by ``_SAME_BEARER``."""


@dataclass(frozen=True)
class IssuedToken:
    """A bearer token and the seconds it lives."""

    token: str = field(repr=False)
    seconds: int


def issue_token(
    session: Session, client_id: str, secret: str, address: str, settings: Settings
) -> IssuedToken | Refused:
    """Give a program a token for its secret. Commit whatever comes back: a wrong secret has to be counted.

    Args:
        client_id: the public name of the program, from its registration.
        address: the caller's network address, for the encrypted part of the evidence.
    """
    statement = select(ApiClient.id, ApiClient.secret_hash).where(ApiClient.client_id == client_id[:64])
    known = session.execute(statement).first() if client_id.isascii() and client_id.isprintable() else None
    right = matches(known.secret_hash if known else None, secret)
    if known is None:
        return _refused()
    client = session.get_one(ApiClient, known.id, with_for_update=True, populate_existing=True)
    shut = "revoked" if client.revoked_at is not None else "locked" if is_locked(client, system_now()) else ""
    if shut:
        return _refused(recorded=turn_away(session, "client.token_issued", f"client/{client.id}", shut, address))
    if not right or client.secret_hash != known.secret_hash:
        _fail(session, client, address, settings)
        return _refused(recorded=True)
    forget_failures(client)
    return _issue(session, client, address, settings)


def _issue(session: Session, client: ApiClient, address: str, settings: Settings) -> IssuedToken:
    token, now = new_token(), system_now()
    session.execute(delete(ApiToken).where(ApiToken.api_client_id == client.id, ApiToken.expires_at < now))
    expires_at = now + timedelta(seconds=settings.token_seconds)
    session.add(ApiToken(token_hash=token_hash(token), api_client_id=client.id, expires_at=expires_at))
    session.flush()
    actor = Actor(
        agency_id=client.agency_id,
        agency_code=client.agency.credit_code,
        roles=_ROLES,
        client_id=client.client_id,
        address=address,
    )
    append(session, "client.token_issued", f"client/{client.id}", actor, after={"seconds": settings.token_seconds})
    return IssuedToken(token, settings.token_seconds)


def _fail(session: Session, client: ApiClient, address: str, settings: Settings) -> None:
    locked = count_failure(client, settings)
    session.flush()
    append(session, "client.token_issued", f"client/{client.id}", Actor(address=address), outcome="REFUSED")
    if locked:
        after = {"seconds": settings.lockout_seconds, "failures": settings.lockout_failures}
        append(session, "client.locked", f"client/{client.id}", NOBODY, after=after)


def _refused(*, recorded: bool = False) -> Refused:
    sentence = "The client id or its secret is wrong, or the program is locked or revoked. Ask who administers it."
    return Refused(NotAuthenticated("client.refused", sentence), recorded)


def actor_of_bearer(session: Session, token: str, address: str) -> Actor | None:
    """The program whose live token this is, in one look-up by key; None for nobody's."""
    now, hashed = system_now(), token_hash(token)
    found = _BEARER.rows(session, token_hash=hashed, now=now, today=city_date(now))
    if not found:
        _remembered.pop(hashed, None)
        return None
    row = found[0]
    actor = Actor(
        agency_id=row.id, agency_code=row.credit_code, roles=_ROLES, client_id=row.client_id, office=row.office
    )
    if len(_remembered) >= _REMEMBERED:
        _remembered.clear()
    _remembered[hashed] = actor
    return replace(actor, address=address)


def remembered_bearer(token: str, address: str) -> tuple[Actor, Condition] | None:
    """The program that bore this token when this process last asked, and the SQL that says whether it still does.

    Nothing may be done for it but in a statement that holds the condition.
    """
    now, hashed = system_now(), token_hash(token)
    actor = _remembered.get(hashed)
    if actor is None:
        return None
    still = _SAME_BEARER.inside(
        "EXISTS ({})",
        token_hash=hashed,
        now=now,
        today=city_date(now),
        bearer_client=actor.client_id,
        bearer_agency=actor.agency_id,
        bearer_code=actor.agency_code,
        bearer_office=actor.office,
    )
    return replace(actor, address=address), still
