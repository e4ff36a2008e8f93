"""The life of a catalogue entry, step by step: once right, and refused where it should be."""

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from adapters.clock import case_today
from adapters.errors import Conflict, InvalidInput, NotAllowed, NotFound
from audit.actor import Actor
from directory.agencies.models import Agency
from directory.catalogue import queries
from directory.catalogue.compile import draft_next_version, draft_resource, edit_version
from directory.catalogue.content import content_digest, entry_of, items_of
from directory.catalogue.models import ResourceVersion
from directory.catalogue.publish import on_published, publish_version
from directory.catalogue.review import approve_version, return_version
from directory.catalogue.secrecy import review_secrecy
from directory.catalogue.submit import submit_version
from directory.catalogue.withdraw import on_withdrawn, withdraw_version
from directory.people.programs import with_duties
from directory.people.roles import Role
from directory.systems.register import register_system
from tests import factories
from tests.factories import entry, items, not_shared, on_request

Kinds = Callable[[str], list[str]]


@dataclass
class Bureau:
    agency: Agency
    compiler: Actor
    reviewer: Actor
    secrecy: Actor


@pytest.fixture
def bureau(session: Session) -> Bureau:
    of = factories.agency(session, "市民政局")
    compiler, reviewer, secrecy = (
        factories.official(session, of, role) for role in (Role.COMPILER, Role.REVIEWER, Role.SECRECY_REVIEWER)
    )
    return Bureau(of, compiler, reviewer, secrecy)


@pytest.fixture
def hooks() -> Iterator[list[tuple[str, ResourceVersion]]]:
    seen: list[tuple[str, ResourceVersion]] = []
    on_published.append(lambda _session, _actor, version: seen.append(("published", version)))
    on_withdrawn.append(lambda _session, _actor, version: seen.append(("withdrawn", version)))
    yield seen
    on_published.pop()
    on_withdrawn.pop()


def approve(session: Session, bureau: Bureau, version: ResourceVersion) -> None:
    submit_version(session, bureau.compiler, version.id)
    approve_version(session, bureau.reviewer, version.id)
    review_secrecy(session, bureau.secrecy, version.id, passed=True, document="保审〔2026〕1号")


def test_from_draft_to_published_with_one_return(
    session: Session, bureau: Bureau, kinds: Kinds, hooks: list[tuple[str, ResourceVersion]]
) -> None:
    version = draft_resource(session, bureau.compiler, entry(), items(3))
    assert version.resource.code == "307004/000001"
    assert (version.state, version.share_attribute, version.rule_set) == ("DRAFT", "UNIVERSAL", "shanghai-2016")
    submit_version(session, bureau.compiler, version.id)
    reasons = [{"path": "items/1/share_attribute", "reason": "应为按需共享"}]
    returned = return_version(session, bureau.reviewer, version.id, reasons=reasons, accurate=False)
    assert (version.state, returned.reasons) == ("RETURNED", reasons)
    first = content_digest(version)
    parts = [*items(2), factories.item(3, **on_request())]
    edit_version(session, bureau.compiler, version.id, entry(), parts, expected=version.lock_version)
    assert (version.share_attribute, version.revision) == ("ON_REQUEST", 2)
    assert content_digest(version) != first
    approve(session, bureau, version)
    publish_version(session, bureau.compiler, version.id)
    assert version.published_at is not None
    assert queries.published_version(session, version.resource_id) is version
    assert hooks == [("published", version)]
    assert [review.revision for review in version.reviews] == [1, 2]
    assert kinds(f"resource_version/{version.id}") == [
        "resource.drafted",
        "resource.submitted",
        "resource.returned",
        "resource.edited",
        "resource.submitted",
        "resource.approved",
        "secrecy_review.passed",
        "resource.published",
    ]


def test_a_basis_is_asked_of_what_is_not_shared(session: Session, bureau: Bureau) -> None:
    for basis in (None, {}, {"kind": "LAW", "document": "敏感", "number": "1号", "article": "第1条"}):
        with pytest.raises(InvalidInput) as refused:
            draft_resource(session, bureau.compiler, entry(), items(2, share_attribute="NO_SHARING", basis=basis))
        assert {problem["pointer"][:14] for problem in refused.value.problems} == {"/items/0/basis", "/items/1/basis"}
    version = draft_resource(session, bureau.compiler, entry(), items(2, **not_shared()))
    assert version.share_attribute == "NO_SHARING"


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        (entry(name=""), items()),
        (entry(name={"zh": "名"}), items()),
        (entry(format=["DATABASE"]), items()),
        (entry(modes="FILES"), items()),
        (entry(modes=[["FILES"]]), items()),
        (entry(keywords=None), items()),
        (entry(theme={}), items()),
        (entry(classification_code="x"), items()),
        (entry(system_name="没有登记的系统"), items()),
        (entry(ground="BECAUSE"), items()),
        (entry(name="名\x00称字"), items()),
        ("entry", items()),
        (entry(), "items"),
        (entry(), [1]),
        (entry(), [None]),
        (entry(), []),
        (entry(), [*items(1), *items(1)]),
        (entry(), items(2, field_name="same")),
        (entry(), items(1, data_type=["CHARACTER"])),
        (entry(), items(1, length="long")),
        (entry(), items(1, length=10**30)),
        (entry(), items(1, on_mismatch="IGNORE")),
        (entry(), items(1, code_list="no such list")),
        (entry(), items(1, share_attribute=None)),
        (entry(), items(1, basis="敏感", share_attribute="NO_SHARING")),
    ],
)
def test_what_is_not_right_is_not_kept(session: Session, bureau: Bureau, said: object, parts: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        draft_resource(session, bureau.compiler, said, parts)  # type: ignore[arg-type]  # wrong on purpose
    assert refused.value.problems
    assert all(re.match(r"/", problem["pointer"]) for problem in refused.value.problems)


def test_a_resource_without_items_has_one_implied(session: Session, bureau: Bureau) -> None:
    sharing = {"share_attribute": "UNIVERSAL", "open_attribute": "NOT_OPEN", "sensitivity": "NONE"}
    version = draft_resource(session, bureau.compiler, entry(format="IMAGE", modes=["FILES"], **sharing), [])
    assert [(item.name, item.field_name) for item in version.items] == [("法人登记信息", "content")]
    assert version.share_attribute == "UNIVERSAL"


def test_what_is_written_is_read_back(session: Session, bureau: Bureau) -> None:
    register_system(session, bureau.compiler, bureau.agency.id, "婚姻登记系统")
    said = entry(system_name="婚姻登记系统", ground="BASIC_DATA")
    parts = [*items(1), factories.item(2, **on_request(sensitivity="PERSONAL_PRIVACY", masking="KEEP_LAST_4"))]
    version = draft_resource(session, bureau.compiler, said, parts)
    session.expire_all()
    assert entry_of(version) == said
    assert items_of(version) == parts


def test_a_stale_form_changes_nothing(session: Session, bureau: Bureau) -> None:
    version = draft_resource(session, bureau.compiler, entry(), items())
    seen = version.lock_version
    edit_version(session, bureau.compiler, version.id, entry(abstract="改过一次的摘要"), items(), expected=seen)
    session.commit()
    steps: list[Callable[[], object]] = [
        lambda: edit_version(session, bureau.compiler, version.id, entry(), items(), expected=seen),
        lambda: submit_version(session, bureau.compiler, version.id, expected=seen),
        lambda: withdraw_version(session, bureau.compiler, version.id, reason="不要了", expected=seen),
    ]
    for step in steps:
        with pytest.raises(Conflict) as refused:
            step()
        assert refused.value.code == "version.stale"
        session.rollback()
    assert version.abstract == "改过一次的摘要"
    now = version.lock_version
    edit_version(session, bureau.compiler, version.id, entry(), items(), expected=now)
    assert version.lock_version == now + 1


def test_who_had_a_hand_in_it_does_not_review(session: Session, bureau: Bureau) -> None:
    both = factories.official(session, bureau.agency, Role.COMPILER, Role.REVIEWER, Role.SECRECY_REVIEWER)
    version = draft_resource(session, bureau.compiler, entry(), items())
    edit_version(session, both, version.id, entry(), items(4), expected=None)
    submit_version(session, bureau.compiler, version.id)
    steps: list[Callable[[], object]] = [
        lambda: approve_version(session, both, version.id),
        lambda: return_version(session, both, version.id, reasons=[{"path": "name", "reason": "x"}], accurate=False),
        lambda: review_secrecy(session, both, version.id, passed=True, document="1号"),
    ]
    for step in steps:
        with pytest.raises(NotAllowed, match="somebody else has to review") as refused:
            step()
        assert refused.value.refusal is not None
        assert refused.value.refusal.subject == f"resource_version/{version.id}"
    approve_version(session, bureau.reviewer, version.id)


def test_other_agencies_stay_out(session: Session, bureau: Bureau) -> None:
    other = factories.agency(session)
    stranger = factories.official(session, other, Role.COMPILER, Role.REVIEWER, Role.SECRECY_REVIEWER)
    version = draft_resource(session, bureau.compiler, entry(), items())
    with pytest.raises(NotFound):
        queries.version(session, stranger, version.id)
    with pytest.raises(NotFound):
        queries.versions_of(session, stranger, version.resource_id)
    with pytest.raises(NotAllowed):
        edit_version(session, stranger, version.id, entry(), items(), expected=None)
    with pytest.raises(NotAllowed):
        submit_version(session, stranger, version.id)
    submit_version(session, bureau.compiler, version.id)
    with pytest.raises(NotAllowed):
        approve_version(session, stranger, version.id)
    with pytest.raises(NotAllowed):
        review_secrecy(session, stranger, version.id, passed=True, document="1号")
    with pytest.raises(NotAllowed):
        publish_version(session, stranger, version.id)
    with pytest.raises(NotAllowed):
        withdraw_version(session, stranger, version.id, reason="x")
    with pytest.raises(NotFound):
        submit_version(session, bureau.compiler, uuid.uuid4())
    regulator = factories.official(session, factories.agency(session, office="REGULATOR"), Role.REGULATOR)
    assert queries.version(session, regulator, version.id) is version


def test_a_return_says_why(session: Session, bureau: Bureau) -> None:
    version = draft_resource(session, bureau.compiler, entry(), items())
    submit_version(session, bureau.compiler, version.id)
    reason = {"path": "name", "reason": "名称不准确"}
    mistakes: list[dict[str, Any]] = [
        {"reasons": [], "accurate": False},
        {"reasons": [reason]},
        {"reasons": [{"path": "name", "reason": ""}], "accurate": False},
        {"reasons": [{"path": "", "reason": "x"}], "accurate": False},
        {"reasons": ["x"], "accurate": False},
        {"reasons": [reason] * 101, "accurate": False},
    ]
    for wrong in mistakes:
        with pytest.raises(InvalidInput):
            return_version(session, bureau.reviewer, version.id, **wrong)
    many = [{"path": f"items/{number}/name", "reason": "原" * 1000} for number in range(100)]
    return_version(session, bureau.reviewer, version.id, reasons=many, complete=False)
    assert version.state == "RETURNED"


def test_nothing_is_published_without_the_secrecy_review_of_what_it_says_now(session: Session, bureau: Bureau) -> None:
    version = draft_resource(session, bureau.compiler, entry(), items())
    submit_version(session, bureau.compiler, version.id)
    with pytest.raises(Conflict) as refused:
        publish_version(session, bureau.compiler, version.id)
    assert refused.value.code == "version.state"
    review_secrecy(session, bureau.secrecy, version.id, passed=True, document="1号")
    return_version(session, bureau.reviewer, version.id, reasons=[{"path": "name", "reason": "x"}], accurate=False)
    edit_version(session, bureau.compiler, version.id, entry(), items(5), expected=None)
    submit_version(session, bureau.compiler, version.id)
    approve_version(session, bureau.reviewer, version.id)
    with pytest.raises(Conflict, match="secrecy review") as refused:
        publish_version(session, bureau.compiler, version.id)
    assert refused.value.refusal is not None
    with pytest.raises(InvalidInput):
        review_secrecy(session, bureau.secrecy, version.id, passed=True, document="")
    with pytest.raises(InvalidInput):
        review_secrecy(session, bureau.secrecy, version.id, passed=False, document="2号")
    session.refresh(version)
    review_secrecy(session, bureau.secrecy, version.id, passed=True, document="2号")
    publish_version(session, bureau.reviewer, version.id)


def test_a_failed_secrecy_review_returns_the_version(session: Session, bureau: Bureau) -> None:
    version = draft_resource(session, bureau.compiler, entry(), items())
    approve(session, bureau, version)
    review_secrecy(session, bureau.secrecy, version.id, passed=False, document="3号", comment="含工作秘密")
    assert version.state == "RETURNED"
    submit_version(session, bureau.compiler, version.id)
    approve_version(session, bureau.reviewer, version.id)
    with pytest.raises(Conflict, match="secrecy review"):
        publish_version(session, bureau.compiler, version.id)


def test_the_next_version_takes_over_and_the_former_stays_until_then(
    session: Session, bureau: Bureau, hooks: list[tuple[str, ResourceVersion]]
) -> None:
    first = factories.published_resource(session, bureau.agency, classification_code="307005")
    yesterday = case_today(session) - timedelta(days=1)
    with pytest.raises(InvalidInput):
        draft_next_version(session, bureau.compiler, first.resource_id, case_today(session) + timedelta(days=1))
    second = draft_next_version(session, bureau.compiler, first.resource_id, yesterday)
    assert (second.number, second.changed_on) == (2, yesterday)
    assert items_of(second) == items_of(first)
    with pytest.raises(Conflict, match="worked on already"):
        draft_next_version(session, bureau.compiler, first.resource_id, yesterday)
    with pytest.raises(InvalidInput, match="given under 307005"):
        edit_version(session, bureau.compiler, second.id, entry(), items(), expected=None)
    parts = items(3, **on_request())
    edit_version(session, bureau.compiler, second.id, entry(classification_code="307005"), parts, expected=None)
    assert queries.published_version(session, first.resource_id) is first
    approve(session, bureau, second)
    publish_version(session, bureau.compiler, second.id)
    assert (first.state, second.state) == ("SUPERSEDED", "PUBLISHED")
    assert first.ended_at == second.published_at
    assert [version.number for version in queries.versions_of(session, bureau.compiler, first.resource_id)] == [2, 1]

    with pytest.raises(NotAllowed):
        withdraw_version(session, bureau.compiler, second.id, reason="机构撤并")
    with pytest.raises(InvalidInput):
        withdraw_version(session, bureau.reviewer, second.id, reason=" ")
    session.refresh(second)
    withdraw_version(session, bureau.reviewer, second.id, reason="机构撤并")
    assert queries.published_version(session, first.resource_id) is None
    assert hooks == [("published", second), ("withdrawn", second)]
    third = draft_next_version(session, bureau.compiler, first.resource_id, yesterday)
    withdraw_version(session, bureau.compiler, third.id, reason="不做了")
    assert len(hooks) == 2
    with pytest.raises(Conflict):
        withdraw_version(session, bureau.compiler, third.id, reason="不做了")


def test_a_state_secret_is_listed_at_most(session: Session, bureau: Bureau) -> None:
    said = entry(secrecy_level="STATE_SECRET", modes=[])
    with pytest.raises(InvalidInput, match="mistakes"):
        draft_resource(session, bureau.compiler, said, items(1, **on_request(sensitivity="STATE_SECRET")))
    version = draft_resource(session, bureau.compiler, said, items(1, **not_shared(sensitivity="STATE_SECRET")))
    approve(session, bureau, version)
    publish_version(session, bureau.compiler, version.id)
    assert not queries.travels(version)


def test_a_program_compiles_only_while_its_official_does_and_hands_nothing_in(session: Session, bureau: Bureau) -> None:
    client = factories.client(session, bureau.agency)
    assert with_duties(session, bureau.compiler) is bureau.compiler
    for actor in (client, with_duties(session, client)):
        with pytest.raises(NotAllowed) as refused:
            draft_resource(session, actor, entry(), items())
        assert refused.value.code == "permission.responsible"
    program = with_duties(session, factories.client(session, bureau.agency, Role.COMPILER, Role.REVIEWER))
    official = program.responsible_id
    assert (sorted(program.roles), program.person_id) == (["CLIENT", "COMPILER"], None)
    made = draft_resource(session, program, entry(), items())
    assert (made.compiled_by, made.compilers) == (official, [str(official)])
    with pytest.raises(NotAllowed) as kept:
        submit_version(session, program, made.id)
    assert kept.value.code == "permission.person"
    submit_version(session, bureau.compiler, made.id)
    with pytest.raises(NotAllowed) as own:
        approve_version(session, replace(bureau.reviewer, person_id=official), made.id)
    assert own.value.code == "permission.own_work"


def test_what_a_program_sees_of_entries(session: Session, bureau: Bureau) -> None:
    client = factories.client(session, bureau.agency)
    version = factories.published_resource(session, bureau.agency)
    assert queries.version(session, client, version.id) is version
    draft = factories.version(session, bureau.agency, "DRAFT")
    with pytest.raises(NotFound):
        queries.version(session, client, draft.id)
    with pytest.raises(NotFound):
        draft_next_version(session, bureau.compiler, uuid.uuid4(), date(2026, 1, 1))
