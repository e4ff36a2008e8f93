"""One of everything that the directory's tables hold, in every state that it may end in."""

import uuid
from dataclasses import replace
from datetime import date

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import Session

from adapters.settings import Settings
from audit.actor import HUB, Actor
from audit.append import append
from directory.agencies.register import register_agency
from directory.agencies.rename import rename_agency
from directory.calendars.add import add_calendar
from directory.case_clock.turn import turn
from directory.catalogue.change import record_change
from directory.catalogue.compile import draft_next_version, draft_resource, edit_version
from directory.catalogue.models import ResourceVersion, VersionState
from directory.catalogue.publish import publish_version
from directory.catalogue.review import approve_version, return_version
from directory.catalogue.secrecy import review_secrecy
from directory.catalogue.submit import submit_version
from directory.catalogue.withdraw import withdraw_version
from directory.keys.revoke import revoke_key
from directory.people.accounts import (
    change_password,
    freeze_account,
    open_account,
    reset_password,
    unfreeze_account,
)
from directory.people.appointments import appoint, end, file
from directory.people.assign import assign_role, end_role
from directory.people.clients import register_client, replace_secret, revoke_client
from directory.people.glass import break_glass, seal_glass
from directory.people.queries import actor_of_person
from directory.people.register import person_left, register_person
from directory.people.roles import Role
from directory.people.sign_in import SignedIn, sign_in, sign_out
from directory.sources.attach import attach_source, detach_source
from directory.systems.register import allow_address, register_system, withdraw_address
from tests import factories
from tests.factories import entry, items
from tests.integration.directory.test_keys import register_signing

WORDS = "twelve letters"
ROLES = (
    (Role.COMPILER,),
    (Role.REVIEWER, Role.SECRECY_REVIEWER),
    (Role.SECURITY_ADMINISTRATOR,),
    (Role.SYSTEM_ADMINISTRATOR,),
    (Role.REGULATOR,),
)
CSV = {"object_key": "", "encoding": "utf-8", "sha256": "0" * 64, "bytes": 5}


def everything(session: Session, rules: Settings) -> list[Actor]:
    """Everything that the tables of the directory hold, done as it is done; the people who did it, by ``ROLES``."""
    operator = register_agency(
        session, HUB, credit_code=factories.credit_code(5), short_code="B5", name="局", office="REGULATOR"
    )
    register_agency(session, HUB, credit_code=factories.credit_code(7), short_code="C6", name="旁局")
    register_agency(session, HUB, credit_code=factories.credit_code(8), short_code="D7", name="空局")
    staff = []
    for number, roles in enumerate(ROLES):
        someone = register_person(session, HUB, operator.id, f"人{number}")
        for role in roles:
            assign_role(session, HUB, someone.id, role)
        open_account(session, HUB, someone.id, f"person{number}", WORDS)
        staff.append(actor_of_person(session, someone.id))
    _rename(session, staff[3])
    _people(session, staff, rules)
    _sign_ins(session, staff[2], rules)
    _keys(session, staff)
    _catalogue(session, staff, rules)
    _versions(session, *staff[:2])
    _changes(session, staff)
    system = register_system(session, staff[3], operator.id, "库")
    allow_address(session, staff[3], system.id, "10.0.0.1", 5432)
    withdraw_address(session, staff[3], allow_address(session, staff[3], system.id, "10.0.0.2", 5432).id)
    days = {"holidays": [{"from": "2027-01-01", "to": "2027-01-03"}], "makeup_days": []}
    add_calendar(session, staff[4], {"year": 2027, "document": "1号", "title": "2027", "verified": True, **days})
    turn(session, staff[3], 3_600, replace(rules, case_clock_turnable=True))
    turn(session, staff[3], -60, replace(rules, case_clock_turnable=True))
    append(session, "case_clock.turned", "case_clock/1", staff[0], outcome="REFUSED")
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
    revoke_client(session, guard, register_client(session, guard, guard.agency_id, "程序乙", ids[0]).client.id)
    appoint(session, guard, guard.agency_id, ids[0], ids[1])
    register_person(session, guard, guard.agency_id, "无账号")
    leaver = register_person(session, guard, guard.agency_id, "走者")
    assign_role(session, guard, leaver.id, Role.REQUESTER)
    open_account(session, guard, leaver.id, "leaver", WORDS)
    end(session, guard, appoint(session, guard, guard.agency_id, leaver.id, ids[1]).id)
    made = appoint(session, guard, guard.agency_id, ids[0], leaver.id)
    person_left(session, guard, leaver.id)
    file(session, staff[4], made.id)


def _sign_ins(session: Session, guard: Actor, rules: Settings) -> None:
    """Sign-ins that end with a password, with the account, and with the seal; and refusals, which end and make none."""
    assert guard.agency_id is not None
    for name in ("reset", "frozen", "refused"):
        someone = register_person(session, guard, guard.agency_id, name)
        account = open_account(session, HUB, someone.id, name, WORDS)
        if name == "refused":
            append(session, "account.signed_in", f"account/{account.id}", HUB, outcome="REFUSED")
            continue
        assert isinstance(sign_in(session, name, WORDS, "", rules), SignedIn)
        append(session, "account.frozen", f"account/{account.id}", guard, outcome="REFUSED")
        if name == "reset":
            reset_password(session, guard, someone.id, WORDS + " 2")
            assert isinstance(sign_in(session, name, WORDS + " 2", "", rules), SignedIn)
            append(session, "account.frozen", f"account/{account.id}", guard, outcome="REFUSED")
        else:
            freeze_account(session, guard, someone.id)
    broken = break_glass(session, seal_glass(session, guard, ("甲", "乙")).halves, "演练")
    assert isinstance(sign_in(session, broken.login, broken.password, "", rules), SignedIn)
    break_glass(session, seal_glass(session, guard, ("甲", "丙")).halves, "演练")


def _keys(session: Session, staff: list[Actor]) -> None:
    assert staff[0].person_id is not None
    assign_role(session, staff[2], staff[0].person_id, Role.SIGNATORY)
    signatory = actor_of_person(session, staff[0].person_id)
    for revoked in (True, False):
        key = register_signing(session, signatory, Ed25519PrivateKey.generate())
        if revoked:
            revoke_key(session, signatory, key.id)


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
    for name in ("另一目录", "来源停用"):
        other = draft_resource(session, compiler, entry(name=name), items())
        config = {**CSV, "object_key": f"uploads/{compiler.agency_id}/9.csv", "columns": columns}
        attach_source(session, compiler, other.resource_id, "CSV", config, {}, rules)
    detach_source(session, compiler, other.resource_id)


def _versions(session: Session, compiler: Actor, reviewer: Actor) -> None:
    """Versions that ended in every state."""
    for state in VersionState:
        if state is VersionState.SUPERSEDED:
            continue
        version = draft_resource(
            session, compiler, entry(name="未提交" if state == "DRAFT" else f"目录{state}"), items()
        )
        for step in {"DRAFT": (), "SUBMITTED": (_submit,), "RETURNED": (_submit, _return)}.get(
            state, (_submit, _approve, _fail, _submit, _approve)
        ):
            step(session, compiler, reviewer, version)
        if state in (VersionState.PUBLISHED, VersionState.WITHDRAWN):
            review_secrecy(session, reviewer, version.id, passed=True, document="2号")
            publish_version(session, compiler, version.id)
        if state is VersionState.WITHDRAWN:
            withdraw_version(session, reviewer, version.id, reason="不再提供")
    failed = draft_resource(session, compiler, entry(name="未过保密审查"), items())
    for step in (_submit, _approve, _fail):
        step(session, compiler, reviewer, failed)


def _submit(session: Session, compiler: Actor, reviewer: Actor, version: ResourceVersion) -> None:
    submit_version(session, compiler, version.id)


def _approve(session: Session, compiler: Actor, reviewer: Actor, version: ResourceVersion) -> None:
    approve_version(session, reviewer, version.id)


def _return(session: Session, compiler: Actor, reviewer: Actor, version: ResourceVersion) -> None:
    return_version(session, reviewer, version.id, reasons=[{"path": "abstract", "reason": "太短"}], accurate=False)


def _fail(session: Session, compiler: Actor, reviewer: Actor, version: ResourceVersion) -> None:
    review_secrecy(session, reviewer, version.id, passed=False, document="3号", comment="涉密")


def _changes(session: Session, staff: list[Actor]) -> None:
    """A change that is recorded, gets another day, is updated and closed; and one that is recorded alone."""
    compiler, reviewer = staff[:2]
    for number in range(2):
        version = draft_resource(session, compiler, entry(name=f"有变{number}"), items())
        _submit(session, compiler, reviewer, version)
        _approve(session, compiler, reviewer, version)
        review_secrecy(session, reviewer, version.id, passed=True, document="1号")
        publish_version(session, compiler, version.id)
        change = record_change(session, compiler, version.resource_id, happened_on=date(2026, 6, 1), what="地址变了")
        if number:
            continue
        days = {"holidays": [{"from": "2026-06-02", "to": "2026-06-05"}], "makeup_days": []}
        add_calendar(session, staff[4], {"year": 2026, "document": "2号", "title": "2026", "verified": True, **days})
        following = draft_next_version(session, compiler, version.resource_id, change.happened_on)
        _submit(session, compiler, reviewer, following)
        _approve(session, compiler, reviewer, following)
        review_secrecy(session, reviewer, following.id, passed=True, document="1号")
        publish_version(session, compiler, following.id)
