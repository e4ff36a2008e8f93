"""Who may do what: pure functions of the actor and the facts, each answering allowed, or denied with a reason.

Nothing here asks a database. Services call ``require(rule(actor, facts))`` before they act; pages ask the same rules to
decide which buttons to show. Roles are held for one agency, so most rules ask for a role and an agency.
"""

import uuid
from collections.abc import Collection, Mapping
from types import MappingProxyType

from audit.actor import Actor
from directory.agencies.models import Office
from directory.decisions import ALLOWED as ALLOWED
from directory.decisions import CLIENT as CLIENT
from directory.decisions import HUB_ROLE as HUB_ROLE
from directory.decisions import Allowed as Allowed
from directory.decisions import Decision as Decision
from directory.decisions import Denied as Denied
from directory.decisions import hub_or, own, role
from directory.decisions import require as require
from directory.people.roles import Role

ROLE_OFFICES: Mapping[Role, frozenset[Office]] = MappingProxyType(
    {
        Role.COORDINATOR: frozenset({Office.COORDINATING_OFFICE}),
        Role.REGULATOR: frozenset({Office.REGULATOR}),
        Role.AUDITOR: frozenset({Office.AUDIT_OFFICE}),
        Role.SYSTEM_ADMINISTRATOR: frozenset({Office.REGULATOR}),
        Role.AUDIT_ADMINISTRATOR: frozenset({Office.REGULATOR, Office.AUDIT_OFFICE}),
    }
)
"""Roles that only people of certain offices can hold ([M] Art. 4); every other role can be held in any agency."""

# The catalogue ([M] Art. 8 to 10, 19; R24, R25, R52)


def compile_entry(actor: Actor, agency_id: uuid.UUID) -> Decision:
    """Draft or edit an entry of an agency; its programs may, since systems are one way of cataloguing (R20)."""
    return own(actor, agency_id, Role.COMPILER, programs=True)


def submit_version(actor: Actor, agency_id: uuid.UUID) -> Decision:
    """Hand an entry to the reviewers: for this [M] Art. 10¶2 names a person."""
    return own(actor, agency_id, Role.COMPILER)


def review_version(
    actor: Actor, agency_id: uuid.UUID, compilers: Collection[uuid.UUID], separate: bool = True
) -> Decision:
    """Approve or return an entry.

    Args:
        compilers: everyone who had a hand in the content.
        separate: whether the case's rule set keeps compiling and reviewing apart.
    """
    return _by_another(actor, agency_id, Role.REVIEWER, compilers, separate)


def review_secrecy(
    actor: Actor, agency_id: uuid.UUID, compilers: Collection[uuid.UUID], separate: bool = True
) -> Decision:
    """Record the providing agency's secrecy review; the same person may do both reviews."""
    return _by_another(actor, agency_id, Role.SECRECY_REVIEWER, compilers, separate)


def _by_another(
    actor: Actor, agency_id: uuid.UUID, role: Role, compilers: Collection[uuid.UUID], separate: bool
) -> Decision:
    decision = own(actor, agency_id, role)
    if isinstance(decision, Allowed) and separate and actor.person_id in compilers:
        reason = "You compiled this entry, so somebody else has to review it."
        return Denied("permission.own_work", reason)
    return decision


def publish_version(actor: Actor, agency_id: uuid.UUID) -> Decision:
    """Publish an entry that passed its reviews."""
    return own(actor, agency_id, Role.COMPILER, Role.REVIEWER)


def withdraw_version(actor: Actor, agency_id: uuid.UUID, published: bool) -> Decision:
    """Withdraw an entry: a published one takes a reviewer, an unfinished one its agency's compiler."""
    return own(actor, agency_id, Role.REVIEWER) if published else own(actor, agency_id, Role.COMPILER)


def see_version(actor: Actor, agency_id: uuid.UUID, was_published: bool) -> Decision:
    """See a version: what was ever published is every official's, a draft its agency's and the regulator's.

    A program sees drafts of its agency where it compiles.
    """
    if actor.has(HUB_ROLE) or (was_published and actor.agency_id is not None):
        return ALLOWED
    if actor.agency_id == agency_id and (not actor.has(CLIENT) or actor.has(Role.COMPILER)):
        return ALLOWED
    if actor.has(Role.REGULATOR, Role.AUDITOR):
        return ALLOWED
    return Denied("permission.draft", "This version is not published. Only its agency can see it.")


def attach_source(actor: Actor, agency_id: uuid.UUID) -> Decision:
    """Attach the source of an entry's data (挂接)."""
    return own(actor, agency_id, Role.COMPILER)


def register_system(actor: Actor, agency_id: uuid.UUID) -> Decision:
    """Enter an information system into the register ([M] Art. 7; R9)."""
    if actor.has(HUB_ROLE, Role.SYSTEM_ADMINISTRATOR):
        return ALLOWED
    return own(actor, agency_id, Role.COMPILER)


def allow_address(actor: Actor) -> Decision:
    """Let the hub call a network address; not the compiler's to say, since the hub stands inside the network."""
    return hub_or(actor, Role.SYSTEM_ADMINISTRATOR)


# Administration


def administer_agencies(actor: Actor) -> Decision:
    """Register and rename agencies (R1)."""
    return hub_or(actor, Role.SYSTEM_ADMINISTRATOR)


def administer_people(actor: Actor, agency_id: uuid.UUID) -> Decision:
    """Register people and open, reset or freeze accounts: one's own agency, the operator's administrator everywhere."""
    if actor.has(HUB_ROLE) or operates_security(actor):
        return ALLOWED
    return own(actor, agency_id, Role.SECURITY_ADMINISTRATOR)


def change_role(
    actor: Actor, person_id: uuid.UUID, agency_id: uuid.UUID, role: Role, agency_office: Office
) -> Decision:
    """Give a person a role or end it."""
    decision = administer_people(actor, agency_id)
    if isinstance(decision, Denied):
        return decision
    if actor.person_id == person_id:
        return Denied("permission.own_roles", "Nobody changes their own roles. Another administrator has to do it.")
    if role == Role.SECURITY_ADMINISTRATOR and not (actor.has(HUB_ROLE) or operates_security(actor)):
        reason = "The operator's security administrator appoints and ends security administrators."
        return Denied("permission.security_administrator", reason)
    if agency_office not in ROLE_OFFICES.get(role, frozenset(Office)):
        reason = "People of this agency cannot hold the role {role}; it belongs to another office."
        return Denied("permission.office", reason, {"role": role})
    return ALLOWED


def operates_security(actor: Actor) -> bool:
    """Whether this is the operator's security administrator, who looks after the accounts of every agency."""
    return actor.has(Role.SECURITY_ADMINISTRATOR) and actor.office == Office.REGULATOR


def administer_clients(actor: Actor, agency_id: uuid.UUID) -> Decision:
    """Register programs of an agency, replace their secrets, revoke them. The operator may not: a program speaks for
    its agency."""
    return own(actor, agency_id, Role.SECURITY_ADMINISTRATOR)


def revoke_client(actor: Actor, agency_id: uuid.UUID) -> Decision:
    """Shut out a program; unlike letting one in, the operator may do it too."""
    return administer_people(actor, agency_id)


def hold_keys(actor: Actor, agency_id: uuid.UUID) -> Decision:
    """Register a key of an agency; never the operator, whose keys must not stand for an agency."""
    return own(actor, agency_id, Role.SIGNATORY, Role.SECURITY_ADMINISTRATOR)


def revoke_key(actor: Actor, agency_id: uuid.UUID) -> Decision:
    """Revoke a key: the agency itself, or the operator's security administrator when it is reported lost."""
    if operates_security(actor):
        return ALLOWED
    return hold_keys(actor, agency_id)


def appoint_administrator(actor: Actor, agency_id: uuid.UUID) -> Decision:
    """Name an agency's data administrator and deputy ([M] Art. 21)."""
    return administer_people(actor, agency_id)


def file_appointment(actor: Actor) -> Decision:
    """Take an appointment on file with the regulator ([M] Art. 21)."""
    return role(actor, Role.REGULATOR)


def turn_case_clock(actor: Actor, turnable: bool) -> Decision:
    """Turn the case clock; only a site for tests or demonstration lets anybody."""
    if not turnable:
        reason = "The case clock of this site cannot be turned. It runs with the system clock."
        return Denied("permission.case_clock", reason)
    return hub_or(actor, Role.SYSTEM_ADMINISTRATOR)


def add_calendar(actor: Actor) -> Decision:
    """Add a year's notice of holidays (R117)."""
    return role(actor, Role.REGULATOR)


# Cases between two agencies ([M] Art. 14 to 17)


def apply(actor: Actor, provider_id: uuid.UUID) -> Decision:
    """Draft an application to a provider for one's own agency."""
    return _for_another(actor, provider_id)


def raise_need(actor: Actor, provider_id: uuid.UUID) -> Decision:
    """Ask an agency for what is not catalogued, or not shared (R34)."""
    return _for_another(actor, provider_id)


def _for_another(actor: Actor, provider_id: uuid.UUID) -> Decision:
    decision = role(actor, Role.REQUESTER, programs=True)
    if isinstance(decision, Allowed) and actor.agency_id == provider_id:
        return Denied("permission.own_data", "This is your own agency's data. There is nothing to apply for.")
    return decision


def prepare_application(actor: Actor, requester_id: uuid.UUID) -> Decision:
    """Edit an application and have its form made; the paper goes its way by people ([M] Art. 15¶2)."""
    return own(actor, requester_id, Role.REQUESTER, programs=True)


def act_for_requester(actor: Actor, requester_id: uuid.UUID) -> Decision:
    """Hand over or withdraw an application, or object to its answer."""
    return own(actor, requester_id, Role.REQUESTER)


def see_case(actor: Actor, requester_id: uuid.UUID, provider_id: uuid.UUID) -> Decision:
    """See an application and all that belongs to it: both sides, the coordinating office, regulator and auditor."""
    if actor.has(HUB_ROLE, Role.COORDINATOR, Role.REGULATOR, Role.AUDITOR):
        return ALLOWED
    if actor.agency_id is not None and actor.agency_id in (requester_id, provider_id):
        return ALLOWED
    return Denied("permission.case", "This case is between two other agencies.")


def supervise(actor: Actor) -> Decision:
    """See the cases of all agencies in lists: the coordinating office, the regulator, auditors ([M] Art. 14, 18)."""
    if actor.has(Role.COORDINATOR, Role.REGULATOR, Role.AUDITOR):
        return ALLOWED
    reason = "Only the coordinating office and those who supervise see every agency's cases. Open your own list."
    return Denied("permission.supervision", reason)


def register_receipt(actor: Actor, provider_id: uuid.UUID) -> Decision:
    """Register that the written form arrived; it starts the provider's ten working days (R39)."""
    return own(actor, provider_id, Role.ANSWERER)


def settle_receipt(actor: Actor, requester_id: uuid.UUID, provider_id: uuid.UUID) -> Decision:
    """Settle a disputed date of receipt."""
    return conclude_dispute(actor, requester_id, provider_id)


def answer(actor: Actor, provider_id: uuid.UUID) -> Decision:
    """Decide for a provider: answer, propose the agreement, suspend or end a grant. Never the regulator's (R2)."""
    if actor.has(Role.REGULATOR) and actor.agency_id != provider_id:
        reason = "The regulator cannot decide for a provider. The provider's own people answer."
        return Denied("permission.regulator_decides", reason)
    return own(actor, provider_id, Role.ANSWERER)


def sign_agreement(actor: Actor, requester_id: uuid.UUID, provider_id: uuid.UUID) -> Decision:
    """Sign the secrecy agreement for one of its two sides ([M] Art. 15¶4)."""
    decision = role(actor, Role.SIGNATORY)
    if isinstance(decision, Allowed) and actor.agency_id not in (requester_id, provider_id):
        return Denied("permission.party", "Your agency is no party to this agreement.")
    return decision


def state_in_dispute(
    actor: Actor, requester_id: uuid.UUID, provider_id: uuid.UUID, asked: Collection[uuid.UUID] = ()
) -> Decision:
    """Give a side's statement, or that of a department which the coordinating office asked."""
    if actor.agency_id == requester_id:
        return own(actor, requester_id, Role.REQUESTER)
    if actor.agency_id == provider_id or (actor.agency_id is not None and actor.agency_id in asked):
        return role(actor, Role.ANSWERER)
    return Denied("permission.party", "Your agency is no party to this dispute and was not asked.")


def conclude_dispute(actor: Actor, requester_id: uuid.UUID, provider_id: uuid.UUID) -> Decision:
    """Ask departments, conclude, escalate, or record the leading group's ruling ([M] Art. 15¶3; R41)."""
    decision = role(actor, Role.COORDINATOR)
    if isinstance(decision, Allowed) and actor.agency_id in (requester_id, provider_id):
        reason = "The coordinating office is a party to this dispute, so it cannot conclude it. Escalate on paper."
        return Denied("permission.own_dispute", reason)
    return decision


# Data that arrives ([M] Art. 15, 16, 18)


def receive(actor: Actor, requester_id: uuid.UUID | None) -> Decision:
    """Take data under a grant of one's agency, or under a standing grant (None), which is every agency's (R36)."""
    decision = role(actor, Role.REQUESTER, CLIENT)
    if isinstance(decision, Denied):
        return decision
    if actor.agency_id is None or (requester_id is not None and actor.agency_id != requester_id):
        return Denied("permission.grant", "This grant is another agency's.")
    return ALLOWED


def acknowledge(actor: Actor, requester_id: uuid.UUID) -> Decision:
    """Acknowledge a delivery that one's agency received."""
    return receive(actor, requester_id)


def see_grant(
    actor: Actor, requester_id: uuid.UUID | None, provider_id: uuid.UUID, suspended: bool = False
) -> Decision:
    """See a grant and its deliveries; a standing grant (None) is every official's to see.

    A suspended one is the operator's security administrator's too, who may have to resume it.
    """
    if suspended and operates_security(actor):
        return ALLOWED
    if requester_id is None and actor.agency_id is not None:
        return ALLOWED
    return see_case(actor, requester_id or provider_id, provider_id)


# Evidence ([M] Art. 18; R120)


def read_evidence(actor: Actor, agency_codes: Collection[str]) -> Decision:
    """Read evidence of agencies: auditors and the log's administrator all of it, an agency its own and its cases'.

    What an agency may read, its programs may.

    Args:
        agency_codes: codes of the agencies that the entry, or the case it belongs to, concerns.
    """
    if actor.has(HUB_ROLE, Role.AUDITOR, Role.AUDIT_ADMINISTRATOR):
        return ALLOWED
    if actor.agency_code and actor.agency_code in agency_codes:
        return ALLOWED
    return Denied("permission.evidence", "This evidence is another agency's. Ask the audit office.")


def open_details(actor: Actor) -> Decision:
    """Open the personal details beside an entry; every look is evidence itself.

    Not for who runs the hub or gives out its roles and keys: ``roles.KEPT_FROM`` keeps them apart.
    """
    return role(actor, Role.AUDITOR, Role.AUDIT_ADMINISTRATOR)


def search_subjects(actor: Actor) -> Decision:
    """Search the evidence by a person's or an organisation's number; every look is evidence itself (R84)."""
    return role(actor, Role.AUDITOR, Role.AUDIT_ADMINISTRATOR)


def ask_destruction(actor: Actor) -> Decision:
    """Ask for the destruction of personal details beside entries, and see such requests."""
    return role(actor, Role.AUDIT_ADMINISTRATOR)


def decide_destruction(actor: Actor, asked_by: uuid.UUID) -> Decision:
    """Confirm or decline it: an auditor or another administrator of the log, never who asked."""
    decision = role(actor, Role.AUDITOR, Role.AUDIT_ADMINISTRATOR)
    if isinstance(decision, Allowed) and actor.person_id == asked_by:
        return Denied("permission.own_request", "You asked for this, so another person has to decide about it.")
    return decision
