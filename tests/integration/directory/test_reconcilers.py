"""The directory's tables compared with the log: nothing differs after right work, and every forgery shows."""

from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import CursorResult, select, text
from sqlalchemy.orm import Session

from adapters.clock import case_today
from adapters.settings import Settings
from audit.actor import HUB, Actor
from audit.reconcile import registered
from directory.agencies.register import register_agency
from directory.agencies.rename import rename_agency
from directory.catalogue.compile import draft_next_version, draft_resource, edit_version
from directory.catalogue.models import ResourceVersion
from directory.catalogue.publish import publish_version
from directory.catalogue.review import approve_version
from directory.catalogue.secrecy import review_secrecy
from directory.catalogue.submit import submit_version
from directory.keys.models import AgencyKey
from directory.keys.revoke import revoke_key
from directory.people.accounts import open_account
from directory.people.appointments import appoint, file
from directory.people.assign import assign_role
from directory.people.clients import register_client, revoke_client
from directory.people.models import ApiClient, Person
from directory.people.queries import actor_of_person
from directory.people.register import person_left, register_person
from directory.people.roles import Role
from directory.reconcilers import register_reconcilers
from directory.systems.register import allow_address, register_system, withdraw_address
from tests import factories
from tests.factories import entry, items
from tests.integration.directory.test_keys import register_signing


def differences(session: Session) -> set[str]:
    """Names of the reconcilers that find something."""
    session.flush()
    register_reconcilers()
    own = {name: check for name, check in registered().items() if check.__module__.startswith(("audit.", "directory."))}
    session.expire_all()
    return {name for name, check in own.items() if list(check(session))}


def otherwise_found(session: Session, forgeries: Sequence[tuple[str, str]]) -> list[tuple[str, set[str]]]:
    """Forgeries that change no row, or that not just their reconcilers find; each is made alone and taken back.

    Args:
        forgeries: SQL, and the names of its reconcilers with a blank between them.
    """
    session.flush()
    wrong = []
    for forgery, names in forgeries:
        with session.begin_nested() as forged:
            changed: CursorResult[tuple[()]] = session.execute(text(forgery))  # type: ignore[assignment]  # of no rows
            found = differences(session)
            if not changed.rowcount or found != set(names.split()):
                wrong.append((forgery, found))
            forged.rollback()
        session.expire_all()
    return wrong


@pytest.fixture
def people(session: Session) -> tuple[Actor, Actor]:
    bureau = register_agency(session, HUB, credit_code=factories.credit_code(5), short_code="B5", name="局")
    made = []
    for number, roles in enumerate(((Role.COMPILER,), (Role.REVIEWER, Role.SECRECY_REVIEWER))):
        someone = register_person(session, HUB, bureau.id, f"人{number}")
        for role in roles:
            assign_role(session, HUB, someone.id, role)
        open_account(session, HUB, someone.id, f"person{number}", "twelve letters")
        made.append(actor_of_person(session, someone.id))
    register_agency(session, HUB, credit_code=factories.credit_code(7), short_code="C6", name="旁局")
    guard = register_person(session, HUB, bureau.id, "人2")
    assign_role(session, HUB, guard.id, Role.SECURITY_ADMINISTRATOR)
    register_client(session, actor_of_person(session, guard.id), bureau.id, "接口程序", someone.id)
    assign_role(session, HUB, someone.id, Role.SIGNATORY)
    register_signing(session, actor_of_person(session, someone.id), Ed25519PrivateKey.generate())
    return made[0], made[1]


@pytest.fixture
def version(session: Session, people: tuple[Actor, Actor]) -> ResourceVersion:
    compiler, reviewer = people
    first = draft_resource(session, compiler, entry(), items())
    edit_version(session, compiler, first.id, entry(abstract="改过的摘要"), items(2), expected=None)
    second = first
    for _ in range(2):
        submit_version(session, compiler, second.id)
        approve_version(session, reviewer, second.id)
        review_secrecy(session, reviewer, second.id, passed=True, document="1号")
        publish_version(session, compiler, second.id)
        if second is first:
            second = draft_next_version(session, compiler, first.resource_id, case_today(session))
    return second


@pytest.fixture
def everything(session: Session, people: tuple[Actor, Actor], version: ResourceVersion, rules: Settings) -> None:
    """Besides, an appointment, somebody who left, an agency of a new name, and a system with addresses."""
    compiler, reviewer = people
    assert compiler.person_id is not None
    assert compiler.agency_id is not None
    assert reviewer.person_id is not None
    operator = register_agency(
        session, HUB, credit_code=factories.credit_code(6), short_code="OP", name="主管", office="REGULATOR"
    )
    regulator = register_person(session, HUB, operator.id, "管理员")
    assign_role(session, HUB, regulator.id, Role.REGULATOR)
    made = appoint(session, HUB, compiler.agency_id, compiler.person_id, reviewer.person_id)
    file(session, actor_of_person(session, regulator.id), made.id)
    person_left(session, HUB, reviewer.person_id)
    rename_agency(session, HUB, operator.id, name="数据局")
    system = register_system(session, compiler, compiler.agency_id, "登记系统")
    addresses = [allow_address(session, HUB, system.id, "db.example", port) for port in (5432, 5433)]
    withdraw_address(session, HUB, addresses[0].id)


def test_right_work_leaves_no_difference(session: Session, everything: None) -> None:
    assert differences(session) == set()


FORGERIES = [
    ("UPDATE resource_version SET state = 'WITHDRAWN' WHERE number = 2", "resource_version-state"),
    ("UPDATE resource_version SET state = 'WITHDRAWN' WHERE number = 1", "resource_version-state"),
    ("UPDATE resource_version SET abstract = 'forged' WHERE number = 2", "resource_version-content"),
    ("UPDATE data_item SET share_condition = 'none' WHERE position = 1", "resource_version-content"),
    ("UPDATE person SET left_at = now() WHERE name = '人1'", "person-left"),
    ("DELETE FROM account WHERE login = 'person1'", "account-entries"),
    ("UPDATE agency SET name = '另一局' WHERE short_code = 'B5'", "agency-content"),
    ("UPDATE agency SET office = 'AUDIT_OFFICE' WHERE short_code = 'B5'", "agency-content"),
    ("UPDATE person SET name = '张三' WHERE name = '人1'", "person-content"),
    ("UPDATE agency_key SET public_key = 'AAAA'", "key-content"),
    ("UPDATE agency_key SET fingerprint = repeat('0', 64)", "key-content"),
    ("UPDATE agency_key SET agency_id = (SELECT id FROM agency WHERE short_code = 'C6')", "key-content"),
    ("UPDATE agency_key SET registered_at = '2020-01-01'", "key-deeds"),
    ("UPDATE agency_key SET registered_by = (SELECT id FROM person WHERE name = '人2')", "key-deeds"),
    ("UPDATE api_client SET name = 'forged'", "client-content"),
    ("UPDATE api_client SET agency_id = (SELECT id FROM agency WHERE short_code = 'C6')", "client-content"),
    (
        "INSERT INTO agency SELECT gen_random_uuid(), 'X', 'X', name, name_en, kind, level, office, parent_id,"
        " valid_from, valid_to, created_at FROM agency WHERE short_code = 'B5'",
        "agency",
    ),
]


def test_each_forgery_shows_by_its_name(session: Session, version: ResourceVersion) -> None:
    assert otherwise_found(session, FORGERIES) == []


def test_another_moment_of_a_revocation_shows(session: Session, people: tuple[Actor, Actor]) -> None:
    assert people[1].person_id is not None
    key, client = session.scalars(select(AgencyKey)).one(), session.scalars(select(ApiClient)).one()
    revoke_key(session, actor_of_person(session, people[1].person_id), key.id)
    guard = session.scalars(select(Person.id).where(Person.name == "人2")).one()
    revoke_client(session, actor_of_person(session, guard), client.id)
    assert differences(session) == set()
    for table, name in (("agency_key", "key-deeds"), ("api_client", "client-deeds")):
        session.execute(text(f"UPDATE {table} SET revoked_at = revoked_at - interval '1 hour'"))
        assert name in differences(session)
