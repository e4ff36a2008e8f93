"""What a catalogue entry's page offers a requester: apply, use at once, browse, raise a need."""

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from audit.actor import Actor
from directory.catalogue.models import ResourceVersion, VersionState
from directory.people.roles import Role
from exchange.grants.models import Grant, GrantState
from exchange.grants.queries import for_resource
from portal.pages.panels import Button, Panel
from schemas.words import Mode, SecrecyLevel, ShareAttribute


def entry_panel(actor: Actor, session: Session, version: ResourceVersion) -> Panel:
    """Buttons and sentences for this reader of this version."""
    own = version.resource.agency_id == actor.agency_id
    if version.state != VersionState.PUBLISHED or own or not actor.has(Role.REQUESTER):
        return Panel()
    attributes = {item.share_attribute for item in version.items}
    secret = version.secrecy_level == SecrecyLevel.STATE_SECRET
    grants = [each for each in for_resource(session, actor, version.resource_id) if each.state == GrantState.ACTIVE]
    buttons = [button for grant in grants[:3] for button in _of_grant(grant)]
    notes = []
    if ShareAttribute.UNIVERSAL in attributes:
        notes.append(_("Items that are shared universally can be used at once, without an application."))
    if ShareAttribute.ON_REQUEST in attributes and not secret:
        buttons.append(Button(_("Apply"), url_for("applications.new", version=version.id), "" if grants else "primary"))
        notes.append(_("Items shared on request need an application; the provider answers within its term."))
    if ShareAttribute.NO_SHARING in attributes:
        buttons.append(Button(_("Raise a need"), _need(version)))
        notes.append(_("Items that are not shared cannot be applied for. If your duty needs them, raise a need."))
    return Panel(buttons=buttons, notes=notes)


def _of_grant(grant: Grant) -> list[Button]:
    title = _("Use at once") if grant.requester_id is None else _("Use under %(number)s", number=grant.number)
    buttons = [Button(title, url_for("grants.show", grant_id=grant.id), "primary")]
    if Mode.BROWSE in grant.modes:
        buttons.append(Button(_("Browse"), url_for("browse.start", grant_id=grant.id)))
    return buttons


def _need(version: ResourceVersion) -> str:
    return url_for("needs.new", provider=version.resource.agency_id, resource=version.resource_id)
