"""The emergency account (breaking the glass): for when none of those who administer accounts can sign in.

Its secret is made once in two halves, which two people keep sealed; the hub keeps a hash alone. Whoever has both halves
may break the glass, with a reason: that is written as evidence first, and signed for if the log is at work. Then a new
password opens the account for an hour, with the rights of the security administrator. Whatever is done meanwhile is
marked in every entry by the word ``EMERGENCY`` among the actor's roles. The two halves are worthless from then on.
"""

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict, NotAuthenticated
from adapters.texts import line
from audit.actor import HUB, Actor
from audit.append import Written, append
from directory import permissions
from directory.agencies.models import Agency, Office
from directory.people.accounts import end_sign_ins, open_account, password_fact
from directory.people.assign import assign_role
from directory.people.models import Account
from directory.people.register import register_person
from directory.people.roles import Role
from directory.people.secrets import hash_password, matches

LOGIN = "emergency"
NAME = "应急账号"
OPEN_FOR = timedelta(hours=1)
_HALF = 20


@dataclass(frozen=True)
class Sealed:
    """The two halves of the secret, which are kept nowhere else."""

    halves: tuple[str, str] = field(repr=False)


@dataclass(frozen=True)
class Broken:
    """The glass is broken.

    Attributes:
        login: of the emergency account.
        password: for this one time.
        until: when the account closes by itself.
        entry: the evidence.
    """

    login: str
    password: str = field(repr=False)
    until: datetime
    entry: Written


def seal_glass(session: Session, actor: Actor, holders: tuple[str, str]) -> Sealed:
    """Make the emergency account, or seal it anew; it can be opened with the new halves alone.

    Args:
        actor: a security administrator of the operator.
        holders: names of the two who keep the halves, in the encrypted part of the evidence.

    Raises:
        NotAllowed: the actor administers nobody's accounts at the operator.
        InvalidInput: a holder's name is missing, or both are the same.
        Conflict: there is no operator yet.
    """
    names = tuple(line(name, "/holders", most=100) for name in holders)
    if names[0] == names[1]:
        raise Conflict("glass.one_holder", "Two different people keep the halves. Name a second one.")
    operator = session.scalar(select(Agency).where(Agency.office == Office.REGULATOR, Agency.valid_to.is_(None)))
    if operator is None:
        raise Conflict("glass.no_operator", "The hub has no operator yet. Enter it with `shuniu setup` first.")
    permissions.require(permissions.administer_people(actor, operator.id), "account.glass_sealed", "account/emergency")
    halves = secrets.token_urlsafe(_HALF), secrets.token_urlsafe(_HALF)
    account = _account(session) or _made(session, operator.id)
    account.password_hash, account.sealed_at, account.open_until = hash_password(_joined(halves)), system_now(), None
    account.failures, account.locked_until, account.frozen_at = 0, None, None
    end_sign_ins(session, account)
    told = {"holders": list(names), **password_fact(account)}
    append(session, "account.glass_sealed", f"account/{account.id}", actor, personal=told)
    return Sealed(halves)


def break_glass(session: Session, halves: tuple[str, str], reason: str) -> Broken:
    """Open the emergency account for an hour; the caller commits, and tells the password only then.

    Raises:
        NotAuthenticated: the halves are wrong, or nothing is sealed; the caller records the refusal.
        InvalidInput: no reason is given.
    """
    said = line(reason, "/reason", most=1_000)
    account = _account(session)
    right = matches(account.password_hash if account else None, _joined(halves))
    if account is None or not right or account.open_until is not None:
        wrong = NotAuthenticated(
            "glass.wrong",
            "The two halves are not those of the sealed secret, or the glass is broken already. Check both.",
        )
        raise wrong.refused("account.glass_broken", f"account/{account.id if account else LOGIN}")
    password, until = secrets.token_urlsafe(_HALF), system_now() + OPEN_FOR
    after = {"until": until.isoformat(), "role": Role.SECURITY_ADMINISTRATOR.value}
    account.password_hash, account.open_until = hash_password(password), until
    session.flush()
    told = {"reason": said, **password_fact(account)}
    entry = append(session, "account.glass_broken", f"account/{account.id}", HUB, after=after, personal=told)
    return Broken(LOGIN, password, until, entry)


def broken_since(session: Session, moment: datetime) -> datetime | None:
    """Until when the glass that was broken after a moment was open, or still is; None when it was not broken."""
    return session.scalar(select(Account.open_until).where(Account.open_until >= moment + OPEN_FOR))


def _account(session: Session) -> Account | None:
    return session.scalar(select(Account).where(Account.sealed_at.is_not(None)).with_for_update())


def _made(session: Session, operator: uuid.UUID) -> Account:
    person = register_person(session, HUB, operator, NAME)
    assign_role(session, HUB, person.id, Role.SECURITY_ADMINISTRATOR)
    return open_account(session, HUB, person.id, LOGIN, secrets.token_urlsafe(_HALF))


def _joined(halves: tuple[str, str]) -> str:
    return "\n".join(sorted(half.strip() for half in halves))
