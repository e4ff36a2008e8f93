"""Who may use which route. Every view declares it; a view that does not is closed to everybody.

The check here is about the route alone; whether a person may do a thing to a certain object is a matter of the rooms'
permissions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar, cast

from flask import Flask, current_app, g, request
from sqlalchemy.orm import Session

from adapters.errors import NotAllowed, NotAuthenticated
from adapters.prepared import Condition
from audit.actor import NOBODY, Actor
from directory.people.roles import Role
from directory.people.sign_in import Identified, identify
from directory.people.tokens import actor_of_bearer, remembered_bearer

SIGN_IN_COOKIE = "shuniu_sign_in"
View = TypeVar("View", bound=Callable[..., Any])


class Caller(StrEnum):
    """Kinds of callers that a route is for."""

    ANYBODY = "ANYBODY"
    PERSON = "PERSON"
    CLIENT = "CLIENT"


@dataclass(frozen=True)
class Access:
    """One route's declaration.

    Attributes:
        caller: the kind of caller it is for; a person comes with the cookie, a client with a bearer token.
        roles: of these the person holds at least one; empty: any signed-in person.
        first: open to somebody whose password another person set, which has to be changed before anything else.
        upload: bodies up to ``upload_limit`` instead of ``body_limit``.
        single: each of its statements is a transaction of its own, so that a busy route spares two round trips; it
            may remember its caller, proves that in the statement that counts, and is asked again if anything is wrong.
        commits: its transaction is committed although the method is safe (a look at data leaves evidence).
    """

    caller: Caller
    roles: frozenset[Role] = frozenset()
    first: bool = False
    upload: bool = False
    commits: bool = False
    single: bool = False

    def admits(self, actor: Actor) -> bool:
        """Whether the declaration lets this actor in."""
        if self.caller is Caller.ANYBODY:
            return True
        if self.caller is Caller.CLIENT:
            return bool(actor.client_id)
        return actor.person_id is not None and (not self.roles or actor.has(*self.roles))


PUBLIC = Access(Caller.ANYBODY)
SIGNED_IN = Access(Caller.PERSON)
AT_FIRST = Access(Caller.PERSON, first=True)
"""For what can be done before a password that another person set is changed: changing it, and leaving."""
CLIENT = Access(Caller.CLIENT)


def roles(*admitted: Role) -> Access:
    """A declaration for people who hold at least one of these roles."""
    return Access(Caller.PERSON, frozenset(admitted))


def access(declared: Access, *, upload: bool = False, commits: bool = False) -> Callable[[View], View]:
    """Declare who may use a view; put it between the route's decorator and the function."""

    def mark(view: View) -> View:
        rule = Access(declared.caller, declared.roles, declared.first, upload, commits)
        view.__dict__["access"] = rule
        return view

    return mark


def declaration(app: Flask, endpoint: str | None) -> Access | None:
    """What the view behind an endpoint declares; None when it declares nothing."""
    view = app.view_functions.get(endpoint or "")
    if endpoint == "static":
        return PUBLIC
    return cast(Access | None, getattr(view, "access", None))


def current_actor() -> Actor:
    """Who makes this request; ``NOBODY`` when not signed in."""
    actor: Actor = g.get("actor", NOBODY)
    return actor


def refuse_as(actor: Actor) -> None:
    """Whoever holds a checked address acts as this one, so a refusal is theirs; they are signed in to nothing by it."""
    g.refused_as = actor


def refused_actor() -> Actor:
    """Whose a refusal of this request is: the checked address's holder, or else who makes the request."""
    actor: Actor = g.get("refused_as") or current_actor()
    return actor


def current_account() -> Identified | None:
    """The signed-in person's account, language and agency name; None for clients and for nobody."""
    account: Identified | None = g.get("account")
    return account


def rests_on() -> Condition | None:
    """SQL that says whether the caller is still who they were; None when the database was asked in this request."""
    condition: Condition | None = g.get("rests_on")
    return condition


def recognise(session: Session, *, remembered: bool = False) -> None:
    """Find the caller of this request: on the API by bearer token alone, on pages by the sign-in cookie alone.

    Args:
        remembered: a bearer may be taken from memory; what ``rests_on`` then gives is to be proven before it counts.
    """
    address, g.actor, g.rests_on = request.remote_addr or "", NOBODY, None
    if on_api():
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            known = remembered_bearer(token.strip(), address) if remembered else None
            if known is not None:
                g.actor, g.rests_on = known
            else:
                g.actor = actor_of_bearer(session, token.strip(), address) or NOBODY
        return
    token = request.cookies.get(SIGN_IN_COOKIE, "")
    g.account = identify(session, token, address) if token else None
    if g.account is not None and not (g.account.password_given and _is_public()):
        g.actor = g.account.actor


def _is_public() -> bool:
    """Whether anybody may use the route: a password that another person set makes its holder nobody else there."""
    declared = declaration(current_app, request.endpoint)
    return declared is not None and declared.caller is Caller.ANYBODY


def on_api() -> bool:
    """Whether this request is for the native API: problem details and bearer tokens, no pages and no cookies."""
    return request.path.startswith(("/api/", "/oauth/"))


def admit(actor: Actor) -> None:
    """Let the caller through to the view, or say why not.

    Raises:
        NotAuthenticated: the route is for known callers and nobody known is calling.
        NotAllowed: the caller is known, and the route is not for them or declares nothing.
    """
    declared = declaration(current_app, request.endpoint)
    if declared is None:
        raise NotAllowed("access.undeclared", "This address is not open to anybody. Go back to your desk.")
    account = current_account()
    if account is not None and account.password_given and not (declared.first or _is_public()):
        raise NotAllowed("password.given", "Another person set your password. Change it first, under your name above.")
    if declared.admits(actor):
        return
    if actor.person_id is None and not actor.client_id:
        raise NotAuthenticated(
            "access.sign_in",
            "You are not signed in, or your session has ended. Sign in and try again.",
        )
    raise NotAllowed(
        "access.role",
        "Your roles do not include this. Ask your agency's security administrator if your duties need it.",
    )
