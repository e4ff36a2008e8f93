"""Accounts: opening, passwords, freezing."""

import re
import unicodedata
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from adapters.clock import city_date, system_now
from adapters.errors import Conflict, InvalidInput, NotAllowed
from adapters.texts import line
from audit.actor import Actor
from audit.append import append
from directory.people.models import Account, Person, SignIn
from directory.people.queries import account_of, person
from directory.people.secrets import check_password, hash_digest, hash_password, matches
from directory.permissions import administer_people, require

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}", re.ASCII)
RESET_SHOWN = timedelta(days=30)
"""For so long an account whose password was reset takes no part in what takes two people, and the desks say so."""
_RESET_LATELY = (
    "Another person reset this account's password, so it cannot be one of two people before {until}. "
    "Have somebody else take part."
)
LANGUAGES = ("zh_Hans_CN", "en")


def normalise_login(text: str) -> str:
    """A login as it is kept: one width, small letters."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def is_login(text: str) -> bool:
    """Whether a normalised text could be a login at all."""
    return _LOGIN.fullmatch(text) is not None


def open_account(
    session: Session, actor: Actor, person_id: uuid.UUID, login: str, password: str, language: str = LANGUAGES[0]
) -> Account:
    """Open an account for a person of an agency.

    Raises:
        NotAllowed: the actor does not administer this agency's people.
        NotFound: there is no such person.
        InvalidInput: a login or password that may not be.
        Conflict: the login is taken, or the person has an account or has left.
    """
    owner = person(session, person_id, lock=True)
    require(administer_people(actor, owner.agency_id), "account.opened", f"person/{person_id}")
    if owner.left_at is not None:
        raise Conflict("person.left", "This person has left the agency. Choose somebody else.")
    if session.scalar(select(Account.id).where(Account.person_id == person_id)):
        raise Conflict("account.exists", "This person has an account already. Reset its password instead.")
    wanted = normalise_login(line(login, "/login", most=64))
    if not is_login(wanted):
        sentence = "A login is a letter or digit, then letters, digits, dots, hyphens and underscores, 2 to 63 in all."
        raise InvalidInput("account.login", sentence, [{"pointer": "/login", "message": sentence}])
    if session.scalar(select(Account.id).where(Account.login == wanted)):
        raise Conflict("account.login_taken", "The login {login} is taken. Choose another.", login=wanted)
    made = Account(
        person_id=person_id,
        login=wanted,
        password_hash=hash_password(check_password(password, wanted)),
        language=_language(language),
        given_at=_given(actor),
    )
    session.add(made)
    session.flush()
    told = {"login": made.login, **password_fact(made)}
    after = {"person": str(person_id), **set_by(made)}
    append(session, "account.opened", f"account/{made.id}", actor, after=after, personal=told)
    return made


def change_password(session: Session, actor: Actor, old: str, new: str) -> Account:
    """Change one's own password; every browser but the next to sign in is signed out.

    Raises:
        NotAllowed: the actor is no person, or the old password is wrong.
        InvalidInput: the new password may not be.
    """
    account = _own(session, actor)
    if not matches(account.password_hash, old):
        error = NotAllowed("password.wrong", "The present password is wrong. Nothing was changed. Type it again.")
        raise error.refused("account.password_changed", f"account/{account.id}")
    if old == new:
        sentence = "The new password is the present one. Choose another."
        raise InvalidInput("password.same", sentence, [{"pointer": "/new", "message": sentence}])
    account.owned_at = system_now()
    account.password_hash = hash_password(check_password(new, account.login))
    end_sign_ins(session, account)
    told = password_fact(account)
    append(session, "account.password_changed", f"account/{account.id}", actor, after=set_by(account), personal=told)
    return account


def reset_password(session: Session, actor: Actor, person_id: uuid.UUID, new: str) -> Account:
    """Set a person's password anew and lift a lock; their browsers are signed out.

    Raises:
        NotAllowed: the actor does not administer this agency's people.
        NotFound: there is no such person or account.
        InvalidInput: the password may not be.
        Conflict: it is the emergency account.
    """
    account = _administered(session, actor, person_id, "account.password_reset")
    if account.sealed_at is not None:
        raise Conflict("glass.sealed", "The emergency account has a sealed secret. Seal it anew: `shuniu glass seal`.")
    account.password_hash = hash_password(check_password(new, account.login))
    account.given_at, account.was_reset = _given(actor), actor.person_id is not None
    account.failures, account.locked_until = 0, None
    end_sign_ins(session, account)
    told = password_fact(account)
    append(session, "account.password_reset", f"account/{account.id}", actor, after=set_by(account), personal=told)
    return account


def freeze_account(session: Session, actor: Actor, person_id: uuid.UUID) -> Account:
    """Freeze a person's account: no sign-in any more, browsers are signed out at once.

    Raises:
        NotAllowed: the actor does not administer this agency's people.
        NotFound: there is no such person or account.
    """
    account = _administered(session, actor, person_id, "account.frozen")
    freeze(session, actor, account, "administrator")
    return account


def freeze(session: Session, actor: Actor, account: Account, reason: str) -> None:
    """Freeze a locked account row; the caller has checked who asks."""
    if account.frozen_at is None:
        account.frozen_at = system_now()
        append(session, "account.frozen", f"account/{account.id}", actor, after={"reason": reason})
    end_sign_ins(session, account)


def unfreeze_account(session: Session, actor: Actor, person_id: uuid.UUID) -> Account:
    """Open a frozen account again.

    Raises:
        NotAllowed: the actor does not administer this agency's people.
        NotFound: there is no such person or account.
        Conflict: the person has left.
    """
    account = _administered(session, actor, person_id, "account.unfrozen")
    if account.person.left_at is not None:
        raise Conflict("person.left", "This person has left the agency. Choose somebody else.")
    account.frozen_at, account.failures, account.locked_until = None, 0, None
    session.flush()
    append(session, "account.unfrozen", f"account/{account.id}", actor)
    return account


def is_given(account: Account) -> bool:
    """Whether the password is one that another person set, which its owner has to change first."""
    return account.given_at is not None and (account.owned_at is None or account.owned_at < account.given_at)


def require_two_people(session: Session, actor: Actor) -> None:
    """Keep an account out of what takes two people while somebody else may have played its owner.

    Raises:
        NotAllowed: another person reset its password within the last thirty days.
    """
    reset_after = system_now() - RESET_SHOWN
    reset = select(Account.given_at).where(Account.person_id == actor.person_id, Account.was_reset)
    given_at = session.scalar(reset.where(Account.given_at > reset_after))
    if given_at is not None:
        raise NotAllowed("password.reset_lately", _RESET_LATELY, until=city_date(given_at + RESET_SHOWN).isoformat())


def set_by(account: Account) -> dict[str, Any]:
    """When another person and when its owner last set an account's password, as evidence has it."""
    moments = {"given_at": account.given_at, "owned_at": account.owned_at}
    return {
        **{name: moment.astimezone(UTC).isoformat() if moment else None for name, moment in moments.items()},
        "was_reset": account.was_reset,
    }


def password_fact(account: Account) -> dict[str, str]:
    """What the encrypted part of an entry says of an account's password, for comparison alone."""
    return {"password": hash_digest(account.password_hash)}


def set_language(session: Session, actor: Actor, language: str) -> None:
    """Remember the language in which a person reads the portal; not worth an evidence entry."""
    _own(session, actor).language = _language(language)
    session.flush()


def end_sign_ins(session: Session, account: Account) -> None:
    """Sign out every browser of an account."""
    ended = update(SignIn).where(SignIn.account_id == account.id, SignIn.ended_at.is_(None))
    session.execute(ended.values(ended_at=system_now()))
    session.flush()


def _given(actor: Actor) -> datetime | None:
    """Now, when a person sets it; what the hub does at its setup is its owner's own doing."""
    return system_now() if actor.person_id is not None else None


def _language(language: str) -> str:
    if language not in LANGUAGES:
        raise InvalidInput("language.unknown", "The hub does not speak this language. Choose Chinese or English.")
    return language


def _own(session: Session, actor: Actor) -> Account:
    if actor.person_id is None:
        raise NotAllowed("account.none", "Only a signed-in person can do this. Sign in first.")
    return account_of(session, actor.person_id)


def _administered(session: Session, actor: Actor, person_id: uuid.UUID, kind: str) -> Account:
    owner: Person = person(session, person_id)
    require(administer_people(actor, owner.agency_id), kind, f"person/{person_id}")
    return account_of(session, person_id)
