"""Who may see and decide on what was found unusual, and set its rules; pure functions like ``directory.permissions``.

The auditor decides, and the audit administrator, one of the three administrators, sets the rules: who looks for misuse
does not also say what misuse is.
"""

from audit.actor import Actor
from directory.people.roles import Role
from directory.permissions import ALLOWED, Decision, Denied


def read_anomalies(actor: Actor) -> Decision:
    """See what was found, and the rules."""
    return _holds(actor, Role.AUDITOR, Role.AUDIT_ADMINISTRATOR)


def decide_anomaly(actor: Actor) -> Decision:
    """Dismiss what was found, or suspend the grant for it."""
    return _holds(actor, Role.AUDITOR)


def change_rule(actor: Actor) -> Decision:
    """Set a rule's figures, or switch it off."""
    return _holds(actor, Role.AUDIT_ADMINISTRATOR)


def _holds(actor: Actor, *roles: Role) -> Decision:
    if actor.person_id is not None and actor.has(*roles):
        return ALLOWED
    reason = "This needs one of the roles {roles}. Ask your agency's security administrator."
    return Denied("permission.role", reason, {"roles": ", ".join(roles)})
