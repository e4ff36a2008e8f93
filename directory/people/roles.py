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


KEPT_FROM = {
    Role.AUDIT_ADMINISTRATOR: frozenset(
        {
            Role.REVIEWER,
            Role.SECRECY_REVIEWER,
            Role.ANSWERER,
            Role.SIGNATORY,
            Role.COORDINATOR,
            Role.REGULATOR,
            Role.AUDITOR,
        }
    ),
    Role.SYSTEM_ADMINISTRATOR: frozenset({Role.AUDITOR}),
    Role.SECURITY_ADMINISTRATOR: frozenset({Role.AUDITOR}),
}
"""Who administers the log approves no business that it records, and is not the auditor whose rules it sets; who runs
the hub or gives out its roles and keys opens no personal details. Our reading of the same level 3:
系统管理、审计管理、安全管理 kept apart."""


def separation_broken(roles: frozenset[Role]) -> bool:
    """Whether a set of roles breaks the separation of the three administrators."""
    return len(SEPARATED & roles) > 1 or any(one in roles and others & roles for one, others in KEPT_FROM.items())
