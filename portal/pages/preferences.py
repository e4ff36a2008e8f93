"""What a person sets for themselves: language and password."""

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from adapters.errors import InvalidInput, ShuniuError
from directory.people.accounts import change_password, set_language
from portal.access import AT_FIRST, PUBLIC, SIGN_IN_COOKIE, access, current_account, current_actor
from portal.addresses import inside
from portal.edge import current_session
from portal.forms import form_again
from portal.i18n import LANGUAGE_COOKIE
from portal.languages import LANGUAGES
from portal.pages.frame import Pages
from portal.pages.sign_in import YEAR, set_cookie

blueprint = Blueprint("preferences", __name__)


@blueprint.post("/language")
@access(PUBLIC)
def language() -> ResponseReturnValue:
    """Switch the language here and for the account, also before a password that another person set is changed."""
    chosen = request.form.get("language", "")
    if chosen not in LANGUAGES:
        raise InvalidInput("language.unknown", "The hub does not speak this language. Choose Chinese or English.")
    account = current_account()
    if account is not None:
        set_language(current_session(), account.actor, chosen)
    answer = redirect(inside(request.form.get("next", "")), 303)
    set_cookie(answer, LANGUAGE_COOKIE, chosen, YEAR)
    return answer


@blueprint.get("/password")
@access(AT_FIRST)
def password() -> str:
    """The form to change one's own password."""
    return render_template("preferences/password.html")


@blueprint.post("/password")
@access(AT_FIRST)
def change() -> ResponseReturnValue:
    """Change one's own password; the present one is asked for, and every sign-in ends."""
    new = request.form.get("new", "")
    try:
        if new != request.form.get("again", ""):
            raise InvalidInput(
                "password.differs",
                "The two new passwords differ. Nothing was changed. Type the new password twice.",
                problems=[{"pointer": "/again", "message": "This differs from the new password."}],
            )
        change_password(current_session(), current_actor(), request.form.get("old", ""), new)
    except ShuniuError as error:
        return form_again(error, "preferences/password.html")
    flash(_("Your password was changed and you were signed out everywhere. Sign in with the new one."), "success")
    answer = make_response(redirect(url_for("sign_in.form"), 303))
    answer.delete_cookie(SIGN_IN_COOKIE)
    return answer


PAGES = Pages(blueprint)
