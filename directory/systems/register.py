"""The register of information systems and of the addresses at which the hub may call on them (R9)."""

import ipaddress
import re
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import case_today, system_now
from adapters.errors import Conflict, InvalidInput, NotFound
from adapters.texts import line
from audit.actor import Actor
from audit.append import append
from directory.agencies.queries import agency
from directory.permissions import allow_address as may_allow_address
from directory.permissions import register_system as may_register_system
from directory.permissions import require
from directory.systems.models import System, SystemAddress
from schemas.code_lists import code_list

_NAME_PART = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_LARGEST_PORT = 65_535


def register_system(
    session: Session, actor: Actor, agency_id: uuid.UUID, name: str, network: str = "GOVERNMENT_EXTRANET"
) -> System:
    """Enter a system of an agency into the register.

    Args:
        network: a word of the code list ``networks``.

    Raises:
        NotAllowed: the actor neither compiles for this agency nor administers systems.
        NotFound: there is no such agency.
        InvalidInput: an empty name, an unknown network.
        Conflict: the agency has a system of this name.
    """
    require(may_register_system(actor, agency_id), "system.registered", f"agency/{agency_id}")
    of = agency(session, agency_id)
    wanted = line(name, "/name", most=150)
    if network not in {code.code for code in code_list("networks").codes_on(case_today(session))}:
        sentence = "There is no such network. Choose one from the list."
        raise InvalidInput("system.network", sentence, [{"pointer": "/network", "message": sentence}])
    if session.scalar(select(System.id).where(System.agency_id == of.id, System.name == wanted)):
        raise Conflict("system.known", "The agency has a system called {name} already.", name=wanted)
    made = System(agency_id=of.id, name=wanted, network=network)
    session.add(made)
    session.flush()
    facts = {"name": wanted, "network": network, "agency_id": str(of.id)}
    append(session, "system.registered", f"system/{made.id}", actor, after=facts)
    return made


def allow_address(session: Session, actor: Actor, system_id: uuid.UUID, host: str, port: int) -> SystemAddress:
    """Let the hub call on a system at an address. It calls on no address outside this register.

    Args:
        host: a host name or IP address, without a scheme.
        port: 1 to 65535.

    Raises:
        NotAllowed: the actor does not administer systems.
        NotFound: there is no such system.
        InvalidInput: no host or port.
        Conflict: the address is in the register already.
    """
    require(may_allow_address(actor), "system.address_allowed", f"system/{system_id}")
    system = session.get(System, system_id)
    if system is None:
        raise NotFound("system.unknown", "There is no such system. Choose one from the register.")
    wanted = checked_host(host)
    number = checked_port(port)
    same = (SystemAddress.system_id == system_id) & (SystemAddress.host == wanted) & (SystemAddress.port == number)
    if session.scalar(select(SystemAddress.id).where(same, SystemAddress.removed_at.is_(None))):
        raise Conflict("system.address_known", "This address is in the register already. There is nothing to do.")
    made = SystemAddress(system_id=system_id, host=wanted, port=number)
    session.add(made)
    session.flush()
    append(session, "system.address_allowed", f"system/{system_id}", actor, after={"host": wanted, "port": number})
    return made


def withdraw_address(session: Session, actor: Actor, address_id: uuid.UUID) -> SystemAddress:
    """Take an address out of the register; from now on the hub does not call it.

    Raises:
        NotAllowed: the actor does not administer systems.
        NotFound: there is no such address.
        Conflict: it was taken out before.
    """
    require(may_allow_address(actor), "system.address_withdrawn", f"address/{address_id}")
    address = session.scalar(select(SystemAddress).where(SystemAddress.id == address_id).with_for_update())
    if address is None:
        raise NotFound("system.address_unknown", "There is no such address. Choose one from the register.")
    if address.removed_at is not None:
        raise Conflict("system.address_gone", "This address was taken out already. There is nothing to do.")
    address.removed_at = system_now()
    session.flush()
    before = {"host": address.host, "port": address.port}
    append(session, "system.address_withdrawn", f"system/{address.system_id}", actor, before=before)
    return address


def checked_host(host: object) -> str:
    """A host in the form in which addresses are compared: small letters, no dot at the end, IP addresses in short form.

    Raises:
        InvalidInput: it is neither a host name nor an IP address.
    """
    text = line(host, "/host", most=253).rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        parts = text.split(".")
        if all(_NAME_PART.fullmatch(part) for part in parts) and not parts[-1].isdigit():
            return text
    sentence = "This is no host name or IP address. Enter it without a scheme, a port or a path."
    raise InvalidInput("system.host", sentence, [{"pointer": "/host", "message": sentence}])


def checked_port(port: object) -> int:
    """A port number.

    Raises:
        InvalidInput: it is none.
    """
    if isinstance(port, int) and not isinstance(port, bool) and 1 <= port <= _LARGEST_PORT:
        return port
    sentence = "A port is a whole number from 1 to 65535."
    raise InvalidInput("system.port", sentence, [{"pointer": "/port", "message": sentence}])
