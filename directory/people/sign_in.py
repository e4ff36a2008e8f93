"""Signing in with login and password, and finding out whose token a browser shows."""

import uuid
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.orm import Session

from adapters.clock import city_date, system_now
from adapters.errors import NotAuthenticated
from adapters.settings import Settings
from audit.actor import HUB, NOBODY, Actor
from audit.append import append
from directory.agencies.models import Agency
from directory.people.accounts import is_login, normalise_login, password_fact
from directory.people.lockout import count_failure, forget_failures, is_locked
from directory.people.models import EMERGENCY, Account, Person, SignIn
from directory.people.queries import actor_of_person, roles_held
from directory.people.secrets import hash_password, is_outdated, matches, new_token, token_digest, token_hash
from directory.people.turned_away import turn_away


@dataclass(frozen=True)
class SignedIn:
    """A browser is signed in: the token is its cookie's value and is kept nowhere else."""

    token: str
    account: Account
    actor: Actor

    @property
    def language(self) -> str:
        """The language the person reads the portal in."""
        return self.account.language


@dataclass(frozen=True)
class Refused:
    """Nobody was signed in. The caller commits, so that the failure counts, and then answers with the error.

    Where no entry records it, the caller counts it.
    """

    error: NotAuthenticated
    recorded: bool = False


@dataclass(frozen=True)
class Identified:
    """Whose token it was, with what a page's frame shows."""

    actor: Actor
    account_id: uuid.UUID
    language: str
    agency_name: str
    agency_name_en: str
    password_given: bool
    """Whether another person set the password, so that it has to be changed before anything else."""


_SIGNED_IN = (
    select(
        Account.id.label("account_id"),
        Account.language,
        Account.sealed_at,
        and_(Account.given_at.is_not(None), or_(Account.owned_at.is_(None), Account.owned_at < Account.given_at)).label(
            "password_given"
        ),
        Person.id.label("person_id"),
        Person.name,
        Agency.id.label("agency_id"),
        Agency.credit_code,
        Agency.name.label("agency_name"),
        Agency.name_en.label("agency_name_en"),
        Agency.office,
        roles_held(bindparam("today")).label("roles"),
    )
    .select_from(SignIn)
    .join(Account, Account.id == SignIn.account_id)
    .join(Person, Person.id == Account.person_id)
    .join(Agency, Agency.id == Person.agency_id)
    .where(
        SignIn.token_hash == bindparam("token_hash"),
        SignIn.expires_at > bindparam("now"),
        SignIn.ended_at.is_(None),
        Account.frozen_at.is_(None),
        or_(Account.sealed_at.is_(None), Account.open_until > bindparam("now")),
        Person.left_at.is_(None),
        or_(Agency.valid_to.is_(None), Agency.valid_to >= bindparam("today")),
    )
)
"""Built once: every page asks it."""


def sign_in(session: Session, login: str, password: str, address: str, settings: Settings) -> SignedIn | Refused:
    """Sign in a person.

    A wrong password is no exception here, because the failure has to be counted: commit whatever comes back. An unknown
    login takes as long and reads the same as a wrong password, a locked or a frozen account.

    Args:
        address: the caller's network address, kept in the encrypted part of the evidence.
    """
    wanted = normalise_login(login)
    statement = select(Account.id, Account.password_hash).where(Account.login == wanted)
    known = session.execute(statement).first() if is_login(wanted) else None
    right = matches(known.password_hash if known else None, password)
    if known is None:
        return _refused(settings)
    account = session.get_one(Account, known.id, with_for_update=True, populate_existing=True)
    shut = _shut(account)
    if shut:
        told = turn_away(session, "account.sign_in_refused", f"account/{account.id}", shut, address)
        return replace(_refused(settings), recorded=told)
    if not right or account.password_hash != known.password_hash:
        _fail(session, account, address, settings)
        return replace(_refused(settings), recorded=True)
    forget_failures(account)
    if is_outdated(account.password_hash):
        _rehash(session, account, password)
    return _open(session, account, address, settings)


def _open(session: Session, account: Account, address: str, settings: Settings) -> SignedIn:
    actor, token = actor_of_person(session, account.person_id, address), new_token()
    expires_at = system_now() + timedelta(seconds=settings.session_seconds)
    if account.sealed_at and account.open_until:
        expires_at, actor = min(expires_at, account.open_until), replace(actor, roles=actor.roles | {EMERGENCY})
    made = SignIn(token_hash=token_hash(token), account_id=account.id, expires_at=expires_at)
    session.add(made)
    session.flush()
    told = {"sign_in": token_digest(made.token_hash), "until": expires_at.isoformat()}
    append(session, "account.signed_in", f"account/{account.id}", actor, personal=told)
    return SignedIn(token, account, actor)


def _rehash(session: Session, account: Account, password: str) -> None:
    """Keep a password under today's settings of its hash; an entry of its own, so that the log knows the new hash."""
    account.password_hash = hash_password(password)
    append(session, "account.password_rehashed", f"account/{account.id}", HUB, personal=password_fact(account))


def _fail(session: Session, account: Account, address: str, settings: Settings) -> None:
    locked = count_failure(account, settings)
    session.flush()
    caller = Actor(address=address)
    append(session, "account.sign_in_refused", f"account/{account.id}", caller, outcome="REFUSED")
    if locked:
        after = {"seconds": settings.lockout_seconds, "failures": settings.lockout_failures}
        append(session, "account.locked", f"account/{account.id}", NOBODY, after=after)


def _shut(account: Account) -> str:
    """Why nobody signs in with this account now, whatever the password; "" when it is open."""
    if _is_sealed(account):
        return "sealed"
    if account.frozen_at is not None:
        return "frozen"
    if is_locked(account, system_now()):
        return "locked"
    return "agency_ended" if _agency_ended(account) else ""


def _is_sealed(account: Account) -> bool:
    """Whether it is the emergency account, and the glass is whole, or was broken too long ago."""
    return account.sealed_at is not None and not (account.open_until and system_now() < account.open_until)


def _agency_ended(account: Account) -> bool:
    ended = account.person.agency.valid_to
    return ended is not None and ended < city_date(system_now())


def _refused(settings: Settings) -> Refused:
    sentence = (
        "Login or password is wrong, or the account is locked. After {failures} wrong passwords it is locked "
        "for {minutes} minutes. Try again, or ask your agency's security administrator."
    )
    minutes = max(settings.lockout_seconds // 60, 1)
    error = NotAuthenticated("sign_in.refused", sentence, failures=settings.lockout_failures, minutes=minutes)
    return Refused(error)


def sign_out(session: Session, token: str, address: str) -> None:
    """End a sign-in; its token is worth nothing from now on. A token that is worth nothing already is passed over."""
    identified = identify(session, token, address)
    if identified is None:
        return
    ended = update(SignIn).where(SignIn.token_hash == token_hash(token)).values(ended_at=system_now())
    session.execute(ended)
    told = {"sign_in": token_digest(token_hash(token))}
    append(session, "account.signed_out", f"account/{identified.account_id}", identified.actor, personal=told)


def identify(session: Session, token: str, address: str) -> Identified | None:
    """Whose live token this is, in one query; None for nobody's."""
    now = system_now()
    given = {"token_hash": token_hash(token), "now": now, "today": city_date(now)}
    row = session.execute(_SIGNED_IN, given).first()
    if row is None:
        return None
    actor = Actor(
        person_id=row.person_id,
        agency_id=row.agency_id,
        agency_code=row.credit_code,
        roles=frozenset(row.roles) | ({EMERGENCY} if row.sealed_at else frozenset()),
        address=address,
        name=row.name,
        office=row.office,
    )
    return Identified(actor, row.account_id, row.language, row.agency_name, row.agency_name_en, row.password_given)


def actor_of_token(session: Session, token: str, address: str) -> Actor | None:
    """The actor whose live token this is; None for nobody's."""
    identified = identify(session, token, address)
    return identified.actor if identified else None
