"""Forgeries in the tables of people, roles, sign-ins, reviews, systems, sources and clocks: each shows by its name."""

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from adapters.settings import Settings
from audit.actor import HUB, Actor
from audit.append import append
from directory.agencies.register import register_agency
from directory.agencies.rename import rename_agency
from directory.calendars.add import add_calendar
from directory.case_clock.turn import turn
from directory.catalogue.compile import draft_resource, edit_version
from directory.catalogue.models import ResourceVersion
from directory.catalogue.publish import publish_version
from directory.catalogue.review import approve_version, return_version
from directory.catalogue.secrecy import review_secrecy
from directory.catalogue.submit import submit_version
from directory.people.accounts import (
    change_password,
    freeze_account,
    open_account,
    reset_password,
    unfreeze_account,
)
from directory.people.appointments import appoint, end
from directory.people.assign import assign_role, end_role
from directory.people.clients import register_client, replace_secret
from directory.people.glass import break_glass, seal_glass
from directory.people.models import Account
from directory.people.queries import actor_of_person
from directory.people.register import person_left, register_person
from directory.people.roles import Role
from directory.people.sign_in import SignedIn, sign_in, sign_out
from directory.sources.attach import attach_source, detach_source
from directory.systems.register import allow_address, register_system, withdraw_address
from tests import factories
from tests.factories import CHEAP_HASHES, entry, items
from tests.integration.directory.test_reconcilers import differences

WORDS = "twelve letters"
ROLES = (
    (Role.COMPILER,),
    (Role.REVIEWER, Role.SECRECY_REVIEWER),
    (Role.SECURITY_ADMINISTRATOR,),
    (Role.SYSTEM_ADMINISTRATOR,),
    (Role.REGULATOR,),
)
CSV = {"object_key": "", "encoding": "utf-8", "sha256": "0" * 64, "bytes": 5}


@pytest.fixture
def staff(session: Session, rules: Settings) -> list[Actor]:
    """Everything that the tables of the directory hold, done as it is done."""
    operator = register_agency(
        session, HUB, credit_code=factories.credit_code(5), short_code="B5", name="局", office="REGULATOR"
    )
    register_agency(session, HUB, credit_code=factories.credit_code(7), short_code="C6", name="旁局")
    staff = []
    for number, roles in enumerate(ROLES):
        someone = register_person(session, HUB, operator.id, f"人{number}")
        for role in roles:
            assign_role(session, HUB, someone.id, role)
        open_account(session, HUB, someone.id, f"person{number}", WORDS)
        staff.append(actor_of_person(session, someone.id))
    _rename(session, staff[3])
    _people(session, staff, rules)
    _catalogue(session, staff, rules)
    system = register_system(session, staff[3], operator.id, "库")
    allow_address(session, staff[3], system.id, "10.0.0.1", 5432)
    withdraw_address(session, staff[3], allow_address(session, staff[3], system.id, "10.0.0.2", 5432).id)
    days = {"holidays": [{"from": "2027-01-01", "to": "2027-01-03"}], "makeup_days": []}
    add_calendar(session, staff[4], {"year": 2027, "document": "1号", "title": "2027", "verified": True, **days})
    turn(session, staff[3], 3_600, replace(rules, case_clock_turnable=True))
    turn(session, staff[3], -60, replace(rules, case_clock_turnable=True))
    return staff


def _rename(session: Session, actor: Actor) -> None:
    assert actor.agency_id is not None
    for name, name_en in (("新局", ""), ("新局", "New"), ("大局", "")):
        rename_agency(session, actor, actor.agency_id, name=name, name_en=name_en)


def _people(session: Session, staff: list[Actor], rules: Settings) -> None:
    guard, ids = staff[2], [each.person_id or uuid.uuid4() for each in staff]
    assert guard.agency_id is not None
    seal_glass(session, guard, ("甲", "乙"))
    halves = seal_glass(session, guard, ("甲", "丙")).halves
    break_glass(session, halves, "演练")
    assign_role(session, guard, ids[0], Role.ANSWERER)
    end_role(session, guard, ids[0], Role.ANSWERER)
    assign_role(session, guard, ids[0], Role.ANSWERER)
    reset_password(session, guard, ids[1], WORDS + " 2")
    freeze_account(session, guard, ids[1])
    unfreeze_account(session, guard, ids[1])
    for login in ("person3", "person3", "person4"):
        signed = sign_in(session, login, WORDS, "10.1.1.1", rules)
        assert isinstance(signed, SignedIn)
        token = signed.token
    sign_out(session, token, "10.1.1.1")
    assert isinstance(sign_in(session, "person0", WORDS, "", rules), SignedIn)
    change_password(session, staff[0], WORDS, WORDS + " 3")
    assert isinstance(sign_in(session, "person0", WORDS + " 3", "", rules), SignedIn)
    client = register_client(session, guard, guard.agency_id, "程序", ids[0]).client
    replace_secret(session, guard, client.id)
    appoint(session, guard, guard.agency_id, ids[0], ids[1])
    register_person(session, guard, guard.agency_id, "无账号")
    leaver = register_person(session, guard, guard.agency_id, "走者")
    assign_role(session, guard, leaver.id, Role.REQUESTER)
    open_account(session, guard, leaver.id, "leaver", WORDS)
    end(session, guard, appoint(session, guard, guard.agency_id, leaver.id, ids[1]).id)
    appoint(session, guard, guard.agency_id, ids[0], leaver.id)
    person_left(session, guard, leaver.id)


def _catalogue(session: Session, staff: list[Actor], rules: Settings) -> None:
    compiler, reviewer = staff[:2]
    version = draft_resource(session, compiler, entry(), items())
    submit_version(session, compiler, version.id)
    reasons = [{"path": "abstract", "reason": "太短"}]
    return_version(session, reviewer, version.id, reasons=reasons, accurate=False)
    edit_version(session, compiler, version.id, entry(abstract="改过的摘要"), items(), expected=None)
    submit_version(session, compiler, version.id)
    approve_version(session, reviewer, version.id)
    review_secrecy(session, reviewer, version.id, passed=True, document="1号")
    publish_version(session, compiler, version.id)
    columns = {item.field_name: item.field_name for item in version.items}
    for number in range(3):
        config = {**CSV, "object_key": f"uploads/{compiler.agency_id}/{number}.csv", "columns": columns}
        attach_source(session, compiler, version.resource_id, "CSV", config, {}, rules)
        if number == 1:
            detach_source(session, compiler, version.resource_id)


def test_right_work_leaves_no_difference(session: Session, staff: list[Actor]) -> None:
    assert differences(session) == set()


def _of(login: str) -> str:
    return f"(SELECT person_id FROM account WHERE login = '{login}')"


FORGERIES = [
    (
        "INSERT INTO role_assignment (id, person_id, role, held_from)"
        f" VALUES (gen_random_uuid(), {_of('person1')}, 'AUDITOR', '2026-01-01')",
        "role",
    ),
    (f"DELETE FROM role_assignment WHERE role = 'COMPILER' AND person_id = {_of('person0')}", "role"),
    ("DELETE FROM role_assignment WHERE role = 'ANSWERER' AND held_to IS NOT NULL", "role"),
    (f"UPDATE role_assignment SET held_to = NULL WHERE person_id = {_of('leaver')}", "role"),
    (f"UPDATE role_assignment SET role = 'AUDITOR' WHERE person_id = {_of('person4')}", "role"),
    ("UPDATE role_assignment SET held_from = '2020-01-01' WHERE role = 'REGULATOR'", "role"),
    ("UPDATE account SET password_hash = 'x' || password_hash WHERE login = 'person0'", "account-content"),
    ("UPDATE account SET password_hash = 'x' || password_hash WHERE login = 'person1'", "account-content"),
    ("UPDATE account SET password_hash = 'x' || password_hash WHERE login = 'emergency'", "account-content"),
    ("UPDATE account SET login = 'other' WHERE login = 'person0'", "account-content"),
    ("UPDATE account SET frozen_at = now() WHERE login = 'person1'", "account-content"),
    ("UPDATE account SET frozen_at = NULL WHERE login = 'leaver'", "account-content"),
    ("UPDATE account SET open_until = now() + interval '9 hours' WHERE login = 'emergency'", "account-content"),
    ("UPDATE account SET owned_at = clock_timestamp() WHERE login = 'person1'", "account-content"),
    ("UPDATE account SET was_reset = false WHERE login = 'person1'", "account-content"),
    ("UPDATE account SET sealed_at = NULL WHERE login = 'emergency'", "account-content"),
    (
        "UPDATE account SET person_id = (SELECT id FROM person WHERE name = '无账号') WHERE login = 'person0'",
        "account-content",
    ),
    (
        "INSERT INTO sign_in (token_hash, account_id, created_at, expires_at) SELECT '\\x00', id, now(),"
        " now() + interval '1 day' FROM account WHERE login = 'person3'",
        "sign_in",
    ),
    ("UPDATE sign_in SET expires_at = expires_at + interval '1 year' WHERE ended_at IS NULL", "sign_in"),
    (
        "UPDATE sign_in SET ended_at = NULL WHERE account_id = (SELECT id FROM account WHERE login = 'person4')",
        "sign_in",
    ),
    (
        "UPDATE sign_in SET ended_at = NULL WHERE account_id = (SELECT id FROM account WHERE login = 'person0')",
        "sign_in-ended",
    ),
    ("UPDATE resource SET agency_id = (SELECT id FROM agency WHERE short_code = 'C6')", "resource_version-content"),
    ("UPDATE resource_version SET compilers = '[]'", "resource_version-content"),
    ("DELETE FROM review WHERE accurate", "review"),
    ("UPDATE review SET accurate = true", "review"),
    ("UPDATE review SET reasons = '[]'", "review"),
    ("DELETE FROM secrecy_review", "secrecy_review"),
    ("UPDATE secrecy_review SET passed = false", "secrecy_review"),
    (
        "INSERT INTO system_address (id, system_id, host, port, added_at)"
        " SELECT gen_random_uuid(), id, '10.9.9.9', 22, now() FROM system",
        "system-addresses",
    ),
    ("DELETE FROM system_address", "system-addresses"),
    ("UPDATE system_address SET removed_at = NULL", "system-addresses"),
    ("UPDATE system SET name = 'forged'", "system-content"),
    ("UPDATE system SET agency_id = (SELECT id FROM agency WHERE short_code = 'C6')", "system-content"),
    (
        "INSERT INTO holiday_calendar SELECT gen_random_uuid(), year, revision + 1, document, verified, days, source,"
        " added_by, added_at FROM holiday_calendar",
        "calendar",
    ),
    ("UPDATE holiday_calendar SET days = '{}'", "calendar-content"),
    (
        "INSERT INTO former_agency_name (id, agency_id, name, credit_code, until)"
        " SELECT gen_random_uuid(), id, 'X', 'X', now() FROM agency WHERE short_code = 'C6'",
        "agency-former",
    ),
    ("DELETE FROM former_agency_name WHERE name = '局'", "agency-former"),
    ("UPDATE case_clock SET offset_seconds = 0", "case_clock"),
    ("DELETE FROM case_clock", "case_clock"),
    (f"UPDATE data_administrator SET person_id = {_of('person3')} WHERE ended_on IS NULL", "appointment-content"),
    ("UPDATE data_administrator SET ended_on = '2027-09-09' WHERE ended_on IS NULL", "appointment-content"),
    (f"UPDATE data_administrator SET deputy_id = {_of('person3')} WHERE ended_on IS NULL", "appointment-content"),
    ("UPDATE agency SET valid_to = '2999-01-01' WHERE short_code = 'C6'", "agency-content"),
    ("UPDATE source SET config = config || '{\"bytes\": 9}' WHERE detached_at IS NULL", "source-content"),
    ("UPDATE source SET sealed = '\\x00' WHERE detached_at IS NULL", "source-content"),
    ("UPDATE source SET detached_at = clock_timestamp() WHERE detached_at IS NULL", "source-detached"),
    ("UPDATE api_client SET secret_hash = 'x' || secret_hash", "client-secret"),
    ("UPDATE api_client SET created_at = '2020-01-01'", "client-deeds"),
    (
        "UPDATE source SET attached_at = attached_at + interval '1 hour' WHERE detached_at IS NULL",
        "source-deeds",
    ),
    (f"UPDATE source SET attached_by = {_of('person4')}", "source-deeds"),
]


@pytest.mark.parametrize(("forgery", "found"), FORGERIES)
def test_a_forgery_shows(session: Session, staff: list[Actor], forgery: str, found: str) -> None:
    session.flush()
    changed = session.execute(text(forgery))
    assert changed.rowcount  # type: ignore[attr-defined]
    assert differences(session) == {found}


def test_another_code_of_a_resource_shows(session: Session, staff: list[Actor]) -> None:
    session.execute(text("UPDATE resource SET code = code || '9'"))
    assert differences(session) == {"resource_version-content", "source-content"}


def test_a_detached_source_that_is_put_back_shows(session: Session, staff: list[Actor]) -> None:
    assert staff[0].agency_id is not None
    resource_id = session.scalars(select(ResourceVersion.resource_id)).one()
    detach_source(session, staff[0], resource_id)
    session.execute(
        text("UPDATE source SET detached_at = NULL WHERE attached_at = (SELECT max(attached_at) FROM source)")
    )
    assert differences(session) == {"source-detached-entries"}


def test_a_hash_made_anew_at_a_sign_in_is_no_forgery(session: Session, staff: list[Actor], rules: Settings) -> None:
    account = session.scalars(select(Account).where(Account.login == "person4")).one()
    account.password_hash = CHEAP_HASHES.hash(WORDS)
    assert differences(session) == {"account-content"}
    assert isinstance(sign_in(session, "person4", WORDS, "", rules), SignedIn)
    assert differences(session) == set()


def test_entries_from_before_say_nothing_against_a_row(session: Session, staff: list[Actor]) -> None:
    """A password set by an entry that does not tell its digest: what earlier entries tell counts no more."""
    account = session.scalars(select(Account).where(Account.login == "person1")).one()
    append(session, "account.password_reset", f"account/{account.id}", HUB)
    session.execute(update(Account).where(Account.id == account.id).values(password_hash="another"))
    assert differences(session) == set()
