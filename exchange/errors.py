"""Errors of the exchange room."""

from adapters.errors import ShuniuError


class ReleaseRefused(ShuniuError):
    """The one door stayed shut. Its evidence is committed already, so the edge records nothing more."""

    status = 403
