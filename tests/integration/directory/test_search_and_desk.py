"""Finding entries, counting them by facet, and what waits on an agency's desk."""

import pytest
from sqlalchemy.orm import Session

from adapters.errors import InvalidInput
from audit.actor import NOBODY
from directory.catalogue import desk
from directory.catalogue.models import ResourceVersion, SecrecyReview
from directory.catalogue.search import CatalogueQuery, facets, search, total
from directory.people.roles import Role
from tests import factories
from tests.factories import items, not_shared, on_request, published_resource


@pytest.fixture
def catalogue(session: Session) -> list[ResourceVersion]:
    civil, market = factories.agency(session, "民政局"), factories.agency(session, "市场监管局")
    return [
        published_resource(session, civil, name="行政区划代码", theme="POPULATION"),
        published_resource(session, civil, items(2, **on_request()), name="婚姻登记100%_数据", update_cycle="DAILY"),
        published_resource(session, market, items(2, name="企业名称", **on_request()), name="法人库"),
        published_resource(session, market, items(1, **not_shared()), name="执法案卷"),
        factories.version(session, market, "DRAFT", name="尚未公布的草稿"),
        factories.version(session, market, "WITHDRAWN", name="撤销的目录", published_at=None),
    ]  # fmt: skip


def names(session: Session, query: CatalogueQuery, roles: str = "REQUESTER") -> set[str]:
    asker = factories.official(session, factories.agency(session), roles)
    found = {version.name for version in search(session, asker, query).items}
    assert len(found) == total(session, asker, query)
    return found


def test_words_are_found_inside_words(session: Session, catalogue: list[ResourceVersion]) -> None:
    assert names(session, CatalogueQuery()) == {"行政区划代码", "婚姻登记100%_数据", "法人库", "执法案卷"}
    assert names(session, CatalogueQuery(text="区划")) == {"行政区划代码"}
    assert names(session, CatalogueQuery(text="企业名称")) == {"法人库"}
    assert names(session, CatalogueQuery(text="FIELD_2")) >= {"行政区划代码"}
    assert names(session, CatalogueQuery(text="100%_")) == {"婚姻登记100%_数据"}
    assert names(session, CatalogueQuery(text="%")) == {"婚姻登记100%_数据"}
    assert names(session, CatalogueQuery(text="\\")) == set()
    assert names(session, CatalogueQuery(text="\x00")) == names(session, CatalogueQuery())
    assert names(session, CatalogueQuery(text=catalogue[0].resource.code)) == {"行政区划代码"}


def test_drafts_are_found_by_their_agency_and_the_regulator(session: Session, catalogue: list[ResourceVersion]) -> None:
    every = CatalogueQuery(state=())
    assert "尚未公布的草稿" not in names(session, every)
    assert "尚未公布的草稿" in names(session, every, "REGULATOR")
    own = factories.official(session, catalogue[4].resource.agency, Role.COMPILER)
    assert {version.name for version in search(session, own, every).items} >= {"尚未公布的草稿", "撤销的目录"}
    assert search(session, NOBODY, CatalogueQuery(state=("DRAFT",))).items == ()
    client = factories.client(session, catalogue[4].resource.agency)
    assert search(session, client, CatalogueQuery(state=("DRAFT",))).items == ()


def test_every_count_is_what_a_click_finds(session: Session, catalogue: list[ResourceVersion]) -> None:
    asker = factories.official(session, catalogue[0].resource.agency, Role.REQUESTER)
    for query in (CatalogueQuery(), CatalogueQuery(share_attribute=("ON_REQUEST",)), CatalogueQuery(text="法人")):
        for name, values in facets(session, asker, query).items():
            for facet in values:
                value = facet.value
                chosen = {
                    "agency_id": lambda v: next(
                        a.resource.agency_id for a in catalogue if str(a.resource.agency_id) == v
                    )
                }
                narrowed = chosen[name](value) if name in chosen else value
                fields = {**query.__dict__, name: (narrowed,)}
                assert total(session, asker, CatalogueQuery(**fields)) == facet.count
    agencies = facets(session, asker, CatalogueQuery())["agency_id"]
    assert {(facet.label, facet.count) for facet in agencies} == {("民政局", 2), ("市场监管局", 2)}


@pytest.mark.parametrize("sort", ["newest", "name", "code"])
def test_every_order_pages_through_all_once(session: Session, sort: str) -> None:
    bureau = factories.agency(session)
    made = [published_resource(session, bureau, name=f"目录{number % 4}").id for number in range(9)]
    asker = factories.official(session, bureau, Role.REQUESTER)
    found, cursor = [], None
    while True:
        page = search(session, asker, CatalogueQuery(sort=sort), cursor=cursor, limit=4)
        found += [version.id for version in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(found) == sorted(made)
    with pytest.raises(InvalidInput):
        search(session, asker, CatalogueQuery(sort="random"))
    with pytest.raises(InvalidInput):
        search(session, asker, CatalogueQuery(sort=sort), cursor="AAAA")


def test_the_desk_shows_what_waits_for_whom(session: Session) -> None:
    bureau = factories.agency(session)
    author = factories.person(session, bureau, Role.COMPILER, Role.REVIEWER)
    compiler = factories.actor(bureau, author, Role.COMPILER, Role.REVIEWER)
    reviewer = factories.official(session, bureau, Role.REVIEWER, Role.SECRECY_REVIEWER)
    submitted = factories.version(session, bureau, "SUBMITTED", compiled_by=author.id)
    returned = factories.version(session, bureau, "RETURNED", compiled_by=author.id)
    approved = factories.version(session, bureau, "APPROVED", compiled_by=author.id)
    factories.version(session, factories.agency(session), "SUBMITTED")
    assert desk.waiting_for_review(session, reviewer).items == (submitted,)
    assert desk.waiting_for_review(session, compiler).items == ()
    assert desk.waiting_for_secrecy_review(session, reviewer).items == (submitted,)
    assert desk.waiting_for_publication(session, compiler).items == (approved,)
    assert desk.returned(session, compiler).items == (returned,)
    assert {version.id for version in desk.entries(session, compiler).items} == {submitted.id, returned.id, approved.id}
    assert desk.entries(session, compiler, state="RETURNED").items == (returned,)
    approved.revision = 2
    session.flush()
    assert desk.waiting_for_publication(session, compiler).items == ()
    assert set(desk.waiting_for_secrecy_review(session, reviewer).items) == {submitted, approved}
    session.add(SecrecyReview(version_id=approved.id, reviewer_id=author.id, revision=2, passed=False, document="2号"))
    session.flush()
    assert desk.waiting_for_publication(session, compiler).items == ()
