"""Every rule against every role, in one's own agency and in another."""

import uuid
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import NotAllowed
from audit.actor import Actor
from directory import permissions as p
from directory.agencies.models import Office
from directory.people.programs import DUTIES
from directory.people.roles import SEPARATED, Role, separation_broken

OWN, OTHER, THIRD, ME, SOMEBODY = (uuid.uuid4() for _ in range(5))
WORDS = (*(role.value for role in Role), p.CLIENT, p.HUB_ROLE)
EVERY_OFFICE_BUT_OPERATOR = [office for office in Office if office is not Office.REGULATOR]


def actor(*words: str, agency: uuid.UUID = OWN, office: str = Office.MEMBER) -> Actor:
    return Actor(person_id=ME, agency_id=agency, agency_code="C1", roles=frozenset(words), office=office)


def held(rule: Callable[[Actor], p.Decision], agency: uuid.UUID, office: str = Office.MEMBER) -> set[str]:
    """The role words that, held alone, are enough."""
    return {word for word in WORDS if isinstance(rule(actor(word, agency=agency, office=office)), p.Allowed)}


ALL = set(WORDS)
LOG_READERS = {"AUDITOR", "AUDIT_ADMINISTRATOR"}
SEES_CASES = {"HUB", "COORDINATOR", "REGULATOR", "AUDITOR"}
# rule for a thing of agency OWN: who may from inside OWN, who from another agency (both no operator)
RULES: dict[str, tuple[Callable[[Actor], p.Decision], set[str], set[str]]] = {
    "compile_entry": (lambda a: p.compile_entry(a, OWN), {"COMPILER"}, set()),
    "submit_version": (lambda a: p.submit_version(a, OWN), {"COMPILER"}, set()),
    "review_version": (lambda a: p.review_version(a, OWN, [SOMEBODY]), {"REVIEWER"}, set()),
    "review_secrecy": (lambda a: p.review_secrecy(a, OWN, [SOMEBODY]), {"SECRECY_REVIEWER"}, set()),
    "publish_version": (lambda a: p.publish_version(a, OWN), {"COMPILER", "REVIEWER"}, set()),
    "withdraw_published": (lambda a: p.withdraw_version(a, OWN, True), {"REVIEWER"}, set()),
    "withdraw_draft": (lambda a: p.withdraw_version(a, OWN, False), {"COMPILER"}, set()),
    "see_published": (lambda a: p.see_version(a, OWN, True), ALL, ALL),
    "see_draft": (lambda a: p.see_version(a, OWN, False), ALL - {"CLIENT"}, {"HUB", "REGULATOR", "AUDITOR"}),
    "attach_source": (lambda a: p.attach_source(a, OWN), {"COMPILER"}, set()),
    "register_system": (
        lambda a: p.register_system(a, OWN),
        {"COMPILER", "SYSTEM_ADMINISTRATOR", "HUB"},
        {"SYSTEM_ADMINISTRATOR", "HUB"},
    ),
    "allow_address": (p.allow_address, {"SYSTEM_ADMINISTRATOR", "HUB"}, {"SYSTEM_ADMINISTRATOR", "HUB"}),
    "administer_agencies": (p.administer_agencies, {"SYSTEM_ADMINISTRATOR", "HUB"}, {"SYSTEM_ADMINISTRATOR", "HUB"}),
    "administer_people": (lambda a: p.administer_people(a, OWN), {"SECURITY_ADMINISTRATOR", "HUB"}, {"HUB"}),
    "administer_clients": (lambda a: p.administer_clients(a, OWN), {"SECURITY_ADMINISTRATOR"}, set()),
    "revoke_client": (lambda a: p.revoke_client(a, OWN), {"SECURITY_ADMINISTRATOR", "HUB"}, {"HUB"}),
    "hold_keys": (lambda a: p.hold_keys(a, OWN), {"SIGNATORY", "SECURITY_ADMINISTRATOR"}, set()),
    "revoke_key": (lambda a: p.revoke_key(a, OWN), {"SIGNATORY", "SECURITY_ADMINISTRATOR"}, set()),
    "appoint": (lambda a: p.appoint_administrator(a, OWN), {"SECURITY_ADMINISTRATOR", "HUB"}, {"HUB"}),
    "file_appointment": (p.file_appointment, {"REGULATOR"}, {"REGULATOR"}),
    "turn_case_clock": (
        lambda a: p.turn_case_clock(a, True),
        {"SYSTEM_ADMINISTRATOR", "HUB"},
        {"SYSTEM_ADMINISTRATOR", "HUB"},
    ),
    "turn_fixed_clock": (lambda a: p.turn_case_clock(a, False), set(), set()),
    "add_calendar": (p.add_calendar, {"REGULATOR"}, {"REGULATOR"}),
    "apply_to_own": (lambda a: p.apply(a, OWN), set(), {"REQUESTER"}),
    "raise_need_to_own": (lambda a: p.raise_need(a, OWN), set(), {"REQUESTER"}),
    "prepare_application": (lambda a: p.prepare_application(a, OWN), {"REQUESTER"}, set()),
    "act_for_requester": (lambda a: p.act_for_requester(a, OWN), {"REQUESTER"}, set()),
    "see_case": (lambda a: p.see_case(a, OWN, THIRD), ALL, SEES_CASES),
    "register_receipt": (lambda a: p.register_receipt(a, OWN), {"ANSWERER"}, set()),
    "settle_receipt": (lambda a: p.settle_receipt(a, OWN, THIRD), set(), {"COORDINATOR"}),
    "answer": (lambda a: p.answer(a, OWN), {"ANSWERER"}, set()),
    "sign_agreement": (lambda a: p.sign_agreement(a, OWN, THIRD), {"SIGNATORY"}, set()),
    "state_as_requester": (lambda a: p.state_in_dispute(a, OWN, THIRD), {"REQUESTER"}, set()),
    "state_as_provider": (lambda a: p.state_in_dispute(a, THIRD, OWN), {"ANSWERER"}, set()),
    "state_when_asked": (lambda a: p.state_in_dispute(a, THIRD, uuid.uuid4(), [OWN]), {"ANSWERER"}, set()),
    "conclude_dispute": (lambda a: p.conclude_dispute(a, OWN, THIRD), set(), {"COORDINATOR"}),
    "receive": (lambda a: p.receive(a, OWN), {"REQUESTER", "CLIENT"}, set()),
    "receive_universal": (lambda a: p.receive(a, None), {"REQUESTER", "CLIENT"}, {"REQUESTER", "CLIENT"}),
    "acknowledge": (lambda a: p.acknowledge(a, OWN), {"REQUESTER", "CLIENT"}, set()),
    "see_grant": (lambda a: p.see_grant(a, OWN, THIRD), ALL, SEES_CASES),
    "see_standing_grant": (lambda a: p.see_grant(a, None, THIRD), ALL, ALL),
    "open_details": (p.open_details, LOG_READERS, LOG_READERS),
    "search_subjects": (p.search_subjects, LOG_READERS, LOG_READERS),
    "ask_destruction": (p.ask_destruction, {"AUDIT_ADMINISTRATOR"}, {"AUDIT_ADMINISTRATOR"}),
    "decide_destruction": (lambda a: p.decide_destruction(a, SOMEBODY), LOG_READERS, LOG_READERS),
    "read_evidence": (
        lambda a: p.read_evidence(a, ["C1" if a.agency_id == OWN else "C2", "C3"]),
        ALL,
        ALL,
    ),
}


@pytest.mark.parametrize("name", sorted(RULES.keys() - {"read_evidence"}))
def test_every_role_alone(name: str) -> None:
    rule, inside, outside = RULES[name]
    assert held(rule, OWN) == inside
    assert held(rule, OTHER) == outside


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.parametrize("agency", [OWN, OTHER])
def test_without_a_role_only_reading_is_open(name: str, agency: uuid.UUID) -> None:
    rule = RULES[name][0]
    if name.startswith(("see_", "read_")):
        return
    assert isinstance(rule(actor(agency=agency)), p.Denied)


@pytest.mark.parametrize("name", sorted(RULES))
def test_nobody_may_nothing(name: str) -> None:
    decision = RULES[name][0](Actor())
    assert isinstance(decision, p.Denied)
    assert decision.reason.format(**decision.context)


def test_evidence_is_the_auditors_and_the_agencys_own() -> None:
    def rule(asked: Actor) -> p.Decision:
        return p.read_evidence(asked, ["C1", "C9"])

    assert held(rule, OWN) == ALL
    stranger = {w for w in WORDS if isinstance(rule(Actor(ME, OTHER, "C2", frozenset({w}))), p.Allowed)}
    assert stranger == {"HUB", "AUDITOR", "AUDIT_ADMINISTRATOR"}
    assert isinstance(p.read_evidence(Actor(), [""]), p.Denied)


def test_who_compiled_does_not_review() -> None:
    for rule, role in ((p.review_version, Role.REVIEWER), (p.review_secrecy, Role.SECRECY_REVIEWER)):
        decision = rule(actor(role, Role.COMPILER), OWN, [SOMEBODY, ME])
        assert isinstance(decision, p.Denied)
        assert decision.code == "permission.own_work"
        assert isinstance(rule(actor(role), OWN, [SOMEBODY, ME], False), p.Allowed)


def program(*words: str, agency: uuid.UUID = OWN) -> Actor:
    return Actor(agency_id=agency, agency_code="C1", roles=frozenset({p.CLIENT, *words}), client_id="c")


PREPARED = {
    "compile_entry": (OWN, Role.COMPILER),
    "prepare_application": (OWN, Role.REQUESTER),
    "apply_to_own": (OTHER, Role.REQUESTER),
    "raise_need_to_own": (OTHER, Role.REQUESTER),
    "see_draft": (OWN, Role.COMPILER),
}
"""What a program prepares: its agency, and the role that the official who answers for it has to hold."""
OPEN_TO_PROGRAMS = {
    *("receive", "receive_universal", "acknowledge"),
    *("see_published", "see_case", "see_grant", "see_standing_grant", "read_evidence"),
}


@pytest.mark.parametrize("name", sorted(RULES))
def test_programs_prepare_under_their_officials_roles_and_the_rest_stays_with_people(name: str) -> None:
    rule, every = RULES[name][0], [role.value for role in DUTIES]
    if name in PREPARED:
        agency, role = PREPARED[name]
        assert isinstance(rule(program(role, agency=agency)), p.Allowed)
        denied = rule(program(*(set(every) - {role}), agency=agency))
        assert isinstance(denied, p.Denied)
        assert denied.code in {"permission.responsible", "permission.draft"}
    elif name not in OPEN_TO_PROGRAMS:
        for agency in (OWN, OTHER):
            assert isinstance(rule(program(*every, agency=agency)), p.Denied), agency


@given(st.frozensets(st.sampled_from(WORDS)), st.sampled_from(list(Office)))
def test_no_roles_of_another_agency_decide_for_a_provider(words: frozenset[str], office: Office) -> None:
    asked = actor(*words, agency=OTHER, office=office)
    assert isinstance(p.answer(asked, OWN), p.Denied)
    assert isinstance(p.register_receipt(asked, OWN), p.Denied)
    assert isinstance(p.hold_keys(asked, OWN), p.Denied)
    assert isinstance(p.administer_clients(asked, OWN), p.Denied)


@given(st.frozensets(st.sampled_from(WORDS)), st.sampled_from(WORDS), st.sampled_from(sorted(RULES)))
def test_another_role_takes_nothing_away_but_a_clients_silence(words: frozenset[str], more: str, name: str) -> None:
    if more == p.CLIENT:
        return
    rule = RULES[name][0]
    for agency in (OWN, OTHER):
        if isinstance(rule(actor(*words, agency=agency)), p.Allowed):
            assert isinstance(rule(actor(*words, more, agency=agency)), p.Allowed)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("office", list(Office))
def test_roles_belong_to_offices(role: Role, office: Office) -> None:
    operator = actor(Role.SECURITY_ADMINISTRATOR, agency=OTHER, office=Office.REGULATOR)
    decision = p.change_role(operator, SOMEBODY, OWN, role, office)
    assert isinstance(decision, p.Allowed) is (office in p.ROLE_OFFICES.get(role, frozenset(Office)))


def test_an_agencys_own_administrator_gives_its_plain_roles_alone() -> None:
    administrator = actor(Role.SECURITY_ADMINISTRATOR)
    assert isinstance(p.change_role(administrator, SOMEBODY, OWN, Role.COMPILER, Office.MEMBER), p.Allowed)
    assert isinstance(p.change_role(administrator, SOMEBODY, OTHER, Role.COMPILER, Office.MEMBER), p.Denied)
    raised = p.change_role(administrator, SOMEBODY, OWN, Role.SECURITY_ADMINISTRATOR, Office.MEMBER)
    assert isinstance(raised, p.Denied)
    own = p.change_role(administrator, ME, OWN, Role.COMPILER, Office.MEMBER)
    assert isinstance(own, p.Denied)
    assert own.code == "permission.own_roles"


@pytest.mark.parametrize("office", EVERY_OFFICE_BUT_OPERATOR)
def test_only_the_operators_security_administrator_reaches_other_agencies(office: Office) -> None:
    near = actor(Role.SECURITY_ADMINISTRATOR, agency=OTHER, office=office)
    operator = actor(Role.SECURITY_ADMINISTRATOR, agency=OTHER, office=Office.REGULATOR)
    for rule in (p.administer_people, p.revoke_key, p.revoke_client, p.appoint_administrator):
        assert isinstance(rule(near, OWN), p.Denied)
        assert isinstance(rule(operator, OWN), p.Allowed)
    assert isinstance(p.hold_keys(operator, OWN), p.Denied)
    assert isinstance(p.administer_clients(operator, OWN), p.Denied)


def test_the_coordinating_office_does_not_conclude_its_own_dispute() -> None:
    for parties in ((OWN, OTHER), (OTHER, OWN)):
        decision = p.conclude_dispute(actor(Role.COORDINATOR), *parties)
        assert isinstance(decision, p.Denied)
        assert decision.code == "permission.own_dispute"


def test_require_carries_the_reason_and_what_was_refused() -> None:
    p.require(p.ALLOWED)
    with pytest.raises(NotAllowed, match="roles COMPILER") as plain:
        p.require(p.compile_entry(actor(), OWN))
    assert plain.value.refusal is None
    with pytest.raises(NotAllowed) as kept:
        p.require(p.compile_entry(actor(), OWN), "resource.drafted", "agency/1", "application/2")
    assert kept.value.refusal is not None
    assert (kept.value.refusal.kind, kept.value.refusal.matter) == ("resource.drafted", "application/2")


RUNS_OR_GUARDS = {Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR}
APPROVES = {
    *("review_version", "review_secrecy", "withdraw_published", "answer", "register_receipt", "sign_agreement"),
    *("settle_receipt", "conclude_dispute", "file_appointment", "add_calendar"),
}
LOG_ADMINISTRATION = ("open_details", "search_subjects", "ask_destruction", "decide_destruction")


@given(st.frozensets(st.sampled_from(Role)))
def test_the_three_administrators_stay_apart_whatever_roles_are_held(roles: frozenset[Role]) -> None:
    if separation_broken(roles):
        return
    assert len(SEPARATED & roles) <= 1
    for agency in (OWN, OTHER):
        asked = actor(*roles, agency=agency, office=Office.REGULATOR)
        allowed = {name for name, (rule, *_) in RULES.items() if isinstance(rule(asked), p.Allowed)}
        if roles & RUNS_OR_GUARDS:
            assert allowed.isdisjoint(LOG_ADMINISTRATION)
        if Role.AUDIT_ADMINISTRATOR in roles:
            assert allowed.isdisjoint(APPROVES)
            assert allowed.isdisjoint({"administer_people", "administer_agencies", "allow_address", "revoke_client"})


@pytest.mark.parametrize("one", Role)
@pytest.mark.parametrize("other", Role)
def test_which_two_roles_one_person_cannot_hold(one: Role, other: Role) -> None:
    administrators = {one, other} <= SEPARATED and one != other
    approves = {Role.REVIEWER, Role.SECRECY_REVIEWER, Role.ANSWERER, Role.SIGNATORY, Role.COORDINATOR, Role.REGULATOR}
    log = Role.AUDIT_ADMINISTRATOR in (one, other) and bool(approves & {one, other})
    reads = Role.AUDITOR in (one, other) and bool(SEPARATED & {one, other})
    assert separation_broken(frozenset({one, other})) == (administrators or log or reads)


def test_who_asks_for_a_destruction_does_not_decide_about_it() -> None:
    decision = p.decide_destruction(actor(Role.AUDIT_ADMINISTRATOR, Role.AUDITOR), ME)
    assert isinstance(decision, p.Denied)
    assert decision.code == "permission.own_request"
