"""Evidence for programs: an agency's own entries with proofs that hold, and the hashes for everybody."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.clock import system_now
from adapters.database import transaction
from adapters.settings import Settings
from audit.actor import HUB
from audit.append import append
from audit.archive.models import LogArchive
from audit.checkpoint import open_checkpoint
from audit.keys import SigningKey, VerifierKey
from audit.log_keys import log_keys, parse_log_keys
from audit.merkle import HASH_SIZE, leaf_hash
from audit.models import LogLeaf
from audit.proof import Proof, check
from audit.sequence import sequence
from audit.tiles import edge, path, tree_root, width
from tests.integration.portal.world import World, refused

NAMES_OF_KEYS = ("verifier_key", "ml_dsa_verifier_key", "promise_verifier_key")


def numbered(world: World) -> None:
    """Let the sequencer take everything that waits."""
    sequenced(world.portal.settings)


def sequenced(settings: Settings) -> None:
    """Let the sequencer take everything that waits in a database."""
    key = SigningKey.from_setting(settings.log_origin, settings.log_key)
    own = create_engine(settings.sequencer_database_url, poolclass=NullPool)
    with Session(own) as session:
        while sequence(session, key, settings.log_origin):
            session.commit()
    own.dispose()


def expired(session: Session, entry_id: uuid.UUID) -> None:
    """Have what a numbered entry says, and all before it, lie in an archive whose period of keeping is over.

    Args:
        session: of the owner.
    """
    index, now = session.query(LogLeaf).filter_by(evidence_id=entry_id).one().leaf_index, system_now()
    session.execute(text("DELETE FROM evidence_text WHERE evidence_id = :id"), {"id": entry_id})
    ended = {"archived_at": now - timedelta(days=2_000), "retain_until": now, "expired_at": now}
    file = {"digest": "0" * 64, "key": "log/archive/000000", "version": "1", "header_bytes": 1, "bytes": 1}
    session.add(LogArchive(number=0, first_index=0, end_index=index + 1, **file, **ended))


def listed(client: FlaskClient, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/evidence", query_string={"limit": 200, **query})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def test_an_agency_reads_its_own_entries_and_its_cases(world: World) -> None:
    asks, gives = world.case.requester.credit_code, world.case.provider.credit_code
    mine = listed(world.asks)
    assert {one["agency"] for one in mine} == {asks}
    assert {"application.drafted", "application.form_generated"} <= {one["kind"] for one in mine}
    assert [one["recorded_at"] for one in mine] == sorted((one["recorded_at"] for one in mine), reverse=True)
    matter = f"application/{world.application.id}"
    for side in (world.asks, world.gives):
        assert {one["agency"] for one in listed(side, matter=matter)} == {asks, gives}
    assert listed(world.stranger) == []
    assert refused(world.stranger.get("/api/v1/evidence", query_string={"matter": matter})) == (
        403,
        "permission.evidence",
    )
    for unknown in ("application/x", f"application/{uuid.uuid4()}", "dispute/1"):
        assert refused(world.asks.get("/api/v1/evidence", query_string={"matter": unknown}))[0] == 403
    assert refused(world.portal.test_client().get("/api/v1/evidence"))[0] == 401


def test_entries_are_found_by_kind_subject_and_time(world: World) -> None:
    subject = f"application/{world.application.id}"
    assert {one["kind"] for one in listed(world.asks, kind="application.form_generated")} == {
        "application.form_generated"
    }
    assert len(listed(world.asks, kind="application.")) == len(listed(world.asks, subject=subject)) == 2
    [made] = listed(world.asks, kind="application.form_generated")
    moment = datetime.fromisoformat(made["recorded_at"])
    later = (moment + timedelta(microseconds=1)).isoformat()
    kinds = {"kind": "application."}
    assert [one["kind"] for one in listed(world.asks, **kinds, to=moment.isoformat())] == ["application.drafted"]
    assert listed(world.asks, **kinds, **{"from": moment.isoformat()}) == [made]
    assert listed(world.asks, **kinds, **{"from": later}) == []
    assert len(listed(world.asks, **kinds, to=later)) == 2
    for wrong in ("x", "2026-11-22", "2026-11-22T00:00:00", "0001-01-01T00:00:00+14:00", "99999"):
        for field in ("from", "to"):
            answer = world.asks.get("/api/v1/evidence", query_string={field: wrong})
            assert refused(answer) == (400, "evidence.bad_moment"), wrong


def test_an_entry_comes_with_a_proof_that_holds_without_the_hub(world: World) -> None:
    [first] = listed(world.asks, kind="application.form_generated")
    there = f"/api/v1/evidence/{first['id']}"
    waiting = world.asks.get(there).get_json()
    assert (waiting["index"], waiting["proof"]) == (None, None)
    numbered(world)
    shown = world.asks.get(there).get_json()
    keys = world.portal.test_client().get("/api/v1/keys").get_json()["log"]
    known = parse_log_keys(" ".join(keys[name] for name in NAMES_OF_KEYS))
    proof = Proof.parse(shown["proof"])
    assert proof.index == shown["index"]
    check(proof, shown["entry"].encode(), known)
    assert known == log_keys(world.portal.settings)
    assert str(world.application.id) in shown["entry"]
    assert world.gives.get(there).get_json() == shown
    assert refused(world.stranger.get(there)) == (403, "permission.evidence")
    assert refused(world.asks.get(f"/api/v1/evidence/{uuid.uuid4()}")) == (404, "evidence.unknown")
    assert refused(world.portal.test_client().get(there))[0] == 401


def test_an_expired_entry_is_answered_with_what_is_left_of_it(world: World) -> None:
    [first] = listed(world.asks, kind="application.form_generated")
    there = f"/api/v1/evidence/{first['id']}"
    numbered(world)
    whole = world.asks.get(there).get_json()
    assert (whole["gone"], whole["leaf_hash"]) == (None, leaf_hash(whole["entry"].encode()).hex())
    with transaction(world.portal.settings.database_url) as session:
        expired(session, uuid.UUID(first["id"]))
    answer = world.asks.get(there)
    assert answer.status_code == 200
    left = answer.get_json()
    assert left["gone"]["code"] == "evidence.archive_expired"
    assert "was deleted when its period of keeping was over" in left["gone"]["detail"]
    assert left == whole | {"entry": None, "gone": left["gone"]}, "number, hash and proof as before"
    assert refused(world.stranger.get(there)) == (403, "permission.evidence")


def test_everybody_recomputes_the_logs_root_from_its_tiles(world: World) -> None:
    anybody = world.portal.test_client()
    assert refused(anybody.get("/api/v1/log/checkpoint")) == (404, "log.empty")
    for number in range(300):
        append(world.session, "test.written", f"test/{number}", HUB)
    world.session.commit()
    numbered(world)
    keys = anybody.get("/api/v1/keys").get_json()["log"]
    noted = anybody.get("/api/v1/log/checkpoint")
    assert noted.content_type == "text/plain; charset=utf-8"
    checkpoint = open_checkpoint(noted.get_data(as_text=True), VerifierKey.parse(keys["verifier_key"]), keys["origin"])
    assert checkpoint.size > 300

    def tile(level: int, number: int) -> bytes:
        wide = width(level, number, checkpoint.size)
        answer = anybody.get(f"/api/v1/log/{path(level, number, wide)}")
        assert answer.status_code == 200
        assert len(answer.get_data()) == wide * HASH_SIZE
        return answer.get_data()

    assert edge(checkpoint.size) == [(0, 1), (1, 0)]
    assert tree_root(checkpoint.size, tile) == checkpoint.root
    whole = anybody.get("/api/v1/log/tile/0/000")
    assert "immutable" in whole.headers["Cache-Control"]
    part = anybody.get("/api/v1/log/tile/0/000.p/7")
    assert (part.get_data(), part.headers["Cache-Control"]) == (whole.get_data()[: 7 * HASH_SIZE], "no-store")


@pytest.mark.parametrize(
    "name", ["0/000", "0/000.p/0", "0/x000/000", "63/000", "99/000", "entries/000", "0/x999/x999/x999/x999/x999/999"]
)
def test_tiles_that_are_not_there_are_said_so(world: World, name: str) -> None:
    assert refused(world.portal.test_client().get(f"/api/v1/log/tile/{name}")) == (404, "log.no_tile")
