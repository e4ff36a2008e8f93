"""What a process remembers between interface calls opens nothing: whatever changed since shows in the next answer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from adapters.clock import CaseClock, system_now
from adapters.errors import Transient
from adapters.serving import Serving, table_name
from directory.agencies.models import Agency
from directory.catalogue.models import DataItem, ResourceVersion
from directory.datasets.models import DatasetState, DatasetVersion
from directory.people.models import ApiClient, ApiToken
from exchange.agreements.models import Agreement
from exchange.grants.models import Grant, ReleaseRecord
from exchange.grants.suspend import suspend
from portal.access import declaration
from portal.edge import Portal
from tests.integration.portal.world import LOADED, World, refused

Change = Callable[[World], Any]
EXPECTED_ROWS = [{"ask_2": "b", "ask_3": "2"}, {"ask_2": "b", "ask_3": "3"}]


def _tokens(world: World, **values: Any) -> None:
    world.session.execute(update(ApiToken).values(**values))


def _grant(world: World, **values: Any) -> None:
    world.session.execute(update(Grant).where(Grant.id == world.granted.id).values(**values))


def _newer(world: World) -> None:
    """Data loaded anew, in which the second row is gone."""
    newer = DatasetVersion(
        resource_id=world.dataset.resource_id,
        resource_version_id=world.dataset.resource_version_id,
        number=2,
        state=DatasetState.SERVED,
        location="lake/x",
        delta_version=1,
    )
    world.session.add(newer)
    world.session.flush()
    newer.serving_table = table_name(newer.id)
    Serving.of(world.portal.settings).load(newer.serving_table, LOADED.schema, LOADED.slice(2).to_batches(), ["ask_2"])


def _masked(world: World) -> None:
    """A version in force that masks what the granted one shows."""
    session, first = world.session, world.case.version
    session.execute(update(ResourceVersion).where(ResourceVersion.id == first.id).values(state="SUPERSEDED"))
    columns = [column.key for column in ResourceVersion.__table__.columns if column.key not in ("id", "lock_version")]
    second = ResourceVersion(**{name: getattr(first, name) for name in columns} | {"number": 2, "state": "PUBLISHED"})
    kept = [column.key for column in DataItem.__table__.columns if column.key not in ("id", "version_id")]
    second.items = [DataItem(**{name: getattr(item, name) for name in kept}) for item in first.items]
    next(item for item in second.items if item.field_name == "ask_3").masking = "HASH"
    session.add(second)


SHUT: dict[str, tuple[Change, tuple[int, str]]] = {
    "token lapsed": (lambda w: _tokens(w, expires_at=system_now() - timedelta(seconds=1)), (401, "access.sign_in")),
    "program revoked": (
        lambda w: w.session.execute(update(ApiClient).values(revoked_at=system_now())),
        (401, "access.sign_in"),
    ),
    "agency dissolved": (
        lambda w: w.session.execute(
            update(Agency).where(Agency.id == w.case.requester.id).values(valid_to=w.granted.valid_from)
        ),
        (401, "access.sign_in"),
    ),
    "suspended": (
        lambda w: suspend(w.session, w.case.answers, w.granted.id, reason="核查"),
        (403, "release.not_active"),
    ),
    "term over": (
        lambda w: w.session.merge(CaseClock(id=1, offset_seconds=10 * 366 * 86_400)),
        (403, "release.out_of_term"),
    ),
    "other purpose": (
        lambda w: w.session.execute(text("UPDATE access_grant SET purpose = 'x'")),
        (403, "release.other_purpose"),
    ),
    "other mode": (lambda w: _grant(w, modes=["FILES"]), (403, "release.mode")),
    "used up": (lambda w: _grant(w, quota_rows=2, used_rows=2), (403, "release.quota")),
    "no data": (
        lambda w: w.session.execute(update(DatasetVersion).values(serving_table=None)),
        (403, "release.no_data"),
    ),
}


@pytest.mark.parametrize("name", SHUT)
def test_what_shuts_the_door_shuts_it_for_who_was_let_in_before(world: World, name: str) -> None:
    change, said = SHUT[name]
    assert world.look_up(world.asks).get_json()["rows"] == EXPECTED_ROWS
    change(world)
    world.session.commit()
    assert refused(world.look_up(world.asks)) == said
    assert len(world.evidence("release.completed")) == 1
    known = 1 if said[0] == 403 else 0
    assert len(world.evidence("release.refused")) == known


def test_an_agreement_that_lapses_ends_the_answers(world: World) -> None:
    world.case.granted(["ask_2", "ask_4"])
    agreement = world.case.sign_both(world.session.scalars(select(Agreement)).one())
    _grant(world, agreement_id=agreement.id)
    world.session.commit()
    assert world.look_up(world.asks).status_code == 200
    agreement.valid_to = world.granted.valid_from - timedelta(days=1)
    world.session.commit()
    assert refused(world.look_up(world.asks)) == (403, "release.no_agreement")


def test_answers_follow_what_is_loaded_masked_and_granted(world: World) -> None:
    assert world.look_up(world.asks).get_json()["rows"] == EXPECTED_ROWS
    _newer(world)
    world.session.commit()
    answer = world.look_up(world.asks).get_json()
    assert (answer["dataset_version"], answer["rows"]) == (2, EXPECTED_ROWS[1:])
    _masked(world)
    world.session.commit()
    [row] = world.look_up(world.asks).get_json()["rows"]
    assert row["ask_2"] == "b"
    assert row["ask_3"] not in ("2", "3")
    _grant(world, items=["ask_2"])
    world.session.commit()
    assert world.look_up(world.asks).get_json()["rows"] == [{"ask_2": "b"}]
    assert [one.rows for one in world.session.scalars(select(ReleaseRecord))] == [2, 1, 1, 1]


def test_a_quota_that_is_given_later_is_kept(world: World) -> None:
    assert world.look_up(world.asks).status_code == 200
    _grant(world, quota_rows=3)
    world.session.commit()
    assert [len(world.look_up(world.asks).get_json().get("rows", [])) for _ in range(3)] == [2, 1, 0]


def test_entries_name_the_agency_as_it_is_now(world: World, portal: Portal) -> None:
    assert world.look_up(world.asks).status_code == 200
    new_code = "11310000MB2F30414T"
    world.session.execute(update(Agency).where(Agency.id == world.case.requester.id).values(credit_code=new_code))
    world.session.commit()
    assert world.look_up(world.asks).status_code == 200
    assert world.evidence("release.completed")[1]["data"]["actor"]["agency"] == new_code


def _revoke(world: World) -> None:
    world.session.execute(update(ApiClient).values(revoked_at=system_now()))
    world.session.commit()


def _records(world: World) -> str:
    return f"/api/v1/grants/{world.granted.id}/records"


def test_no_other_route_remembers_its_caller(portal: Portal) -> None:
    """A route that does so has to prove it in the statement that counts."""
    single = {name for name in portal.view_functions if (rule := declaration(portal, name)) and rule.single}
    assert single == {"api_records.find"}


@pytest.mark.parametrize(
    "ask",
    [
        lambda w: w.asks.options(_records(w)),
        lambda w: w.asks.post(_records(w), data=b"x" * 9_000_000, content_type="application/json"),
        lambda w: w.asks.post(_records(w), data=b"x", content_type="text/plain"),
        lambda w: w.look_up(w.asks, key={"ask_9": "b"}),
        lambda w: w.look_up(w.asks, limit="many"),
        lambda w: w.look_up(w.stranger, key={"ask_9": "b"}),
    ],
    ids=["options", "too large", "no JSON", "no item", "no contract", "not its grant"],
)
def test_a_revoked_program_is_told_that_alone(world: World, ask: Callable[[World], Any]) -> None:
    for client in (world.asks, world.stranger):
        world.look_up(client)
    _revoke(world)
    assert refused(ask(world)) == (401, "access.sign_in")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"purpose": "別的"}, (403, "release.other_purpose")),
        ({"items": ["kept_5"]}, (403, "release.items")),
        ({"key": {"kept_5": "b"}}, (403, "release.key")),
        ({"limit": 0}, (422, "input.contract")),
    ],
)
def test_a_remembered_caller_is_refused_once_and_like_any(
    world: World, changes: dict[str, Any], said: tuple[int, str]
) -> None:
    recorded = 1 if said[0] == 403 else 0
    for calls in (1, 2):
        assert refused(world.look_up(world.asks, **changes)) == said
        assert len(world.evidence("release.refused")) == recorded * calls
    assert not world.evidence("access.refused")
    assert not world.evidence("release.completed")


def test_a_serving_database_that_does_not_answer_is_asked_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.look_up(world.asks).status_code == 200
    asked: list[str] = []

    def silent(_: Serving, table: str, *more: object) -> None:
        asked.append(table)
        raise Transient("serving.failed", "It did not answer.")

    monkeypatch.setattr(Serving, "look_up", silent)
    assert refused(world.look_up(world.asks)) == (503, "serving.failed")
    assert len(asked) == 1
    _revoke(world)
    assert refused(world.look_up(world.asks)) == (401, "access.sign_in")


def test_a_table_that_is_gone_is_looked_for_anew(world: World) -> None:
    assert world.look_up(world.asks).status_code == 200
    former = world.dataset.serving_table
    _newer(world)
    world.session.commit()
    assert former is not None
    Serving.of(world.portal.settings).drop(former)
    assert world.look_up(world.asks).get_json()["rows"] == EXPECTED_ROWS[1:]


def test_every_call_reads_its_own_body(world: World, portal: Portal) -> None:
    with portal.app_context():
        assert len(world.look_up(world.asks).get_json()["rows"]) == 2
        assert len(world.look_up(world.asks, key={"ask_2": "a"}).get_json()["rows"]) == 1
