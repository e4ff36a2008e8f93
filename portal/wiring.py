"""What every process of the hub sets up at its start, and what rooms ask of rooms above them."""

from collections.abc import Callable
from typing import Any

import audit.append
import audit.archive.read
import audit.destruction.compared
import audit.restoration.compared
import audit.retention
import audit.search_index.compared
import audit.standing
import audit.subjects.compared
import audit.witness.standing
import directory.reconcilers
import exchange.hooks
import exchange.reconcilers
import exchange.release
import oversight.anomalies.compared
import oversight.anomalies.places
import pipelines.reconcilers
import portal.refusals
import portal.starts
from adapters.settings import Settings
from directory.calendars import add
from directory.catalogue import publish, withdraw
from directory.catalogue.change import recompute_changes


def wire(settings: Settings) -> None:
    """Configure the evidence writer and the one door, and register hooks and reconcilers; twice does no harm."""
    settings.require("app_database_url", "sealing_key")
    audit.append.configure(settings.log_origin, settings.sealing_key)
    audit.archive.read.configure(settings)
    audit.retention.configure(settings)
    audit.standing.configure(settings.evidence_grace_seconds)
    audit.witness.standing.configure(settings.witnesses)
    exchange.release.configure(settings.sealing_key.encode()[:64])
    oversight.anomalies.places.configure(settings.sealing_key.encode()[:64])
    _once(publish.on_published, exchange.hooks.on_published)
    _once(withdraw.on_withdrawn, exchange.hooks.on_withdrawn)
    _once(add.on_added, exchange.hooks.on_calendar_added)
    _once(add.on_added, recompute_changes)
    audit.search_index.compared.register_reconcilers()
    audit.subjects.compared.register_reconcilers()
    audit.destruction.compared.register_reconcilers()
    audit.restoration.compared.register_reconcilers()
    directory.reconcilers.register_reconcilers()
    exchange.reconcilers.register_reconcilers()
    pipelines.reconcilers.register_reconcilers()
    oversight.anomalies.compared.register_reconcilers()
    portal.refusals.register_reconcilers()
    portal.starts.register_reconcilers()


def _once(hooks: list[Callable[..., Any]], hook: Callable[..., Any]) -> None:
    if hook not in hooks:
        hooks.append(hook)
