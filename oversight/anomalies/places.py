"""Where an account is used from, told without telling: a keyed token of the network, never the address.

An entry's address lies in its encrypted part. The worker opens it and keeps a token of the network (24 bits of an IPv4
address, 56 of an IPv6 one), which nobody without the site's key can guess back by trying all networks.
"""

import hashlib
from ipaddress import ip_address, ip_network

from adapters.errors import Terminal

IPV4_BITS, IPV6_BITS = 24, 56
_PERSON = b"shuniu places"
_secret: list[bytes] = []


def configure(secret: bytes) -> None:
    """Set the site's secret that tokens are keyed with, at most 64 bytes."""
    _secret[:] = [secret]


def place_of(address: str) -> str:
    """The token of an address's network; "" for what is no address.

    Raises:
        Terminal: this process has no secret.
    """
    if not _secret:
        raise Terminal("anomalies.not_configured", "Places cannot be told apart: this process has no secret for them.")
    try:
        known = ip_address(address)
    except ValueError:
        return ""
    network = ip_network((known, IPV4_BITS if known.version == 4 else IPV6_BITS), strict=False)
    text = network.with_prefixlen.encode()
    return hashlib.blake2b(text, key=_secret[0], digest_size=12, person=_PERSON).hexdigest()
