"""Warnings to all administrators: the emergency account was opened, an administrator's password was reset."""

from collections.abc import Sequence
from datetime import timedelta

from flask import Blueprint, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from adapters.clock import city_date, system_now
from audit.actor import Actor
from directory.people.accounts import RESET_SHOWN
from directory.people.desk import reset_lately
from directory.people.glass import broken_since
from directory.people.roles import SEPARATED, Role
from portal.filters import day, moment
from portal.languages import N_
from portal.pages.frame import DeskItem, DeskSection, Pages

SHOWN_FOR = timedelta(days=30)
blueprint = Blueprint("glass", __name__)


def desk_sections(actor: Actor, session: Session) -> Sequence[DeskSection]:
    """What administrators find on the desk after the glass was broken; they and auditors after a reset."""
    return [*_broken(actor, session), *_reset(actor, session)]


def _reset(actor: Actor, session: Session) -> Sequence[DeskSection]:
    """Whose password somebody else has known: for thirty days all who watch each other see it."""
    if not actor.has(*SEPARATED, Role.AUDITOR):
        return []
    heap = reset_lately(session)
    items = [
        DeskItem(
            href=url_for("evidence.index", kind="account.password_reset"),
            title=each.person.name,
            detail=_(
                "Another person reset this password. Ask the owner whether they wanted it; until %(day)s the account "
                "is not one of two people.",
                day=day(city_date(each.given_at + RESET_SHOWN)),
            ),
            since=each.given_at,
        )
        for each in heap.items
        if each.given_at
    ]
    if not items:
        return []
    return [DeskSection(title=N_("Passwords of administrators reset"), items=items, total=heap.total, order=1)]


def _broken(actor: Actor, session: Session) -> Sequence[DeskSection]:
    until = broken_since(session, system_now() - SHOWN_FOR) if actor.has(*SEPARATED) else None
    if until is None:
        return []
    item = DeskItem(
        href=url_for("evidence.index", kind="account.glass_broken"),
        title=_("The emergency account was opened"),
        detail=_("It is open until %(moment)s. Ask why, and seal it anew (`shuniu glass seal`).", moment=moment(until))
        if until > system_now()
        else _("It was open until %(moment)s. Ask why, and seal it anew (`shuniu glass seal`).", moment=moment(until)),
    )
    return [DeskSection(title=N_("Emergency"), items=[item], total=1, order=1)]


PAGES = Pages(blueprint, desk_sections=desk_sections)
