"""The checks of the one door: a door that any one broken term keeps shut."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.actor import Actor
from exchange.grants.terms import GrantTerms, ReleasedItem, reason_to_refuse
from schemas.words import Mode

TODAY = date(2026, 3, 2)
AGENCY = uuid.uuid4()


@dataclass(frozen=True)
class Request:
    actor: Actor = field(default_factory=lambda: Actor(agency_id=AGENCY))
    mode: Mode = Mode.INTERFACE
    purpose: str = "核验纳税人登记状态"
    matter: str = "办件-1"
    items: tuple[str, ...] = ()
    subjects: dict[str, str] = field(default_factory=dict)


def item(name: str, **changes: object) -> ReleasedItem:
    base = ReleasedItem(name, name, "CHARACTER", None, "NONE", "ON_REQUEST", is_key=False)
    return replace(base, **changes)  # type: ignore[arg-type]  # test values are of the fields' kinds


def terms(**changes: object) -> GrantTerms:
    base = GrantTerms(
        number="SX-1",
        state="ACTIVE",
        requester_id=AGENCY,
        application_id=uuid.uuid4(),
        resource_id=uuid.uuid4(),
        resource_code="307/000001",
        resource_name="法人",
        secrecy_level="NON_SECRET",
        items=(item("code"), item("name")),
        row_condition={},
        modes=("INTERFACE", "FILES"),
        purpose="核验纳税人登记状态",
        quota_rows=None,
        used_rows=0,
        valid_from=TODAY,
        valid_to=TODAY,
        agreement_state="IN_FORCE",
        agreement_valid_to=TODAY,
        dataset_version_id=uuid.uuid4(),
        dataset_number=1,
        dataset_state="SERVED",
        dataset_fields=frozenset({"code", "name", "phone"}),
        dataset_rows=10,
        location="lake/x",
        delta_version=0,
        serving_table="t",
        today=TODAY,
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # test values are of the fields' kinds


def code_of(grant: GrantTerms | None, request: Request, **kwargs: bool) -> str | None:
    reason = reason_to_refuse(grant, request, **kwargs)
    return reason and reason[0]


def test_a_whole_grant_opens_the_door() -> None:
    assert code_of(terms(), Request()) is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"requester_id": uuid.uuid4()}, "no_grant"),
        ({"state": "SUSPENDED"}, "not_active"),
        ({"state": "ENDED"}, "not_active"),
        ({"valid_from": TODAY + timedelta(days=1)}, "out_of_term"),
        ({"valid_to": TODAY - timedelta(days=1)}, "out_of_term"),
        ({"agreement_state": "PROPOSED"}, "no_agreement"),
        ({"agreement_state": "TERMINATED"}, "no_agreement"),
        ({"agreement_valid_to": TODAY - timedelta(days=1)}, "no_agreement"),
        ({"agreement_state": None, "items": (item("code", sensitivity="PERSONAL_PRIVACY"),)}, "no_agreement"),
        ({"secrecy_level": "STATE_SECRET"}, "not_shareable"),
        ({"items": (item("code", share_attribute="NO_SHARING"),)}, "not_shareable"),
        ({"items": (item("code", sensitivity="STATE_SECRET"),)}, "not_shareable"),
        ({"modes": ("FILES",)}, "mode"),
        ({"purpose": "别的用途"}, "other_purpose"),
        ({"quota_rows": 5, "used_rows": 5}, "quota"),
        ({"dataset_version_id": None}, "no_data"),
        ({"serving_table": None}, "no_data"),
        ({"dataset_fields": frozenset({"code"})}, "items_not_loaded"),
        ({"row_condition": {"field": "gone", "operator": "EQUALS", "values": ["1"]}}, "items_not_loaded"),
    ],
)
def test_one_broken_term_keeps_it_shut(changes: dict[str, object], code: str) -> None:
    assert code_of(terms(**changes), Request()) == code


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (Request(purpose=" "), "no_purpose"),
        (Request(matter=""), "no_purpose"),
        (Request(items=("phone",)), "items"),
        (Request(actor=Actor()), "no_grant"),
        (Request(mode=Mode.OFFLINE), "mode"),
    ],
)
def test_one_broken_request_keeps_it_shut(request_: Request, code: str) -> None:
    assert code_of(terms(), request_) == code


def test_no_grant_at_all() -> None:
    assert code_of(None, Request()) == "no_grant"


def test_a_standing_grant_is_every_agencys_for_any_stated_purpose() -> None:
    standing = terms(requester_id=None, application_id=None, agreement_state=None, agreement_valid_to=None)
    assert code_of(standing, Request(actor=Actor(agency_id=uuid.uuid4()), purpose="任何")) is None
    assert code_of(standing, Request(actor=Actor(), purpose="任何")) == "no_grant"
    assert code_of(standing, Request(purpose="")) == "no_purpose"


def test_prepared_bytes_need_the_grant_but_no_quota_and_no_newer_data() -> None:
    spent = terms(quota_rows=5, used_rows=5, dataset_version_id=None)
    assert code_of(spent, Request(), prepared=True) is None
    assert code_of(replace(spent, state="SUSPENDED"), Request(), prepared=True) == "not_active"


@given(
    asked=st.sets(st.sampled_from(["code", "name", "phone", "address", ""])),
    granted=st.sets(st.sampled_from(["code", "name", "phone"]), min_size=1),
)
def test_items_outside_the_grant_never_pass(asked: set[str], granted: set[str]) -> None:
    grant = terms(items=tuple(item(name) for name in sorted(granted)))
    opened = code_of(grant, Request(items=tuple(asked))) is None
    assert opened == (asked <= granted)


@given(quota=st.none() | st.integers(0, 100), used=st.integers(0, 100))
def test_a_quota_never_goes_below_zero(quota: int | None, used: int) -> None:
    grant = terms(quota_rows=quota, used_rows=used)
    assert grant.rows_left is None if quota is None else grant.rows_left == max(quota - used, 0)
    assert (code_of(grant, Request()) == "quota") == (quota is not None and used >= quota)
