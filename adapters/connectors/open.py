"""Open the connector of a source."""

from collections.abc import Callable, Mapping
from typing import Any

from adapters.connectors.base import Allowed, Connector
from adapters.connectors.csv import CsvConnector
from adapters.connectors.postgresql import PostgresqlConnector
from adapters.errors import Terminal
from adapters.objects import objects
from adapters.settings import Settings

Opener = Callable[[Mapping[str, Any], Mapping[str, str], Settings, Allowed], Connector]

_OPENERS: Mapping[str, Opener] = {
    "POSTGRESQL": lambda config, secrets, settings, allowed: PostgresqlConnector(config, secrets, allowed),
    "CSV": lambda config, secrets, settings, allowed: CsvConnector(config, objects(settings)),
}


def open_connector(
    kind: str, config: Mapping[str, Any], secrets: Mapping[str, str], settings: Settings, allowed: Allowed
) -> Connector:
    """The connector for a kind of source; nothing is connected yet.

    Args:
        kind: word of ``directory.sources.models.Connector``.
        config: what the source's row says, without secrets.
        secrets: its secrets, opened.
        settings: of the site, for sources that lie in the hub's object store.
        allowed: asked with host and port before every connection outwards.

    Raises:
        Terminal: unknown kind, or a configuration that lacks something.
    """
    opener = _OPENERS.get(kind)
    if opener is None:
        raise Terminal("source.kind", "The hub has no connector of the kind {kind}.", kind=kind)
    try:
        return opener(config, secrets, settings, allowed)
    except (KeyError, ValueError) as error:
        raise Terminal(
            "source.config", "The source's configuration lacks {name} or has it wrong.", name=str(error)
        ) from error
