"""The demo's people, entries and plot keep to the rules before anything is started."""

from typing import Any

import pytest

from directory.agencies.models import Office
from directory.people.roles import separation_broken
from directory.permissions import ROLE_OFFICES
from portal.demo.cast import BUREAUS, Bureau, everybody
from portal.demo.entries import (
    CASES,
    COUNTER_TERRORISM_LAW,
    DIVISION_ITEMS,
    DIVISIONS,
    LEGAL_ENTITIES,
    LEGAL_ENTITY_ITEMS,
    case_items,
)
from portal.demo.made_data import COLUMNS
from portal.demo.story.applying import AGREED_ITEMS, DUE_ON, RECEIVED_ON, SIX_ITEMS
from portal.demo.story.catalogue import numbered
from portal.demo.story.plot import STORY
from schemas.identifiers import credit_code
from schemas.metadata import check_entry, profile
from schemas.working_days import add_working_days, packaged_calendars


def test_codes_and_logins_are_right_and_nobody_elses() -> None:
    codes = [bureau.credit_code for bureau in BUREAUS]
    assert not any(credit_code.check(code) for code in codes)
    for values in (codes, [bureau.short_code for bureau in BUREAUS], [one.login for _, one in everybody()]):
        assert len(set(values)) == len(values)


@pytest.mark.parametrize("bureau", BUREAUS, ids=lambda bureau: bureau.key)
def test_people_hold_only_roles_of_their_office(bureau: Bureau) -> None:
    for official in bureau.officials:
        assert not separation_broken(frozenset(official.roles))
        assert all(bureau.office in ROLE_OFFICES.get(role, frozenset(Office)) for role in official.roles)


@pytest.mark.parametrize(
    ("entry", "items"),
    [(DIVISIONS, DIVISION_ITEMS), (LEGAL_ENTITIES, LEGAL_ENTITY_ITEMS), (CASES, case_items(COUNTER_TERRORISM_LAW))],
    ids=["divisions", "legal-entities", "cases"],
)
def test_entries_pass_without_a_remark(entry: dict[str, Any], items: list[dict[str, Any]]) -> None:
    assert check_entry(entry, numbered(items), profile()) == []


def test_what_is_not_shared_needs_its_basis() -> None:
    found = check_entry(CASES, numbered(case_items(None)), profile())
    assert {finding.code for finding in found} == {"item.basis_missing"}


def test_the_register_feeds_every_item() -> None:
    assert {item["field_name"] for item in LEGAL_ENTITY_ITEMS} == set(COLUMNS)
    assert set(SIX_ITEMS) - set(AGREED_ITEMS) == {"representative_id"}
    assert set(SIX_ITEMS) <= set(COLUMNS)


def test_the_due_day_is_the_calendars() -> None:
    deadline = add_working_days(RECEIVED_ON, 10, packaged_calendars())
    assert deadline.day == DUE_ON
    assert not deadline.provisional


def test_steps_have_names_of_their_own_in_order() -> None:
    names = [step.name for step in STORY]
    assert names == sorted(set(names))
