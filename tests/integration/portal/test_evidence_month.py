"""What an agency took in a month, as its page shows it and as its file holds it: refusals too."""

import csv
import uuid
from collections.abc import Callable

import pytest

from audit.actor import HUB
from directory.agencies.models import Agency
from directory.agencies.rename import rename_agency
from directory.people.roles import Role
from exchange.grants.models import ReleaseRecord
from schemas.words import Mode
from tests import factories
from tests.integration.portal.conftest import Browser
from tests.integration.portal.test_api_evidence import sequenced
from tests.integration.portal.test_evidence_pages import exported
from tests.integration.portal.world import World

Rows = Callable[[str, str], tuple[str, list[list[str]]]]


@pytest.fixture
def month(world: World, browser: Callable[..., Browser]) -> Rows:
    """The page of an agency's month, to a login of a role, and the rows of its export without the code."""

    def shown(code: str, login: str) -> tuple[str, list[list[str]]]:
        sequenced(world.portal.settings)
        reader = browser(login)
        reader.client.set_cookie("shuniu_language", "en")
        page = reader.get(f"/evidence/taken?agency={code}").get_data(as_text=True)
        rows = csv.reader(exported(reader.get(f"/evidence/taken?agency={code}&export=csv"))[1:])
        return page, [[row[0], *row[2:]] for row in rows]

    agency = factories.agency(world.session)
    factories.account(world.session, factories.person(world.session, agency, Role.AUDITOR), "auditor")
    world.session.commit()
    return shown


def test_a_month_of_refusals_alone_is_shown_and_exported(world: World, month: Rows) -> None:
    nowhere = f"/api/v1/grants/{uuid.uuid4()}/records"
    name, number, code = world.case.version.name, world.granted.number, world.case.requester.credit_code
    assert world.look_up(world.asks, purpose="营销").status_code == 403
    assert world.asks.post(nowhere, json=world.question()).status_code == 403
    page, rows = month(code, "auditor")
    assert rows == [
        [name, number, "", "0", "0", "0", "1"],
        ["Other grants, or none", "", "", "0", "0", "0", "1"],
    ]
    assert ("Nothing left for this agency" in page, number in page, "Other grants, or none" in page) == (
        *(False, True, True),
    )
    assert "Releases refused in this month: 2" in page


def test_refusals_are_counted_once_where_data_left_in_two_modes(world: World, month: Rows) -> None:
    assert world.look_up(world.asks).status_code == 200
    assert world.look_up(world.asks, purpose="营销").status_code == 403
    [made] = world.session.query(ReleaseRecord).all()
    copied = {column.key: getattr(made, column.key) for column in ReleaseRecord.__table__.columns}
    world.session.add(ReleaseRecord(**copied | {"id": uuid.uuid4(), "mode": Mode.FILES, "rows": 1}))
    world.session.commit()
    _page, rows = month(world.case.requester.credit_code, "auditor")
    assert [(row[1], row[2], row[4], row[6]) for row in rows] == [
        (world.granted.number, "Interface", "2", "1"),
        (world.granted.number, "File download", "1", "0"),
    ]


def test_a_grant_of_others_that_was_tried_is_not_named(world: World, month: Rows) -> None:
    assert world.look_up(world.stranger).status_code == 403
    code = world.evidence("release.refused")[0]["data"]["actor"]["agency"]
    stranger = world.session.query(Agency).filter_by(credit_code=code).one()
    factories.account(world.session, factories.person(world.session, stranger, Role.REQUESTER), "stranger")
    world.session.commit()
    page, rows = month(code, "stranger")
    assert rows == [["Other grants, or none", "", "", "0", "0", "0", "1"]]
    assert (world.granted.number in page, world.case.version.name in page) == (False, False)


def test_refusals_under_a_former_code_are_counted_too(world: World, month: Rows) -> None:
    assert world.look_up(world.asks, purpose="营销").status_code == 403
    agency = world.case.requester
    codes = [agency.credit_code, factories.credit_code(8_000)]
    rename_agency(world.session, HUB, agency.id, name=agency.name, credit_code=codes[1])
    world.session.commit()
    assert world.look_up(world.asks, purpose="营销").status_code == 403
    assert [entry["data"]["actor"]["agency"] for entry in world.evidence("release.refused")] == codes
    for code in codes:
        _page, rows = month(code, "auditor")
        assert [(row[1], row[6]) for row in rows] == [(world.granted.number, "2")]
