"""The native API. Every blueprint is listed once in ``ALL``; those of version 1 are made with ``version_one``."""

from flask import Blueprint

from portal.api import cases, catalogue, compile, deliveries, describe, evidence, grants, keys, records, reserved, token

ALL: tuple[Blueprint, ...] = (
    token.blueprint,
    describe.blueprint,
    keys.blueprint,
    catalogue.blueprint,
    compile.blueprint,
    cases.blueprint,
    grants.blueprint,
    records.blueprint,
    deliveries.blueprint,
    evidence.blueprint,
    reserved.blueprint,
)
