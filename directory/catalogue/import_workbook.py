"""Importing a workbook: every entry becomes a draft, or none does ([M] Art. 9¶2; R20)."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from adapters.errors import InvalidInput, NotAllowed
from audit.actor import Actor
from directory.catalogue.compile import draft_resource
from directory.catalogue.models import ResourceVersion
from directory.catalogue.read_workbook import Book, Problem, Written, read_workbook
from directory.catalogue.workbook_columns import BASIS, ENTRIES, ITEMS
from directory.permissions import compile_entry, require


def import_workbook(session: Session, actor: Actor, data: bytes) -> list[ResourceVersion]:
    """Draft every entry of a workbook through the same checks, and with the same evidence, as the form and the API.

    Args:
        data: the file.

    Returns:
        the drafts, in the workbook's order.

    Raises:
        NotAllowed: the actor does not compile for an agency.
        InvalidInput: it is no workbook, or something in it is not right: ``problems`` names sheet, row, column and why.
            The caller rolls back, so that no entry of it is kept.
        TooLarge: it is more than an import takes.
    """
    if actor.agency_id is None:
        raise NotAllowed("permission.compiler", "Only an agency compiles its catalogue. Sign in as one of its people.")
    require(compile_entry(actor, actor.agency_id), "resource.drafted", f"agency/{actor.agency_id}")
    book = read_workbook(data)
    made = [version for written in book.entries if (version := _drafted(session, actor, book, written))]
    _refuse_with(book.problems)
    return made


def _drafted(session: Session, actor: Actor, book: Book, written: Written) -> ResourceVersion | None:
    try:
        return draft_resource(session, actor, written.entry, written.items)
    except InvalidInput as error:
        problems = error.problems or [{"pointer": "", "code": error.code, "message": str(error)}]
        for problem in problems:
            sheet, row, key = _place(written, problem.get("pointer", ""))
            book.problem(sheet, row, key, problem["message"], problem.get("code", error.code))
        return None


def _place(written: Written, pointer: str) -> tuple[str, int, str]:
    """Sheet, row and key of the cell that a pointer into the entry means."""
    parts = pointer.strip("/").split("/")
    if parts[0] == "items" and len(parts) > 1 and parts[1].isdigit() and int(parts[1]) < len(written.item_rows):
        key = parts[2] if len(parts) > 2 else ""
        if key == "basis":
            key = BASIS + (parts[3] if len(parts) > 3 else "kind")
        return ITEMS, written.item_rows[int(parts[1])], key
    return ENTRIES, written.row, parts[0]


def _refuse_with(problems: Sequence[Problem]) -> None:
    if problems:
        raise InvalidInput(
            "workbook.invalid",
            "The workbook has {count} mistakes. Nothing was kept. Correct the cells named below and import it again.",
            list(problems),
            count=len(problems),
        )
