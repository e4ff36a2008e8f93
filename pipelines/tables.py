"""Imports every table that rows of the steps refer to: SQLAlchemy has to know them before it writes."""

import adapters.work
import audit.models
import directory.agencies.models
import directory.catalogue.models
import directory.datasets.models
import directory.keys.models
import directory.people.models
import directory.sources.models
import directory.systems.models
import exchange.agreements.models
import exchange.applications.models
import exchange.deliveries.models
import exchange.grants.models

MODULES = (
    adapters.work,
    audit.models,
    directory.agencies.models,
    directory.catalogue.models,
    directory.datasets.models,
    directory.keys.models,
    directory.people.models,
    directory.sources.models,
    directory.systems.models,
    exchange.agreements.models,
    exchange.applications.models,
    exchange.deliveries.models,
    exchange.grants.models,
)
