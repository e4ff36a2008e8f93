"""Errors as answers: a page in the reader's language, or problem details (RFC 9457) on the API.

Nothing of a stack, a statement or a path of the server is ever in them; a 500 carries the request's id for the log.
"""

from typing import Any
from urllib.parse import quote

import orjson
from flask import Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from adapters.errors import InvalidInput, NotAuthenticated, ShuniuError
from portal.access import on_api
from portal.i18n import sentence_of, translate
from portal.languages import N_

TITLES = {
    400: N_("The request cannot be read"),
    401: N_("Please sign in"),
    403: N_("Not allowed"),
    404: N_("Not found"),
    405: N_("Not possible at this address"),
    409: N_("It does not fit the present state"),
    413: N_("Too large"),
    415: N_("Wrong kind of content"),
    422: N_("Something has to be corrected"),
    429: N_("Too many tries"),
    500: N_("Something went wrong in the hub"),
    503: N_("Not available at the moment"),
}

SENTENCES = {
    400: N_("The request cannot be read. Nothing was changed. Go back, reload the page and try again."),
    401: N_("You are not signed in, or your session has ended. Sign in and try again."),
    403: N_("Your roles do not include this. Ask your agency's security administrator if your duties need it."),
    404: N_("There is nothing at this address, or nothing you may see. Check the address or search the catalogue."),
    405: N_("This address does not take that kind of request. Go back and use the buttons of the page."),
    413: N_("What was sent is too large. Nothing was kept. Send a smaller file or less at once."),
    415: N_("This address does not take that kind of content. Nothing was changed. Check what it takes."),
    422: N_("What was sent breaks a rule. Nothing was changed. Correct it and send it again."),
    429: N_("There were too many tries. Wait a while and try again."),
    500: N_(
        "The hub could not finish this, and nothing was changed. Try again; if it happens again, report the number."
    ),
}
STALE_FORM = N_(
    "This form is too old or was sent from elsewhere. Nothing was changed. Reload the page and send it again."
)


def answer_error(error: ShuniuError) -> ResponseReturnValue:
    """Answer one of the product's own errors."""
    problems = [
        {**problem, "message": translate(problem["message"])}
        for problem in (error.problems if isinstance(error, InvalidInput) else [])
    ]
    sentence = sentence_of(error)
    if on_api():
        more = {"errors": problems} if problems else {}
        return problem_details(error.status, error.code, sentence, retry=error.retry_may_help, **more)
    if isinstance(error, NotAuthenticated) and request.method == "GET" and request.endpoint != "sign_in.form":
        return _to_sign_in(error.code)
    return _page(error.status, error.code, sentence, problems)


def answer_http_error(error: HTTPException) -> ResponseReturnValue:
    """Answer an error of the HTTP layer (unknown address, wrong method, body too large, failed form token)."""
    status = error.code or 500
    if status < 400:
        return error.get_response()
    sentence = translate(SENTENCES.get(status, SENTENCES[400] if status < 500 else SENTENCES[500]))
    code = "input.too_large" if isinstance(error, RequestEntityTooLarge) else f"http.{status}"
    if isinstance(error, CSRFError):
        sentence, code = translate(STALE_FORM), "form.token"
    answer = make_response(problem_details(status, code, sentence) if on_api() else _page(status, code, sentence, []))
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            answer.headers[name] = value
    return answer


def answer_unexpected() -> ResponseReturnValue:
    """Answer a fault of the hub itself with a number that finds it in the log."""
    sentence = translate(SENTENCES[500])
    if on_api():
        return problem_details(500, "hub.fault", sentence)
    return _page(500, "hub.fault", sentence, [])


def problem_details(status: int, code: str, sentence: str, *, retry: bool = False, **more: Any) -> Response:
    """Problem details (RFC 9457): ``type`` is a URN of the code, ``instance`` one of the request."""
    body = {
        "type": f"urn:shuniu:problem:{code}",
        "title": translate(TITLES.get(status, TITLES[500])),
        "status": status,
        "detail": sentence,
        "instance": f"urn:shuniu:request:{g.get('request_id', '')}",
        "code": code,
        "retry_may_help": retry,
        **more,
    }
    answer = Response(orjson.dumps(body), status=status, content_type="application/problem+json")
    answer.headers["X-Shuniu-Code"] = code
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="shuniu"'
    return answer


def _page(status: int, code: str, sentence: str, problems: list[dict[str, str]]) -> Response:
    fragment = request.headers.get("HX-Request") == "true" and status != 500
    template = "errors/fragment.html" if fragment else "errors/page.html"
    title = translate(TITLES.get(status, TITLES[400] if status < 500 else TITLES[500]))
    html = render_template(template, status=status, code=code, title=title, sentence=sentence, problems=problems)
    answer = make_response(html, status)
    if fragment:
        answer.headers["HX-Retarget"] = "#messages"
        answer.headers["HX-Reswap"] = "innerHTML"
    answer.headers["X-Shuniu-Code"] = code
    return answer


def _to_sign_in(code: str) -> Response:
    back = request.full_path.rstrip("?")
    address = url_for("sign_in.form") + (f"?next={quote(back, safe='/')}" if back != "/" else "")
    if request.headers.get("HX-Request") == "true":
        answer = make_response("", 401)
        answer.headers["HX-Redirect"] = address
    else:
        answer = make_response(redirect(address, 303))
    answer.headers["X-Shuniu-Code"] = code
    return answer
