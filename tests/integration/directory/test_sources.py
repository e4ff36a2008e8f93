"""Systems with their addresses, and the sources attached at them."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from adapters.errors import Conflict, InvalidInput, Misconfigured, NotAllowed, NotFound, Terminal
from adapters.settings import Settings
from audit.actor import HUB, Actor
from audit.models import Evidence
from directory.catalogue.models import ResourceVersion
from directory.people.roles import Role
from directory.sources.attach import attach_source, detach_source
from directory.sources.configuration import upload_key
from directory.sources.queries import current_source, open_source
from directory.sources.sealing import open_sealed, seal
from directory.systems.queries import systems
from directory.systems.register import allow_address, register_system, withdraw_address
from tests import factories
from tests.factories import items, not_shared

SECRETS = {"user": "reader", "password": " hunter2 "}


@pytest.fixture
def version(session: Session) -> ResourceVersion:
    return factories.published_resource(session, factories.agency(session), items(2))


@pytest.fixture
def compiler(session: Session, version: ResourceVersion) -> Actor:
    return factories.official(session, version.resource.agency, Role.COMPILER)


def postgresql(**changes: Any) -> dict[str, Any]:
    return {
        "host": "DB.Example.",
        "port": 5432,
        "database": "business",
        "schema": "public",
        "table": "法人",
        "columns": {"field_1": "代码", "field_2": "名称"},
    } | changes


def csv(agency_id: uuid.UUID, **changes: Any) -> dict[str, Any]:
    columns = {"field_1": "代码", "field_2": "名称"}
    return {
        "object_key": upload_key(agency_id, "rows.csv"),
        "encoding": "gb18030",
        "columns": columns,
        "sha256": "a" * 64,
        "bytes": 10,
    } | changes


def test_a_database_is_attached_at_a_registered_address_alone(
    session: Session, version: ResourceVersion, compiler: Actor, rules: Settings, kinds: Callable[[str], list[str]]
) -> None:
    of = version.resource
    with pytest.raises(NotAllowed, match="not in the register") as refused:
        attach_source(session, compiler, of.id, "POSTGRESQL", postgresql(), SECRETS, rules)
    assert refused.value.refusal is not None
    system = register_system(session, compiler, of.agency_id, "登记系统")
    with pytest.raises(NotAllowed):
        allow_address(session, compiler, system.id, "db.example", 5432)
    address = allow_address(session, HUB, system.id, "db.example", 5432)
    source = attach_source(session, compiler, of.id, "POSTGRESQL", postgresql(), SECRETS, rules)
    assert source.config["host"] == "db.example"
    assert current_source(session, of.id) is source
    opened = open_source(session, source, rules)
    assert opened.secrets == SECRETS
    assert "hunter2" not in repr(opened) + json.dumps(source.config)
    assert source.sealed is not None
    assert b"hunter2" not in source.sealed
    assert all(b"hunter2" not in entry.body for entry in session.query(Evidence))
    for port, host in ((5433, "db.example"), (5432, "db.example.evil.example"), (5432, "127.0.0.1")):
        with pytest.raises(NotAllowed):
            attach_source(session, compiler, of.id, "POSTGRESQL", postgresql(host=host, port=port), SECRETS, rules)
    withdraw_address(session, HUB, address.id)
    with pytest.raises(NotAllowed):
        open_source(session, source, rules)
    assert kinds(f"system/{system.id}") == [
        "system.registered",
        "system.address_allowed",
        "system.address_withdrawn",
    ]


def test_another_agencys_system_opens_no_door(
    session: Session, compiler: Actor, version: ResourceVersion, rules: Settings
) -> None:
    other = factories.agency(session)
    system = register_system(session, HUB, other.id, "别家系统")
    allow_address(session, HUB, system.id, "db.example", 5432)
    with pytest.raises(NotAllowed):
        attach_source(session, compiler, version.resource_id, "POSTGRESQL", postgresql(), SECRETS, rules)
    stranger = factories.official(session, other, Role.COMPILER)
    with pytest.raises(NotAllowed, match="another agency"):
        attach_source(session, stranger, version.resource_id, "POSTGRESQL", postgresql(), SECRETS, rules)


def test_a_new_source_takes_the_place_of_the_old(
    session: Session, version: ResourceVersion, compiler: Actor, rules: Settings
) -> None:
    agency_id, resource_id = version.resource.agency_id, version.resource_id
    first = attach_source(session, compiler, resource_id, "CSV", csv(agency_id), {}, rules)
    second = attach_source(session, compiler, resource_id, "CSV", csv(agency_id, encoding="utf-8"), {}, rules)
    assert first.detached_at is not None
    assert current_source(session, resource_id) is second
    assert open_source(session, second, rules).secrets == {}
    detach_source(session, compiler, resource_id)
    assert current_source(session, resource_id) is None
    with pytest.raises(NotFound):
        detach_source(session, compiler, resource_id)


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": {"field_1": "代码"}},
        {"columns": {"field_1": "a", "field_2": "b", "field_3": "c"}},
        {"columns": {"field_1": "a", "field_2": ""}},
        {"columns": {"field_1": "a", "field_2": "字" * 22}},
        {"columns": ["a", "b"]},
        {"columns": None},
        {"password": "hunter2"},
        {"host": "https://db.example/"},
        {"host": "db example"},
        {"host": "1.2.3"},
        {"host": None},
        {"port": "5432"},
        {"port": 0},
        {"port": True},
        {"schema": ""},
        {"table": "a\x00"},
        {"table": 5},
        {"partition_column": "a\nb"},
    ],
)
def test_wrong_database_configurations(
    session: Session, version: ResourceVersion, compiler: Actor, rules: Settings, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        attach_source(session, compiler, version.resource_id, "POSTGRESQL", postgresql(**changes), SECRETS, rules)
    assert refused.value.problems


def test_wrong_file_configurations(
    session: Session, version: ResourceVersion, compiler: Actor, rules: Settings
) -> None:
    own = version.resource.agency_id
    keys = [
        upload_key(uuid.uuid4(), "rows.csv"),
        "lake/secret.parquet",
        f"uploads/{own}/../{uuid.uuid4()}/rows.csv",
        f"uploads/{own}/",
        "",
    ]
    wrong: list[tuple[str, Any, Any]] = [("CSV", csv(own, object_key=key), {}) for key in keys]
    wrong += [("CSV", csv(own, **change), {}) for change in ({"encoding": "big5"}, {"sha256": "x"}, {"bytes": 0})]
    wrong += [("CSV", csv(own), SECRETS), ("CSV", [], {}), ("CSV", csv(own), None), ("EXCEL", csv(own), {})]
    wrong += [("POSTGRESQL", postgresql(), secrets) for secrets in ({}, {"user": "a"}, {"user": "a", "password": ""})]
    for connector, config, secrets in wrong:
        with pytest.raises(InvalidInput):
            attach_source(session, compiler, version.resource_id, connector, config, secrets, rules)


def test_state_secrets_have_no_source(session: Session, rules: Settings) -> None:
    bureau = factories.agency(session)
    secret = factories.published_resource(
        session, bureau, items(1, **not_shared(sensitivity="STATE_SECRET")), secrecy_level="STATE_SECRET", modes=[]
    )
    compiler = factories.official(session, bureau, Role.COMPILER)
    with pytest.raises(Conflict, match="never travel"):
        attach_source(session, compiler, secret.resource_id, "CSV", csv(bureau.id), {}, rules)


def test_a_draft_may_be_fed_before_it_is_published(session: Session, rules: Settings) -> None:
    bureau = factories.agency(session)
    draft = factories.version(session, bureau, "DRAFT", items(2))
    compiler = factories.official(session, bureau, Role.COMPILER)
    attach_source(session, compiler, draft.resource_id, "CSV", csv(bureau.id), {}, rules)
    gone = factories.version(session, bureau, "WITHDRAWN", items(2))
    with pytest.raises(Conflict, match="withdrawn"):
        attach_source(session, compiler, gone.resource_id, "CSV", csv(bureau.id), {}, rules)


def test_the_register_of_systems(session: Session) -> None:
    bureau = factories.agency(session)
    compiler = factories.official(session, bureau, Role.COMPILER)
    system = register_system(session, compiler, bureau.id, "登记系统")
    with pytest.raises(Conflict):
        register_system(session, compiler, bureau.id, "登记系统")
    with pytest.raises(InvalidInput):
        register_system(session, compiler, bureau.id, "另一系统", "THE_INTERNET")
    with pytest.raises(NotAllowed):
        register_system(session, compiler, factories.agency(session).id, "别家系统")
    first = allow_address(session, HUB, system.id, "2001:DB8:0::1", 5432)
    assert first.host == "2001:db8::1"
    with pytest.raises(Conflict):
        allow_address(session, HUB, system.id, "2001:db8::1", 5432)
    with pytest.raises(NotFound):
        allow_address(session, HUB, uuid.uuid4(), "db.example", 5432)
    withdraw_address(session, HUB, first.id)
    with pytest.raises(Conflict):
        withdraw_address(session, HUB, first.id)
    allow_address(session, HUB, system.id, "2001:db8::1", 5432)
    assert systems(session, bureau.id).items == (system,)


def test_what_was_sealed_opens_with_the_same_key_alone(rules: Settings) -> None:
    sealed = seal(SECRETS, rules)
    assert open_sealed(sealed, rules) == SECRETS
    other = Settings(home=rules.home, sealing_key=factories.SEALING_KEY[::-1].replace("=", "") + "=")
    with pytest.raises((Terminal, Misconfigured)):
        open_sealed(sealed, other)
    with pytest.raises(Misconfigured, match="SHUNIU_SEALING_KEY"):
        seal(SECRETS, Settings(home=rules.home))
