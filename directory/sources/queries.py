"""Reading sources, and opening one for the connector that reads it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.errors import NotAllowed
from adapters.settings import Settings
from directory.sources.models import Connector, Source
from directory.sources.sealing import open_sealed
from directory.systems.queries import address_allowed


@dataclass(frozen=True)
class OpenSource:
    """What a connector needs to read a source; the secrets live as long as the reading."""

    id: uuid.UUID
    connector: Connector
    config: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)


def current_source(session: Session, resource_id: uuid.UUID) -> Source | None:
    """The source attached to a resource now, if there is one."""
    return session.scalar(select(Source).where(Source.resource_id == resource_id, Source.detached_at.is_(None)))


def open_source(session: Session, source: Source, settings: Settings) -> OpenSource:
    """Open a source for reading; its address is looked up in the register once more, since it may have left it.

    Raises:
        NotAllowed: the address is not in the register any more.
        Terminal: the secrets cannot be opened.
    """
    kind, subject = Connector(source.connector), f"source/{source.id}"
    check_address(session, source.resource.agency_id, kind, source.config, subject)
    secrets = open_sealed(source.sealed, settings) if source.sealed else {}
    return OpenSource(source.id, kind, dict(source.config), secrets)


def check_address(
    session: Session, agency_id: uuid.UUID, connector: Connector, config: Mapping[str, Any], subject: str
) -> None:
    """Let the hub call only addresses of the agency's registered systems, so that nobody sends it elsewhere.

    Args:
        config: as ``checked_configuration`` made it.
        subject: what the refusal is about, for evidence.

    Raises:
        NotAllowed: the address is not in the register.
    """
    if connector is not Connector.POSTGRESQL:
        return
    if not address_allowed(session, agency_id, config["host"], config["port"]):
        sentence = (
            "The address {host}:{port} is not in the register of your agency's systems, so the hub does not call it. "
            "Ask the system administrator to register it."
        )
        error = NotAllowed("source.address", sentence, host=config["host"], port=config["port"])
        raise error.refused("source.attached", subject)
