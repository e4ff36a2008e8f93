"""Where requests meet the rooms: one session a request, one commit at the end, and refusals that leave evidence.

A request that changes something is committed once, after its view has built the whole answer; anything that goes wrong
before rolls everything back. What was refused is then recorded in a transaction of its own.
"""

import logging
import uuid
from collections.abc import Callable
from datetime import datetime

from flask import Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from adapters.database import engine, single_statements, transaction
from adapters.errors import Conflict, NotAllowed, NotAuthenticated, NotFound, ShuniuError, Transient
from adapters.settings import Settings
from audit.append import append
from audit.promise import as_header, promised
from audit.written import collect, committed
from exchange.errors import ReleaseRefused
from portal import access, refusals
from portal.constraints import error_of
from portal.inputs import check_text, limit_body
from portal.problems import answer_error, answer_http_error, answer_unexpected

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
log = logging.getLogger("shuniu.portal")


class Portal(Flask):
    """The Flask application with the hub's edge around every view."""

    settings: Settings

    def dispatch_request(self) -> ResponseReturnValue:
        """Run the view, build its whole answer, then commit; an error in any of it is answered like the view's own."""
        try:
            response: Response = self.make_response(super().dispatch_request())
        except (ShuniuError, HTTPException) as error:
            if access.rests_on() is None:
                raise
            _recognise_anew()
            if not isinstance(error, ShuniuError) or isinstance(error, Transient):
                raise  # memory has no part in it, and a database that is overloaded is not asked twice
            response = self.make_response(super().dispatch_request())
        session: Session | None = g.get("session")
        if session is not None and _commits(self, response):
            session.commit()
        return response


def current_session() -> Session:
    """The session of this request; views pass it on and never commit it."""
    if "session" not in g:
        declared, url = access.declaration(current_app, request.endpoint), portal_settings().app_database_url
        source = single_statements(url) if declared is not None and declared.single else engine(url)
        g.session = Session(source, expire_on_commit=False)
        collect(g.session)
    session: Session = g.session
    return session


def keep_changes() -> None:
    """Commit this request's changes whatever its answer's status: a failed sign-in is counted although refused."""
    g.keep = True


def promise_nothing() -> None:
    """This answer carries no promise: one would tell a stranger that what they named is known."""
    g.unpromised = True


def promise_again(leaves: tuple[bytes, ...], made_at: datetime | None) -> None:
    """This request's answer repeats an earlier one, so it promises what that one did, due as it was then."""
    g.promised_again = leaves, made_at


def portal_settings() -> Settings:
    """The settings this process was started with."""
    from_app: Settings = g.settings
    return from_app


def install(app: Portal) -> None:
    """Put the edge around every request of the application."""

    @app.before_request
    def begin() -> None:
        g.settings = app.settings
        g.request_id = uuid.uuid4().hex
        if request.endpoint == "static":
            return
        declared = access.declaration(app, request.endpoint)
        limit_body(declared, app.settings)
        check_text()
        remembered = declared is not None and declared.single and request.method not in SAFE
        access.recognise(current_session(), remembered=remembered)
        if request.routing_exception is None:
            access.admit(access.current_actor())

    @app.after_request
    def name_request(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        _promise(response)
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        session: Session | None = g.pop("session", None)
        if session is not None:
            _let_go(session, session.close)

    app.register_error_handler(ShuniuError, refuse)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(StaleDataError, _stale)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(Exception, _unexpected)


def _promise(response: Response) -> None:
    """Promise the entries that this request committed, a refusal's among them, to whom it answers."""
    session: Session | None = g.get("session")
    leaves = (*(committed(session) if session is not None else ()), *g.get("refusals", ()))
    leaves, made_at = (leaves, None) if leaves else g.get("promised_again", ((), None))
    promise = promised(portal_settings(), leaves, made_at) if leaves and not g.get("unpromised") else ""
    if promise:
        response.headers["Shuniu-Promise"] = as_header(promise)


def _commits(app: Portal, response: Response) -> bool:
    declared = access.declaration(app, request.endpoint)
    if declared is not None and declared.single:
        return False
    writes = request.method not in SAFE or (declared is not None and declared.commits)
    return bool(g.get("keep")) or (writes and response.status_code < 400)


def _recognise_anew() -> None:
    """Ask the database who calls: what was remembered may be old, and whatever went wrong with it is not final."""
    _roll_back()
    access.recognise(current_session())
    access.admit(access.current_actor())


def _roll_back() -> None:
    g.keep = False
    session: Session | None = g.get("session")
    if session is not None:
        _let_go(session, session.rollback)


def _let_go(session: Session, act: Callable[[], None]) -> None:
    """End a session's transaction; when even this does not reach the database, drop the connection."""
    try:
        act()
    except DBAPIError as error:
        log.warning("request %s: its connection is dropped: %s", g.get("request_id"), type(error.orig).__name__)
        session.invalidate()


def refuse(error: ShuniuError) -> ResponseReturnValue:
    """Answer an error of the rooms: roll back, keep what has to be kept about it, say it.

    A refusal that the database does not take is not said: the caller is asked to try again.
    """
    try:
        set_aside(error)
    except DBAPIError as failure:
        return _database_error(failure)
    return answer_error(error)


def set_aside(error: ShuniuError) -> None:
    """Undo what the request did so far and keep what has to be kept about the error; whoever calls this answers it."""
    _roll_back()
    actor = access.refused_actor()
    known = actor.person_id is not None or bool(actor.client_id)
    if not known and isinstance(error, NotAuthenticated | NotAllowed):
        refusals.count(portal_settings().app_database_url, error.code)
    elif error.refusal or (isinstance(error, NotAllowed) and not isinstance(error, ReleaseRefused)):
        _record(error)  # the door evidences what it refuses by itself; its readers leave it to us
    if error.status >= 500:
        level = logging.WARNING if error.status == 503 else logging.ERROR  # a database that is away is many requests'
        log.log(level, "request %s: %s: %s", g.request_id, error.code, error)


def _record(error: ShuniuError) -> None:
    kind, subject, matter = "access.refused", f"route/{request.endpoint}", ""
    if error.refusal is not None:
        kind, subject, matter = error.refusal.kind, error.refusal.subject, error.refusal.matter
    with transaction(portal_settings().app_database_url) as session:
        entry = append(
            session,
            kind,
            subject,
            access.refused_actor(),
            outcome="REFUSED",
            matter=matter,
            after={"code": error.code},
        )
    if not isinstance(error, NotFound):  # a promise would tell that there is what the answer denies
        g.refusals = (entry.leaf_hash,)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    _roll_back()
    return answer_http_error(error)


def _stale(_: StaleDataError) -> ResponseReturnValue:
    return refuse(
        Conflict(
            "form.stale",
            "Somebody changed this while you had it open, so nothing was changed. Reload the page and do it again.",
        )
    )


def _database_error(error: DBAPIError) -> ResponseReturnValue:
    known = error_of(error)
    if known is None:
        return _unexpected(error)
    log.warning("request %s: %s: %s", g.request_id, known.code, type(error.orig).__name__)
    return refuse(known)


def _unexpected(error: Exception) -> ResponseReturnValue:
    _roll_back()
    log.exception("request %s failed at %s %s", g.get("request_id"), request.method, request.path, exc_info=error)
    return answer_unexpected()
