"""Addresses to go back to, which must be the portal's own."""

from urllib.parse import urlsplit


def inside(address: str, otherwise: str = "/") -> str:
    """The address when it is a path of this portal, else another; nobody is sent to a foreign site through ours."""
    parts = urlsplit(address)
    own = not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if own and address.isprintable() else otherwise
