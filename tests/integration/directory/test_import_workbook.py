"""Importing workbooks: drafts as the form makes them, or a report by row and nothing kept."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.errors import InvalidInput, NotAllowed
from audit.models import Evidence
from directory.catalogue.compile import draft_resource
from directory.catalogue.content import entry_of, items_of
from directory.catalogue.import_workbook import import_workbook
from directory.catalogue.models import ResourceVersion, VersionState
from directory.catalogue.workbook_columns import ENTRIES, ITEMS
from tests import factories
from tests.unit.directory.test_read_workbook import filled

ENTRY = {
    "number": 1,
    "name": "法人登记信息",
    "abstract": "在本市登记的法人及其状态",
    "keywords": "法人、登记",
    "resource_class": "DEPARTMENT",
    "classification_code": "307004",
    "format": "DATABASE",
    "update_cycle": "MONTHLY",
    "subject_kind": "OTHER",
    "modes": "FILES",
    "secrecy_level": "NON_SECRET",
    "network": "GOVERNMENT_EXTRANET",
    "ground": "BASIC_DATA",
}
ITEM = {
    "number": 1,
    "name": "登记编号",
    "field_name": "code",
    "data_type": "CHARACTER",
    "length": 20,
    "nullable": "否",
    "is_key": "是",
    "share_attribute": "UNIVERSAL",
    "open_attribute": "NOT_OPEN",
    "sensitivity": "NONE",
}
OTHER = ITEM | {"name": "状态", "field_name": "status", "is_key": None}


def test_a_workbook_gives_the_drafts_that_the_form_gives(session: Session) -> None:
    agency = factories.agency(session)
    actor = factories.official(session, agency, "COMPILER")
    second = ENTRY | {"number": 2, "name": "法人年报信息"}
    first, other = import_workbook(session, actor, filled([ENTRY, second], [ITEM, OTHER, ITEM | {"number": 2}]))
    entry = {key: value for key, value in ENTRY.items() if key != "number"}
    entry |= {"keywords": ["法人", "登记"], "modes": ["FILES"]}
    items = [{**ITEM, "nullable": False, "is_key": True}, {**OTHER, "nullable": False, "is_key": False}]
    by_form = draft_resource(session, actor, entry, items)
    assert (entry_of(first), items_of(first)) == (entry_of(by_form), items_of(by_form))
    assert (first.state, other.name, len(other.items)) == (VersionState.DRAFT, "法人年报信息", 1)
    kinds = select(func.count()).select_from(Evidence).where(Evidence.kind == "resource.drafted")
    assert session.scalar(kinds) == 3


def test_every_mistake_is_named_by_its_cell_and_nothing_is_kept(session: Session) -> None:
    actor = factories.official(session, factories.agency(session), "COMPILER")
    session.commit()
    wrong = ENTRY | {"number": 2, "update_cycle": "有时", "name": "法人年报信息", "system_name": "没有的系统"}
    secret = ITEM | {"number": 2, "share_attribute": "NO_SHARING", "basis_document": "法"}
    with pytest.raises(InvalidInput) as error:
        import_workbook(session, actor, filled([ENTRY, wrong], [ITEM, OTHER, secret]))
    session.rollback()
    assert error.value.code == "workbook.invalid"
    places = {(p["sheet"], p["row"], p["column"]) for p in error.value.problems}
    assert (ENTRIES, "4", "J") in places
    assert {(sheet, row) for sheet, row, _ in places} == {(ENTRIES, "4"), (ITEMS, "5")}
    assert any(column >= "R" for sheet, _, column in places if sheet == ITEMS)
    assert session.scalar(select(func.count()).select_from(ResourceVersion)) == 0


def test_only_compilers_import(session: Session) -> None:
    actor = factories.official(session, factories.agency(session), "REVIEWER")
    with pytest.raises(NotAllowed):
        import_workbook(session, actor, filled([ENTRY], [ITEM]))
