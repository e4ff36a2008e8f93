"""Imports every room's tables, so that one metadata knows them all."""

import adapters.clock
import adapters.work
import audit.archive.models
import audit.destruction.models
import audit.models
import audit.restoration.models
import audit.search_index.models
import audit.stall.models
import audit.stamps.models
import audit.store.models
import audit.subjects.models
import audit.witness.models
import directory.agencies.models
import directory.calendars.models
import directory.catalogue.models
import directory.datasets.models
import directory.keys.models
import directory.people.models
import directory.sources.models
import directory.systems.models
import exchange.agreements.models
import exchange.applications.models
import exchange.deliveries.models
import exchange.disputes.models
import exchange.grants.models
import exchange.needs.models
import exchange.numbers.models
import oversight.anomalies.models
import portal.models
from adapters.database import Base

MODULES = (
    adapters.clock,
    adapters.work,
    audit.archive.models,
    audit.destruction.models,
    audit.models,
    audit.restoration.models,
    audit.search_index.models,
    audit.stall.models,
    audit.stamps.models,
    audit.store.models,
    audit.subjects.models,
    audit.witness.models,
    directory.agencies.models,
    directory.calendars.models,
    directory.catalogue.models,
    directory.datasets.models,
    directory.keys.models,
    directory.people.models,
    directory.sources.models,
    directory.systems.models,
    exchange.agreements.models,
    exchange.applications.models,
    exchange.deliveries.models,
    exchange.disputes.models,
    exchange.grants.models,
    exchange.needs.models,
    exchange.numbers.models,
    oversight.anomalies.models,
    portal.models,
)
METADATA = Base.metadata
