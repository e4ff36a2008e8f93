"""Promises go out with every answer that leaves evidence, and an entry erased behind the hub's back breaks one."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from click.testing import CliRunner, Result
from psycopg.sql import SQL, Identifier
from sqlalchemy import select

from adapters.clock import system_now
from adapters.services.databases import connect
from audit.keys import VerifierKey
from audit.log_keys import log_keys
from audit.models import Evidence
from audit.promise import Promise, open_promise, promised_term
from portal.cli.main import shuniu
from tests.integration.portal.test_api_evidence import numbered
from tests.integration.portal.world import World, refused


class Quiet(WSGIRequestHandler):
    """Answers without writing a line for each request."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def address(world: World) -> Iterator[str]:
    """The hub, served on a port of its own."""
    with make_server("127.0.0.1", 0, world.portal, handler_class=Quiet) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def key_of(world: World) -> VerifierKey:
    return log_keys(world.portal.settings).promise_key


def promise_in(world: World, answer: Any) -> Promise:
    data = answer.headers["Shuniu-Promise"].encode()
    return open_promise(data, key_of(world), world.portal.settings.log_origin)


def leaf_of(world: World, kind: str) -> bytes:
    world.session.rollback()
    return world.session.scalars(
        select(Evidence.leaf_hash).where(Evidence.kind == kind).order_by(Evidence.recorded_at.desc())
    ).all()[0]


def checked(world: World, *arguments: object) -> Result:
    given = ["audit", "check", "--key", str(log_keys(world.portal.settings)), *map(str, arguments)]
    return CliRunner().invoke(shuniu, given)


def test_answers_refusals_and_deliveries_promise_their_own_entries(world: World) -> None:
    each_answer_promises_its_own_entry(world)
    refusals_are_promised_and_what_leaves_no_evidence_is_not(world)
    a_request_for_a_delivery_is_promised_and_its_answer_repeats_it(world)


def each_answer_promises_its_own_entry(world: World) -> None:
    before = system_now()
    first, second = world.look_up(world.asks), world.look_up(world.asks)
    promises = [promise_in(world, answer) for answer in (first, second)]
    assert promises[1].leaves == (leaf_of(world, "release.completed"),) != promises[0].leaves
    assert before <= promises[0].made_at <= promises[1].made_at <= system_now()
    assert {each.due_by - each.made_at for each in promises} == {promised_term(world.portal.settings)}


def refusals_are_promised_and_what_leaves_no_evidence_is_not(world: World) -> None:
    shut = world.look_up(world.asks, purpose="营销")
    assert refused(shut) == (403, "release.other_purpose")
    assert promise_in(world, shut).leaves == (leaf_of(world, "release.refused"),)
    other = world.stranger.get("/api/v1/evidence", query_string={"matter": f"application/{world.application.id}"})
    assert refused(other) == (403, "permission.evidence")
    assert promise_in(world, other).leaves == (leaf_of(world, "access.refused"),)
    for silent in (world.asks.get("/api/v1/grants"), world.asks.get("/api/v1/log/tile/0/999")):
        assert "Shuniu-Promise" not in silent.headers


def a_request_for_a_delivery_is_promised_and_its_answer_repeats_it(world: World) -> None:
    body = {
        "grant_id": str(world.granted.id),
        "mode": "FILES",
        "format": "CSV",
        "purpose": world.granted.purpose,
        "matter": "办件-17",
    }
    made = world.asks.post("/api/v1/deliveries", json=body, headers={"Idempotency-Key": "a"})
    assert made.status_code == 201, made.get_data(as_text=True)
    assert promise_in(world, made).leaves == (leaf_of(world, "delivery.requested"),)
    repeated = world.asks.post("/api/v1/deliveries", json=body, headers={"Idempotency-Key": "a"})
    assert repeated.headers["Idempotency-Replayed"] == "true"
    assert promise_in(world, repeated).leaves == promise_in(world, made).leaves
    assert promise_in(world, repeated).made_at <= promise_in(world, made).made_at
    shown = world.asks.get(made.headers["Location"]).get_json()["promise"].encode()
    again = world.asks.get(made.headers["Location"]).get_json()["promise"].encode()
    assert shown == again
    settings = world.portal.settings
    told = open_promise(shown, key_of(world), settings.log_origin)
    assert told.leaves == promise_in(world, made).leaves


def test_the_hub_is_asked_and_an_erased_entry_breaks_the_promise(
    world: World, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, erased = tmp_path / "kept", tmp_path / "erased"
    kept.write_text(world.look_up(world.asks).headers["Shuniu-Promise"])
    erased.write_text(world.look_up(world.asks).headers["Shuniu-Promise"])
    numbered(world)
    assert (found := checked(world, kept, erased, "--log", address)).exit_code == 0, found.output

    erased.write_text(world.look_up(world.asks).headers["Shuniu-Promise"])
    assert erase(world, leaf_of(world, "release.completed")) == 1
    world.look_up(world.asks)
    numbered(world)
    early = checked(world, erased, "--log", address)
    assert (early.exit_code, "not due yet" in early.output) == (3, True), early.output
    later = system_now() + promised_term(world.portal.settings) + timedelta(seconds=1)
    monkeypatch.setattr("portal.cli.audit.system_now", lambda: later)
    broken = checked(world, kept, erased, "--log", address)
    assert (broken.exit_code, f"{kept}: kept" in broken.output, f"{erased}: BROKEN" in broken.output) == (1, True, True)
    note = tmp_path / "checkpoint"
    note.write_bytes(world.asks.get("/api/v1/log/checkpoint").get_data())
    for given in ((kept,), (kept, note)):
        told = checked(world, *given, "--log", address)
        assert (told.exit_code, "as promised" in told.output) == (0, True), told.output


def erase(world: World, leaf: bytes) -> int:
    """Remove a waiting entry and all that points to it, as a database administrator could."""
    with connect(world.portal.settings.database_url) as connection:
        [found] = connection.execute("SELECT id FROM evidence WHERE leaf_hash = %s", [leaf]).fetchall()
        for table in ("evidence_queue", "evidence_personal", "evidence_text", "release"):
            connection.execute(SQL("DELETE FROM {} WHERE evidence_id = %s").format(Identifier(table)), [found[0]])
        return connection.execute("DELETE FROM evidence WHERE id = %s", [found[0]]).rowcount
