"""Headers and cookies that keep a browser from being used against its owner (OWASP ASVS 4.0, chapter 14.4)."""

from flask import Flask, Request, Response, current_app, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from portal.access import on_api

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
POLICY_API_PAGE = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""Swagger UI writes style attributes; scripts stay the portal's own."""
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
NOT_KEPT = {"Cache-Control": "no-store"}


class PageSessions(SecureCookieSessionInterface):
    """Flask's sessions, which hold what forms need, for pages alone: the API reads no cookie and sets none."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The page's session; None, that is an empty one that cannot be written, on the API."""
        return None if on_api() else super().open_session(app, request)


def secure(app: Flask, portal_url: str) -> None:
    """Set cookie rules, and security headers on every answer."""
    app.session_interface = PageSessions()
    https = portal_url.startswith("https://")
    app.config.update(
        SESSION_COOKIE_NAME="shuniu_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
    )
    app.after_request(_add_headers)


def _add_headers(response: Response) -> Response:
    wanted = {
        **ALWAYS,
        **({"Cross-Origin-Resource-Policy": "same-origin"} if request.endpoint == "static" else NOT_KEPT),
        **({"Strict-Transport-Security": "max-age=31536000"} if current_app.config["SESSION_COOKIE_SECURE"] else {}),
    }
    set_already = {name.lower() for name, _ in response.headers}
    for name, value in wanted.items():
        if name.lower() not in set_already:
            response.headers.add(name, value)
    return response
