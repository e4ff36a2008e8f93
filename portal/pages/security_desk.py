"""The security administrator's desk: accounts, keys and programs that somebody should look at."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from adapters.clock import CITY_ZONE, city_date, system_now
from audit.actor import Actor
from directory.people import desk
from directory.people.models import Account
from directory.people.roles import Role
from exchange.desk import suspended_for_security
from portal.filters import moment, number
from portal.labels import label
from portal.languages import N_
from portal.names import agency_name, agency_names
from portal.pages.frame import DeskItem, DeskSection

KEYS_OF = timedelta(days=90)
"""Revoked keys without another in their place are shown for so long."""
OLD_SECRET = timedelta(days=180)
"""No rule says how long a program's secret may serve; from here on it is shown."""


def desk_sections(actor: Actor, session: Session) -> Sequence[DeskSection]:
    """What a security administrator finds on the desk: the own agency's, and at the operator every agency's."""
    if not actor.has(Role.SECURITY_ADMINISTRATOR):
        return []
    return [
        _locked(actor, session),
        _refused(actor, session),
        _keys(actor, session),
        _secrets(actor, session),
        _idle(actor, session),
        _suspended(actor, session),
    ]


def _suspended(actor: Actor, session: Session) -> DeskSection:
    heap = suspended_for_security(session, actor)
    return DeskSection(
        title=N_("Grants suspended for security"),
        items=[
            DeskItem(
                href=url_for("grants.show", grant_id=each.id),
                title=each.resource_version.name,
                detail=each.number,
            )
            for each in heap.items
        ],
        total=heap.total,
        order=11,
    )


def _locked(actor: Actor, session: Session) -> DeskSection:
    heap = desk.locked_out(session, actor)
    return DeskSection(
        title=N_("Locked accounts"),
        items=[_account(each, _("locked until %(moment)s", moment=moment(each.locked_until))) for each in heap.items],
        total=heap.total,
        empty=N_("No account is locked by wrong passwords."),
        order=10,
    )


def _refused(actor: Actor, session: Session) -> DeskSection:
    today = datetime.combine(city_date(system_now()), time(), CITY_ZONE)
    heap = desk.refused_sign_ins(session, actor, today)
    return DeskSection(
        title=N_("Sign-ins refused today"),
        items=[
            _account(each.account, _("refused %(times)s times", times=number(each.count)), each.last)
            for each in heap.items
        ],
        total=heap.total,
        empty=N_("No sign-in was refused today."),
        order=12,
    )


def _keys(actor: Actor, session: Session) -> DeskSection:
    heap = desk.keys_missing(session, actor, system_now() - KEYS_OF)
    names = agency_names(session, {each.agency_id for each in heap.items})
    return DeskSection(
        title=N_("Keys revoked, none in their place"),
        items=[
            DeskItem(
                href=url_for("agencies.show", agency_id=each.agency_id, tab="keys"),
                title=names[each.agency_id],
                detail=f"{label(each.purpose, 'KeyPurpose')} · {each.fingerprint[:16]}",
                since=each.revoked_at,
            )
            for each in heap.items
        ],
        total=heap.total,
        empty=N_("No agency lacks a key that it had."),
        order=14,
    )


def _secrets(actor: Actor, session: Session) -> DeskSection:
    heap = desk.old_secrets(session, actor, system_now() - OLD_SECRET)
    return DeskSection(
        title=N_("Programs with an old secret"),
        items=[
            DeskItem(
                href=url_for("agencies.show", agency_id=client.agency_id, tab="programs"),
                title=client.name,
                detail=f"{agency_name(client.agency)} · {client.client_id}",
                since=given,
            )
            for client, given in heap.items
        ],
        total=heap.total,
        empty=N_("No program's secret is older than 180 days."),
        order=16,
    )


def _idle(actor: Actor, session: Session) -> DeskSection:
    heap = desk.without_roles(session, actor)
    return DeskSection(
        title=N_("Accounts without a role"),
        items=[_account(each, _("can sign in and do nothing")) for each in heap.items],
        total=heap.total,
        empty=N_("Every account that can sign in holds a role."),
        order=18,
    )


def _account(account: Account, why: str, since: datetime | None = None) -> DeskItem:
    return DeskItem(
        href=url_for("people.show", person_id=account.person_id),
        title=account.person.name,
        detail=f"{agency_name(account.person.agency)} · {account.login} · {why}",
        since=since,
    )
