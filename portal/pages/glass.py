"""The warning to all administrators that the emergency account was opened."""

from collections.abc import Sequence
from datetime import timedelta

from flask import Blueprint, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from adapters.clock import system_now
from audit.actor import Actor
from directory.people.glass import broken_since
from directory.people.roles import SEPARATED
from portal.filters import moment
from portal.languages import N_
from portal.pages.frame import DeskItem, DeskSection, Pages

SHOWN_FOR = timedelta(days=30)
blueprint = Blueprint("glass", __name__)


def desk_sections(actor: Actor, session: Session) -> Sequence[DeskSection]:
    """What the three administrators find on the desk after the glass was broken."""
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
