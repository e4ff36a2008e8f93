"""OAuth 2.0 token endpoint: client credentials only (RFC 6749, 4.4), by HTTP Basic or in the form."""

from base64 import b64decode
from urllib.parse import unquote_plus

from flask import Blueprint, Response, request

from directory.people.sign_in import Refused
from directory.people.tokens import issue_token
from portal import refusals
from portal.access import PUBLIC, access
from portal.api.endpoint import json_answer
from portal.edge import current_session, keep_changes, portal_settings, promise_nothing

blueprint = Blueprint("oauth", __name__)


@blueprint.post("/oauth/token")
@access(PUBLIC)
def issue() -> Response:
    """Exchange a client's id and secret for a short-lived bearer token."""
    if request.form.get("grant_type") != "client_credentials":
        return _error("unsupported_grant_type", 400)
    credentials = _credentials()
    if credentials is None:
        return _error("invalid_request", 400)
    settings = portal_settings()
    issued = issue_token(current_session(), *credentials, request.remote_addr or "", settings=settings)
    keep_changes()
    if isinstance(issued, Refused):
        promise_nothing()
        if not issued.recorded:
            refusals.count(settings.app_database_url, "token.refused")
        return _error("invalid_client", 401)
    answer = json_answer({"access_token": issued.token, "token_type": "Bearer", "expires_in": issued.seconds})
    return _not_kept(answer)


def _credentials() -> tuple[str, str] | None:
    scheme, _, coded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client, colon, secret = b64decode(coded, validate=True).decode("utf-8").partition(":")
        except ValueError:
            return None
        client, secret = unquote_plus(client), unquote_plus(secret)
        return (client, secret) if colon and _plain(client + secret) else None
    client, secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    return (client, secret) if client and secret else None


def _plain(text: str) -> bool:
    return text.isprintable()


def _error(code: str, status: int) -> Response:
    """An error in the shape of RFC 6749, 5.2."""
    answer = json_answer({"error": code}, status)
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="shuniu"'
    return _not_kept(answer)


def _not_kept(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Pragma"] = "no-cache"
    return answer
