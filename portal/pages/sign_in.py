"""Signing in and out."""

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from directory.people.accounts import is_given
from directory.people.sign_in import Refused, sign_in, sign_out
from portal import refusals
from portal.access import AT_FIRST, PUBLIC, SIGN_IN_COOKIE, access, current_actor
from portal.addresses import inside
from portal.edge import current_session, keep_changes, portal_settings, promise_nothing
from portal.forms import refused_form
from portal.i18n import LANGUAGE_COOKIE
from portal.pages.frame import Pages

YEAR = 365 * 86_400
blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/sign-in")
@access(PUBLIC)
def form() -> ResponseReturnValue:
    """The form; somebody signed in already goes on to the desk."""
    if current_actor().person_id is not None:
        return redirect(inside(request.args.get("next", "")), 303)
    return render_template("sign_in/form.html")


@blueprint.post("/sign-in")
@access(PUBLIC)
def enter() -> ResponseReturnValue:
    """Sign in with login and password; the cookie holds a random token and nothing else."""
    login, password = request.form.get("login", "").strip(), request.form.get("password", "")
    settings = portal_settings()
    signed_in = sign_in(current_session(), login, password, request.remote_addr or "", settings=settings)
    if isinstance(signed_in, Refused):
        keep_changes()
        promise_nothing()
        if not signed_in.recorded:
            refusals.count(settings.app_database_url, signed_in.error.code)
        return refused_form(signed_in.error, "sign_in/form.html")
    session.clear()
    given = is_given(signed_in.account)
    answer = redirect(url_for("preferences.password") if given else inside(request.form.get("next", "")), 303)
    set_cookie(answer, SIGN_IN_COOKIE, signed_in.token, settings.session_seconds)
    set_cookie(answer, LANGUAGE_COOKIE, signed_in.language, YEAR)
    return answer


@blueprint.post("/sign-out")
@access(AT_FIRST)
def leave() -> ResponseReturnValue:
    """Sign out: the token is worthless from now on, wherever it was copied."""
    sign_out(current_session(), request.cookies.get(SIGN_IN_COOKIE, ""), request.remote_addr or "")
    session.clear()
    answer = make_response(redirect(url_for("sign_in.form"), 303))
    answer.delete_cookie(SIGN_IN_COOKIE)
    return answer


def set_cookie(answer: object, name: str, value: str, seconds: int) -> None:
    """Set a cookie that scripts cannot read and foreign sites cannot send along."""
    assert isinstance(answer, Response)
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    answer.set_cookie(name, value, max_age=seconds, httponly=True, samesite="Lax", secure=secure)


PAGES = Pages(blueprint)
