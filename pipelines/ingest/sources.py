"""The connector of a load's source, its address checked against the register again."""

import uuid
from functools import partial

from adapters.connectors.base import Connector
from adapters.connectors.open import open_connector
from adapters.database import transaction
from adapters.errors import Conflict
from adapters.settings import Settings
from directory.sources.models import Source
from directory.sources.queries import open_source
from directory.systems.queries import address_allowed


def connector_of(settings: Settings, source_id: uuid.UUID) -> Connector:
    """The connector of a source; nothing is connected yet.

    Raises:
        Conflict: the source was detached meanwhile.
        NotAllowed: its address is not in the register any more.
        Terminal: its secrets or configuration cannot be used.
    """
    with transaction(settings.app_database_url) as session:
        source = session.get(Source, source_id)
        if source is None or source.detached_at is not None:
            raise Conflict("source.detached", "The source was detached. Attach one and load again.")
        opened = open_source(session, source, settings)
        agency_id = source.resource.agency_id
    return open_connector(
        opened.connector, opened.config, opened.secrets, settings, partial(_allowed, settings, agency_id)
    )


def _allowed(settings: Settings, agency_id: uuid.UUID, host: str, port: int) -> bool:
    with transaction(settings.app_database_url) as session:
        return address_allowed(session, agency_id, host, port)
