"""Agencies, people, roles and appointments: once right, and refused where it should be."""

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from adapters.errors import Conflict, InvalidInput, NotAllowed, NotFound
from audit.actor import HUB
from directory.agencies import queries as agencies
from directory.agencies.register import register_agency
from directory.agencies.rename import rename_agency
from directory.people import queries as people
from directory.people.appointments import appoint, end, file
from directory.people.assign import assign_role, end_role
from directory.people.models import RoleAssignment
from directory.people.register import person_left, register_person
from directory.people.roles import Role
from tests import factories

Kinds = Callable[[str], list[str]]


def test_an_agency_is_registered_and_renamed_and_found_by_what_it_was(session: Session, kinds: Kinds) -> None:
    code, newer = factories.credit_code(70_000_001), factories.credit_code(70_000_002)
    made = register_agency(session, HUB, credit_code=f" {code[:6].lower()} {code[6:]}", short_code="MZJ", name="民政局")
    assert (made.credit_code, made.office, made.valid_to) == (code, "MEMBER", None)
    rename_agency(session, HUB, made.id, name="民政和社会局", credit_code=newer)
    assert agencies.agency_by_code(session, code) is made
    assert agencies.agency_by_code(session, newer) is made
    assert [former.name for former in made.former] == ["民政局"]
    assert agencies.agencies(session, text="民政局").items == (made,)
    assert agencies.agencies(session, text="社会").items == (made,)
    assert agencies.agencies(session, text="%").items == ()
    assert kinds(f"agency/{made.id}") == ["agency.registered", "agency.renamed"]
    with pytest.raises(Conflict, match="belongs to 民政和社会局"):
        register_agency(session, HUB, credit_code=code, short_code="XX", name="另一局")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"credit_code": "113100000000000000"}, "agency.credit_code"),
        ({"credit_code": "1131000000"}, "agency.credit_code"),
        ({"credit_code": ""}, "text.required"),
        ({"short_code": "mzj"}, "agency.short_code"),
        ({"name": "\x00"}, "text.characters"),
        ({"kind": "CLUB"}, "text.word"),
        ({"level": "PLANET"}, "text.word"),
    ],
)
def test_wrong_registrations_change_nothing(session: Session, changes: dict[str, str], code: str) -> None:
    given: dict[str, Any] = {
        "credit_code": factories.credit_code(70_000_003),
        "short_code": "AB",
        "name": "局",
    } | changes
    with pytest.raises(InvalidInput) as refused:
        register_agency(session, HUB, **given)
    assert refused.value.code == code
    assert agencies.agencies(session).items == ()


def test_only_the_system_administrator_registers_agencies(session: Session) -> None:
    operator = factories.agency(session, office="REGULATOR")
    for role in Role:
        official = factories.official(session, operator, role)
        given: dict[str, Any] = {"credit_code": "", "short_code": "", "name": ""}
        expected = InvalidInput if role is Role.SYSTEM_ADMINISTRATOR else NotAllowed
        with pytest.raises(expected):
            register_agency(session, official, **given)


def test_there_is_one_regulator(session: Session) -> None:
    factories.agency(session, office="REGULATOR")
    with pytest.raises(Conflict, match="only one"):
        register_agency(
            session, HUB, credit_code=factories.credit_code(8), short_code="R2", name="二", office="REGULATOR"
        )


def test_names_are_paged_in_order(session: Session) -> None:
    names = [f"局{number:02d}" for number in range(25)]
    for name in reversed(names):
        factories.agency(session, name)
    found, cursor = [], None
    while True:
        page = agencies.agencies(session, cursor=cursor, limit=10)
        found += [agency.name for agency in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == names
    with pytest.raises(InvalidInput, match="cursor"):
        agencies.agencies(session, cursor="nonsense")


def test_people_get_and_lose_roles(session: Session, kinds: Kinds) -> None:
    bureau = factories.agency(session)
    administrator = factories.official(session, bureau, Role.SECURITY_ADMINISTRATOR)
    someone = register_person(session, administrator, bureau.id, "王小明")
    assign_role(session, administrator, someone.id, "COMPILER")
    assign_role(session, administrator, someone.id, "REQUESTER")
    assert people.roles_of(session, someone.id) == {"COMPILER", "REQUESTER"}
    with pytest.raises(Conflict, match="already"):
        assign_role(session, administrator, someone.id, "COMPILER")
    end_role(session, administrator, someone.id, "COMPILER")
    assert people.actor_of_person(session, someone.id).roles == {"REQUESTER"}
    assign_role(session, administrator, someone.id, "COMPILER")
    with pytest.raises(InvalidInput):
        assign_role(session, administrator, someone.id, "EMPEROR")
    with pytest.raises(NotFound):
        assign_role(session, administrator, uuid.uuid4(), "COMPILER")
    assert kinds(f"person/{someone.id}") == [
        "person.registered", "role.assigned", "role.assigned", "role.ended", "role.assigned"
    ]  # fmt: skip


def test_administrators_stay_within_their_agency_and_off_themselves(session: Session) -> None:
    bureau, other = factories.agency(session), factories.agency(session)
    administrator = factories.official(session, bureau, Role.SECURITY_ADMINISTRATOR)
    stranger = factories.person(session, other)
    with pytest.raises(NotAllowed) as refused:
        assign_role(session, administrator, stranger.id, "COMPILER")
    assert refused.value.refusal is not None
    assert refused.value.refusal.kind == "role.assigned"
    with pytest.raises(NotAllowed, match="another agency"):
        register_person(session, administrator, other.id, "某人")
    assert administrator.person_id is not None
    with pytest.raises(NotAllowed, match="own roles"):
        assign_role(session, administrator, administrator.person_id, "SIGNATORY")
    with pytest.raises(NotAllowed, match="another office"):
        assign_role(session, administrator, factories.person(session, bureau).id, "COORDINATOR")


THREE = ["SYSTEM_ADMINISTRATOR", "SECURITY_ADMINISTRATOR", "AUDIT_ADMINISTRATOR"]


def test_the_audit_administrator_is_not_the_auditor(session: Session) -> None:
    someone = factories.person(session, factories.agency(session, office="AUDIT_OFFICE"), Role.AUDIT_ADMINISTRATOR)
    with pytest.raises(Conflict, match="kept apart"):
        assign_role(session, HUB, someone.id, Role.AUDITOR)
    session.add(RoleAssignment(person_id=someone.id, role=Role.AUDITOR, held_from=date(2026, 1, 1)))
    with pytest.raises(IntegrityError, match="uq_role_assignment_separated"):
        session.flush()


@pytest.mark.parametrize("first", THREE)
@pytest.mark.parametrize("second", THREE)
def test_the_three_administrators_are_three_people(session: Session, first: str, second: str) -> None:
    if first == second:
        return
    operator = factories.agency(session, office="REGULATOR")
    someone = factories.person(session, operator)
    assign_role(session, HUB, someone.id, first)
    with pytest.raises(Conflict, match="kept apart"):
        assign_role(session, HUB, someone.id, second)
    end_role(session, HUB, someone.id, first)
    assign_role(session, HUB, someone.id, second)


@pytest.mark.parametrize("other", [THREE[2], "AUDITOR"])
@pytest.mark.parametrize("one", THREE[:2])
def test_the_database_keeps_them_apart_too(session: Session, one: str, other: str) -> None:
    someone = factories.person(session, factories.agency(session), one)
    session.add(RoleAssignment(person_id=someone.id, role=other, held_from=date(2026, 1, 1)))
    with pytest.raises(IntegrityError, match="uq_role_assignment_separated"):
        session.flush()


def test_the_data_administrator_is_named_filed_replaced(session: Session, kinds: Kinds) -> None:
    bureau, operator = factories.agency(session), factories.agency(session, office="REGULATOR")
    administrator = factories.official(session, bureau, Role.SECURITY_ADMINISTRATOR)
    regulator = factories.official(session, operator, Role.REGULATOR)
    first, deputy = factories.person(session, bureau), factories.person(session, bureau)
    made = appoint(session, administrator, bureau.id, first.id, deputy.id)
    assert made.filed_on is None
    with pytest.raises(NotAllowed):
        file(session, administrator, made.id)
    assert bureau in people.agencies_without_administrator(session).items
    file(session, regulator, made.id)
    assert bureau not in people.agencies_without_administrator(session).items
    with pytest.raises(Conflict):
        file(session, regulator, made.id)
    second = appoint(session, administrator, bureau.id, deputy.id)
    assert made.ended_on is not None
    assert [one.id for one in people.appointments(session, agency_id=bureau.id).items if one.ended_on is None] == [
        second.id
    ]
    with pytest.raises(Conflict, match="somebody else"):
        appoint(session, administrator, bureau.id, first.id, first.id)
    with pytest.raises(Conflict, match="of the agency itself"):
        appoint(session, administrator, bureau.id, factories.person(session, operator).id)
    end(session, administrator, second.id)
    assert kinds(f"appointment/{made.id}") == ["appointment.made", "appointment.filed", "appointment.ended"]


def test_who_leaves_loses_everything_at_once(session: Session, kinds: Kinds) -> None:
    bureau = factories.agency(session)
    administrator = factories.official(session, bureau, Role.SECURITY_ADMINISTRATOR)
    leaver = factories.person(session, bureau, Role.COMPILER, Role.REQUESTER)
    made = appoint(session, administrator, bureau.id, factories.person(session, bureau).id, leaver.id)
    person_left(session, administrator, leaver.id)
    assert people.roles_of(session, leaver.id) == frozenset()
    assert made.deputy_id is None
    assert made.ended_on is None
    with pytest.raises(NotFound):
        people.actor_of_person(session, leaver.id)
    with pytest.raises(Conflict, match="left"):
        assign_role(session, administrator, leaver.id, "COMPILER")
    with pytest.raises(Conflict):
        person_left(session, administrator, leaver.id)
    assert kinds(f"person/{leaver.id}") == ["person.left"]
