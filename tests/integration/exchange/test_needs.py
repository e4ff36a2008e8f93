"""Needs: raised for what is not shared, accepted, or refused with a basis."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from adapters.errors import Conflict, InvalidInput, NotAllowed, NotFound
from exchange.needs import queries
from exchange.needs.answer import accept, refuse
from exchange.needs.models import Need
from exchange.needs.raise_need import raise_need
from exchange.needs.withdraw import withdraw
from tests import factories
from tests.integration.exchange.conftest import BASIS, Case


def raised(case: Case, **changes: Any) -> Need:
    values: dict[str, Any] = {
        "provider_id": case.provider.id,
        "resource_id": case.version.resource_id,
        "description": "法人的实际控制人",
        "purpose": "风险核查",
        "duty": "税收征收管理法第六条",
    }
    return raise_need(case.session, case.asks, **(values | changes))


def test_a_need_is_numbered_and_lies_before_the_provider(case: Case) -> None:
    need = raised(case)
    assert (need.number, need.state) == (f"{case.requester.short_code}-XQ-2026-0001", "RAISED")
    assert [row.id for row in queries.to_provider(case.session, case.answers, state="RAISED").items] == [need.id]
    assert [row.id for row in queries.mine(case.session, case.asks).items] == [need.id]
    accept(case.session, case.answers, need.id, answer="将于下月编目")
    assert need.state == "ACCEPTED"
    assert case.kinds()[-2:] == ["need.raised", "need.answered"]


def test_it_may_be_about_what_is_not_catalogued(case: Case) -> None:
    assert raised(case, resource_id=None).resource_id is None


def test_a_refusal_names_law_regulation_or_rule(case: Case) -> None:
    need = raised(case)
    for basis in (None, BASIS | {"kind": "OTHER"}, BASIS | {"document": "敏感"}):
        with pytest.raises(InvalidInput) as caught:
            refuse(case.session, case.answers, need.id, answer="不宜", basis=basis)
        assert caught.value.problems
    refuse(case.session, case.answers, need.id, answer="法律禁止", basis=BASIS)
    assert [need.state, need.answer_basis] == ["REFUSED", BASIS]
    with pytest.raises(Conflict):
        accept(case.session, case.answers, need.id, answer="改为同意")


def test_what_is_shared_is_applied_for(case: Case) -> None:
    shared = factories.published_resource(case.session, case.provider)
    with pytest.raises(Conflict) as caught:
        raised(case, resource_id=shared.resource_id)
    assert caught.value.code == "need.apply_instead"


def test_state_secrets_own_data_and_strange_entries_are_turned_away(case: Case) -> None:
    with pytest.raises(NotAllowed) as caught:
        raised(case, provider_id=case.requester.id, resource_id=None)
    assert caught.value.code == "permission.own_data"
    with pytest.raises(NotFound):
        raised(case, provider_id=uuid.uuid4(), resource_id=None)
    with pytest.raises(NotFound):
        raised(case, resource_id=uuid.uuid4())
    case.version.secrecy_level = "STATE_SECRET"
    case.session.flush()
    with pytest.raises(NotAllowed) as caught:
        raised(case)
    assert caught.value.code == "need.state_secret"


@pytest.mark.parametrize("missing", ["description", "purpose", "duty"])
def test_every_statement_is_needed(case: Case, missing: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        raised(case, **{missing: " "})
    assert caught.value.problems[0]["pointer"] == f"/{missing}"


def test_all_that_is_missing_is_named_at_once(case: Case) -> None:
    with pytest.raises(InvalidInput) as caught:
        raised(case, description="", purpose=" ", duty="")
    assert [each["pointer"] for each in caught.value.problems] == ["/description", "/purpose", "/duty"]
    with pytest.raises(InvalidInput) as caught:
        refuse(case.session, case.answers, raised(case).id, answer="", basis=None)
    assert [each["pointer"] for each in caught.value.problems] == ["/answer", "/basis"]


def test_only_the_two_sides_act(case: Case) -> None:
    need = raised(case)
    third = factories.official(case.session, factories.agency(case.session), "ANSWERER", "REQUESTER")
    steps: list[Callable[[], object]] = [
        lambda: accept(case.session, third, need.id, answer="替答"),
        lambda: accept(case.session, case.asks, need.id, answer="自答"),
        lambda: withdraw(case.session, third, need.id, reason="替撤"),
        lambda: queries.detail(case.session, third, need.id),
    ]
    for step in steps:
        with pytest.raises(NotAllowed):
            step()
    withdraw(case.session, case.asks, need.id, reason="不再需要")
    assert need.state == "WITHDRAWN"
    with pytest.raises(Conflict):
        refuse(case.session, case.answers, need.id, answer="法律禁止", basis=BASIS)
