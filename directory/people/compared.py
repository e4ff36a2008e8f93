"""People beside the evidence log: accounts and their passwords, roles, sign-ins, appointments, programs (R120).

Of passwords, secrets and tokens the log knows digests alone, in the encrypted part of its entries. Failed attempts and
the locks that they lead to are counters and not compared; neither are languages and bearer tokens of an hour.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, String, and_, cast, exists, literal, or_, select
from sqlalchemy.orm import Session, aliased

from audit.models import Evidence, LogLeaf
from audit.opened import personal_details
from audit.reconcile import DONE, UNSTATED, Discrepancy, Recorded, batches, differences, recorded
from directory.people.accounts import set_by
from directory.people.models import Account, ApiClient, DataAdministrator, Person, RoleAssignment, SignIn
from directory.people.secrets import hash_digest, token_digest

_ANY = {"password": UNSTATED}
ACCOUNT_MEANS: Mapping[str, Mapping[str, Any]] = {
    "account.opened": {**_ANY, "frozen": False, "sealed": False, "until": None},
    "account.password_changed": _ANY,
    "account.password_reset": _ANY,
    "account.password_rehashed": _ANY,
    "account.frozen": {"frozen": True},
    "account.unfrozen": {"frozen": False},
    "account.glass_sealed": {**_ANY, "frozen": False, "sealed": True, "until": None},
    "account.glass_broken": _ANY,
}
"""What each kind of entry leads to; one that sets a password without saying its digest ends what was said before."""
SECRET_MEANS: Mapping[str, Mapping[str, Any]] = {
    "client.registered": {"secret": UNSTATED},
    "client.secret_replaced": {"secret": UNSTATED},
}
APPOINTMENT_MEANS: Mapping[str, Mapping[str, Any]] = {
    "appointment.made": {"filed_on": None, "ended": False},
    "appointment.filed": {},
    "appointment.deputy_left": {"deputy": None},
    "appointment.ended": {"ended": True},
}
_ROLES = ("role.assigned", "role.ended", "person.left")
_ENDS_SIGN_INS = ("account.password_changed", "account.password_reset", "account.frozen", "account.glass_sealed")
_NEAR = timedelta(minutes=1)
"""Between a sign-in and its entry, which one transaction makes."""
_SUBJECT = literal("account/") + cast(SignIn.account_id, String)


def account_facts(account: Account) -> dict[str, object]:
    """Whose an account is, what it is called, its password's digest, and whether it lets anybody in."""
    return {
        "person": str(account.person_id),
        "login": account.login,
        "password": hash_digest(account.password_hash),
        "frozen": account.frozen_at is not None,
        "sealed": account.sealed_at is not None,
        "until": _moment(account.open_until),
        **set_by(account),
    }


def client_facts(client: ApiClient) -> dict[str, object]:
    """What a program is called, whose it is and who answers for it, as its registration recorded it."""
    return {
        "client_id": client.client_id,
        "name": client.name,
        "agency_id": str(client.agency_id),
        "responsible": str(client.responsible_id),
    }


def secret_facts(client: ApiClient) -> dict[str, object]:
    """The digest of a program's secret; apart, since who replaces it stands by name in the entry's encrypted part."""
    return {"secret": hash_digest(client.secret_hash)}


def person_facts(person: Person) -> dict[str, object]:
    """A person's name, as the encrypted part of the registration has it, and agency."""
    return {"person": person.name, "agency_id": str(person.agency_id)}


def appointment_facts(row: DataAdministrator) -> dict[str, object]:
    """Who was appointed by which agency, with which deputy, and from when to when."""
    return {
        "person": str(row.person_id),
        "deputy": str(row.deputy_id) if row.deputy_id else None,
        "agency_id": str(row.agency_id),
        "appointed_on": row.appointed_on.isoformat(),
        "filed_on": row.filed_on.isoformat() if row.filed_on else None,
        "ended": row.ended_on is not None,
        **({"ended_on": row.ended_on.isoformat()} if row.ended_on else {}),
    }


def roles_follow_entries(session: Session) -> Iterator[Discrepancy]:
    """People whose roles, present and past, are not those that they were given, that ended or that they left with."""
    for batch in batches(session, select(Person), Person.id):
        ids = [person.id for person in batch]
        entries = recorded(session, Evidence.subject, [f"person/{each}" for each in ids], _ROLES)
        held: dict[uuid.UUID, list[RoleAssignment]] = defaultdict(list)
        for row in session.scalars(select(RoleAssignment).where(RoleAssignment.person_id.in_(ids))):
            held[row.person_id].append(row)
        for person in entries.known(batch, lambda person: f"person/{person.id}"):
            subject = f"person/{person.id}"
            yield from _compare_roles(subject, held[person.id], _terms(entries.get(subject, [])))


def _terms(entries: Sequence[Recorded]) -> dict[str, list[tuple[str | None, bool]]]:
    """By role, each time that it was given: from which day (None: not stated), and whether it is held still."""
    terms: dict[str, list[tuple[str | None, bool]]] = defaultdict(list)
    for entry in entries:
        role = str(entry.after.get("role") or entry.before.get("role"))
        if entry.kind == "role.assigned":
            terms[role].append((entry.after.get("held_from"), True))
        for ended in [role] if entry.kind == "role.ended" else terms if entry.kind == "person.left" else []:
            terms[ended] = [(since, False) for since, _ in terms[ended]]
    return terms


def _compare_roles(
    subject: str, rows: Collection[RoleAssignment], terms: Mapping[str, Sequence[tuple[str | None, bool]]]
) -> Iterator[Discrepancy]:
    for role in sorted({*terms, *(row.role for row in rows)}):
        stated = terms.get(role, [])
        found = [(row.held_from.isoformat(), row.held_to is None) for row in rows if row.role == role]
        dated = all(since for since, _ in stated)
        if sorted(found) != sorted((since or "", held) for since, held in stated) and (
            dated or sorted(held for _, held in found) != sorted(held for _, held in stated)
        ):
            sentence = f"{subject} holds the role {role} otherwise than entries gave and ended it."
            yield Discrepancy(subject, sentence, expected=str(sorted(stated, key=str)), found=str(sorted(found)))


def sign_ins_follow_entries(session: Session) -> Iterator[Discrepancy]:
    """Sign-ins that nobody made, that live longer than they were given, or that were ended and live again."""
    for batch in batches(session, select(SignIn), SignIn.token_hash, b""):
        made = _stated(session, batch, "account.signed_in", SignIn.created_at - _NEAR, SignIn.created_at + _NEAR)
        left = _stated(session, batch, "account.signed_out", SignIn.created_at, SignIn.expires_at)
        for row in batch:
            subject, own = f"account/{row.account_id}", token_digest(row.token_hash)
            mine = [each for each in made.get(row.token_hash, []) if each.get("sign_in", own) == own]
            if not mine:
                sentence = f"A sign-in of {subject} is in the table, and no entry account.signed_in records it."
                yield Discrepancy(subject, sentence, found=_moment(row.created_at) or "")
                continue
            yield from differences(subject, {"until": _moment(row.expires_at)}, mine[-1])
            if row.ended_at is None and any(each.get("sign_in") == own for each in left.get(row.token_hash, [])):
                yield _lives_again(subject, "account.signed_out")


def sign_ins_end(session: Session) -> Iterator[Discrepancy]:
    """Sign-ins that live although the account was frozen or got another password after they were made."""
    statement = (
        select(_SUBJECT, Evidence.kind)
        .join(Evidence, and_(Evidence.subject == _SUBJECT, Evidence.recorded_at > SignIn.created_at))
        .where(SignIn.ended_at.is_(None), Evidence.kind.in_(_ENDS_SIGN_INS), Evidence.outcome == DONE)
        .where(~_made_after_all())
        .distinct()
    )
    for subject, kind in session.execute(statement.execution_options(yield_per=1_000)):
        yield _lives_again(subject, kind)


def _made_after_all() -> ColumnElement[bool]:
    """By the log's numbers a sign-in came after the entry that ended others, whose clock ran ahead."""
    own, place, ending = aliased(Evidence), aliased(LogLeaf), aliased(LogLeaf)
    return exists(
        select(own.id)
        .join(ending, ending.evidence_id == Evidence.id)
        .outerjoin(place, place.evidence_id == own.id)
        .where(own.subject == _SUBJECT, own.kind == "account.signed_in", own.outcome == DONE)
        .where(own.recorded_at.between(SignIn.created_at - _NEAR, SignIn.created_at + _NEAR))
        .where(own.recorded_at < Evidence.recorded_at)
        .where(or_(place.leaf_index.is_(None), place.leaf_index > ending.leaf_index))
        .correlate(SignIn, Evidence)
    )


def _lives_again(subject: str, kind: str) -> Discrepancy:
    sentence = f"A sign-in of {subject} is in force, and the entry {kind} ended it."
    return Discrepancy(subject, sentence, expected=kind, found="in force")


def _stated(
    session: Session,
    batch: Sequence[SignIn],
    kind: str,
    since: SQLColumnExpression[Any],
    until: SQLColumnExpression[Any],
) -> dict[bytes, list[Mapping[str, Any]]]:
    """By token hash, what the account's entries of a kind state that were written between two moments of the row."""
    statement = (
        select(SignIn.token_hash, Evidence.id)
        .join(Evidence, and_(Evidence.subject == _SUBJECT, Evidence.recorded_at.between(since, until)))
        .where(
            SignIn.token_hash.in_([row.token_hash for row in batch]), Evidence.kind == kind, Evidence.outcome == DONE
        )
    )
    found: dict[bytes, list[Mapping[str, Any]]] = defaultdict(list)
    for pairs in session.execute(statement).partitions(1_000):
        details = personal_details(session, [entry_id for _, entry_id in pairs])
        for token, entry_id in pairs:
            found[token].append(details.get(entry_id, {}))
    return found


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None
