"""Roles and which of them one person may never hold together."""

from enum import StrEnum


class Role(StrEnum):
    """What a person may be appointed to, always for one agency."""

    COMPILER = "COMPILER"  # compiles catalogue entries, attaches sources (data administrator)
    REVIEWER = "REVIEWER"  # reviews entries that somebody else compiled
    SECRECY_REVIEWER = "SECRECY_REVIEWER"
    REQUESTER = "REQUESTER"  # applies, receives data, acknowledges
    ANSWERER = "ANSWERER"  # registers receipts, answers applications, states the provider's side
    SIGNATORY = "SIGNATORY"  # signs agreements with the agency's key
    COORDINATOR = "COORDINATOR"  # coordinating office: concludes disputes
    REGULATOR = "REGULATOR"  # regulator: files appointments, watches the whole; never decides for a provider
    AUDITOR = "AUDITOR"  # reads evidence
    SYSTEM_ADMINISTRATOR = "SYSTEM_ADMINISTRATOR"  # agencies, systems, services
    SECURITY_ADMINISTRATOR = "SECURITY_ADMINISTRATOR"  # accounts, roles, keys, API clients
    AUDIT_ADMINISTRATOR = "AUDIT_ADMINISTRATOR"  # administers the log itself


SEPARATED = frozenset({Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDIT_ADMINISTRATOR})
"""Of these one person holds at most one (GB/T 22239 level 3; the three administrators)."""


def separation_broken(roles: frozenset[Role]) -> bool:
    """Whether a set of roles breaks the separation of the three administrators."""
    return len(SEPARATED & roles) > 1
