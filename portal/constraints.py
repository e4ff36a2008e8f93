"""What a broken database constraint means to the caller.

Services check first; this is the net beneath them for two people who do the same thing at the same moment. A constraint
that deserves a better sentence than its kind's gets one in ``BY_NAME``.
"""

from collections.abc import Callable

from psycopg.errors import Diagnostic
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from adapters.errors import Conflict, InvalidInput, ShuniuError, Transient

Maker = Callable[[str], ShuniuError]


def _taken(constraint: str) -> ShuniuError:
    return Conflict(
        "database.already_there",
        "There is one like this already, or somebody else was faster. Nothing was changed. Reload the page and look.",
        constraint=constraint,
    )


def _in_use(constraint: str) -> ShuniuError:
    return Conflict(
        "database.reference",
        "What this refers to is not there, or is still in use. Nothing was changed. Reload the page and choose again.",
        constraint=constraint,
    )


def _not_possible(constraint: str) -> ShuniuError:
    return InvalidInput(
        "database.not_possible",
        "What was entered breaks a rule of the data ({constraint}). Nothing was changed. Correct it and send it again.",
        constraint=constraint,
    )


def _incomplete(column: str) -> ShuniuError:
    return InvalidInput(
        "database.incomplete",
        "A value is missing: {constraint}. Nothing was changed. Fill it in and send it again.",
        constraint=column,
    )


def _not_storable(_: str) -> ShuniuError:
    return InvalidInput(
        "database.not_storable",
        "A value is too long, too large or not of its kind. Nothing was changed. Correct it and send it again.",
    )


def _busy(_: str) -> ShuniuError:
    return Transient(
        "database.busy",
        "The database did not answer in time. Nothing was changed. Try again in a minute.",
    )


def _full(_: str) -> ShuniuError:
    return Transient(
        "database.full",
        "The hub's disk is full, so nothing can be recorded, and nothing was done. Tell the system administrator, and"
        " try again when there is space.",
    )


def _unknown(_: str) -> ShuniuError:
    return Transient(
        "database.unknown",
        "The connection to the database broke while this was being recorded, so it is not known whether it was done. "
        "Look whether it was before you try again.",
    )


def _separated(_: str) -> ShuniuError:
    return Conflict(
        "person.roles_separated",
        "One person cannot be two of system, security and audit administrator and auditor. Choose another person.",
    )


def _in_progress(_: str) -> ShuniuError:
    return Conflict(
        "resource.version_in_progress",
        "A version of this entry is being worked on already. Open that one instead of starting another.",
    )


DISK_FULL = "53100"
"""SQLSTATE of a server that has no space on its disk."""
EXTENDING = ("mdextend", "mdzeroextend")
"""Where the server extends a table's file: a quota or a limit of its processes fails there under another SQLSTATE."""

BY_NAME: dict[str, Maker] = {
    "uq_role_assignment_separated": _separated,
    "uq_resource_version_in_progress": _in_progress,
}
"""Constraints with a sentence of their own."""

BY_PREFIX: dict[str, Maker] = {
    "uq_": _taken,
    "pk_": _taken,
    "fk_": _in_use,
    "ck_": _not_possible,
    "ex_": _taken,
}


def error_of(error: DBAPIError) -> ShuniuError | None:
    """The error a caller is told instead of the database's, or None when it is the hub's own fault."""
    diagnostic: Diagnostic | None = getattr(error.orig, "diag", None)
    constraint = (diagnostic.constraint_name if diagnostic else None) or ""
    if isinstance(error, IntegrityError):
        if constraint in BY_NAME:
            return BY_NAME[constraint](constraint)
        if constraint[:3] in BY_PREFIX:
            return BY_PREFIX[constraint[:3]](constraint)
        return _incomplete((diagnostic.column_name if diagnostic else None) or "")
    if isinstance(error, DataError):
        return _not_storable("")
    extending = diagnostic.source_function in EXTENDING if diagnostic else False
    if getattr(error.orig, "sqlstate", None) == DISK_FULL or extending:
        return _full("")
    if error.connection_invalidated and not _reads(error):
        return _unknown("")
    if isinstance(error, OperationalError) or error.connection_invalidated:
        return _busy("")
    return None


def _reads(error: DBAPIError) -> bool:
    """Whether the statement was one that changes nothing; a COMMIT comes without its text."""
    return (error.statement or "").lstrip()[:6].upper() == "SELECT"
