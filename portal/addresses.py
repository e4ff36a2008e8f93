"""Addresses to go back to, which must be the portal's own."""


def inside(address: str, otherwise: str = "/") -> str:
    """The address when it is a path of this portal, else another; nobody is sent to a foreign site through ours."""
    own = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if own else otherwise
