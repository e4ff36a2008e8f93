"""The native API. Every blueprint is listed once in ``ALL``; those of version 1 are made with ``version_one``."""

from flask import Blueprint

from portal.api import describe, token

ALL: tuple[Blueprint, ...] = (
    token.blueprint,
    describe.blueprint,
)
