"""Fetching what is prepared: each fetch is a release, and evidence says what left, to whom, and what did not."""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from io import BytesIO
from typing import Any, cast

import pytest
from flask import request as flask_request
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from adapters.clock import system_now
from adapters.database import transaction
from adapters.errors import Transient
from adapters.objects import ObjectStore, objects
from audit import salted
from audit.log_keys import log_keys
from audit.models import Evidence
from audit.opened import personal_details
from audit.promise import open_promise
from directory.people.models import Account, ApiClient, Person, SignIn
from directory.people.roles import Role
from directory.people.secrets import new_token, token_hash
from exchange.deliveries import progress, sending
from exchange.deliveries.acknowledge import acknowledge
from exchange.deliveries.address import signed_address
from exchange.deliveries.fetch import open_prepared
from exchange.deliveries.models import Delivery, FileFormat
from exchange.deliveries.request import request
from exchange.errors import ReleaseRefused
from exchange.grants.models import ReleaseRecord
from exchange.grants.suspend import suspend
from exchange.release import OPEN_FOR, ReleaseRequest, authorise, complete
from portal.access import SIGN_IN_COOKIE
from portal.app import create_app
from portal.pages import files
from schemas.words import Mode
from tests import factories
from tests.integration.portal.world import World

CONTENT = bytes(range(256)) * 4 * 1024 * 3
"""3 MiB, three pieces."""
MIB = 1 << 20
HOUR = timedelta(hours=1)


class Fetched:
    """A prepared delivery and those who fetch it."""

    def __init__(self, world: World) -> None:
        self.world = world
        actor = world.case.asks
        values: dict[str, Any] = {
            "purpose": world.granted.purpose,
            "matter": "办件-17",
            "mode": Mode.FILES,
            "format": FileFormat.CSV,
        }
        made = request(world.session, actor, grant_id=world.granted.id, **values)
        asked = ReleaseRequest(actor, Mode.FILES, made.purpose, made.matter)
        release, digest = authorise(world.session, made.grant_id, asked), hashlib.sha256(CONTENT).hexdigest()
        key = f"deliveries/{made.id}"
        store = objects(world.portal.settings)
        store.ensure_bucket()
        store.put(key, BytesIO(CONTENT))
        complete(world.session, release, rows=1, size=len(CONTENT), digest=digest)
        stored: dict[str, Any] = {
            "object_key": key,
            "file_name": "x.csv",
            "rows": 1,
            "size": len(CONTENT),
            "sha256": digest,
        }
        progress.mark_prepared(world.session, made.id, release_id=release.id, **stored)
        world.session.commit()
        self.id = made.id
        self.address = self.address_for(actor)

    def address_for(self, actor: Any) -> str:
        secret = self.world.portal.settings.secret_key
        return signed_address(secret, self.world.session.get_one(Delivery, self.id), actor, HOUR)[0]

    def get(self, asked: str = "", **more: Any) -> TestResponse:
        """The answer; its body is read when the test reads it."""
        headers = {"Range": f"bytes={asked}"} if asked else {}
        return self.world.portal.test_client().get(more.pop("address", self.address), headers=headers, **more)

    def state(self) -> str:
        self.world.session.rollback()
        self.world.session.expire_all()
        return self.world.session.get_one(Delivery, self.id).state

    def left(self) -> list[tuple[str, int]]:
        """State and bytes of each fetch, oldest first."""
        self.world.session.rollback()
        self.world.session.expire_all()
        fetches = select(ReleaseRecord).order_by(ReleaseRecord.authorised_at).offset(1)
        return [(one.state, one.bytes) for one in self.world.session.scalars(fetches)]

    def refused(self) -> list[dict[str, Any]]:
        """Entries of refused fetches."""
        return [one for one in self.world.evidence("delivery.delivered") if one["data"]["outcome"] == "REFUSED"]

    def promised(self) -> set[bytes]:
        """The leaves that the delivery's answer promises; its page promises the same."""
        settings = self.world.portal.settings
        shown = self.world.asks.get(f"/api/v1/deliveries/{self.id}").get_json()["promise"]
        return set(open_promise(shown.encode(), log_keys(settings).promise_key, settings.log_origin).leaves)

    def leaves(self, kind: str) -> list[bytes]:
        self.world.session.rollback()
        found = select(Evidence.leaf_hash).where(Evidence.kind == kind)
        return [*self.world.session.scalars(found.order_by(Evidence.recorded_at))]

    def details(self, kind: str) -> dict[str, Any]:
        """The encrypted part of the last entry of a kind."""
        last = uuid.UUID(self.world.evidence(kind)[-1]["id"])
        return personal_details(self.world.session, [last])[last]

    def delivered(self) -> list[dict[str, Any]]:
        return [entry["data"] for entry in self.world.evidence("delivery.delivered")]


@pytest.fixture
def file(world: World) -> Fetched:
    return Fetched(world)


def test_a_whole_file_is_a_release_that_charges_nothing_and_delivers(file: Fetched) -> None:
    file.world.granted.quota_rows = 1
    file.world.session.commit()
    assert file.get().get_data() == CONTENT
    assert (file.state(), file.left()) == ("DELIVERED", [("COMPLETED", len(CONTENT))])
    assert file.world.session.get_one(type(file.world.granted), file.world.granted.id).used_rows == 0
    [entry] = file.delivered()
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert (entry["after"]["bytes"], entry["after"]["rows"]) == (len(CONTENT), 1)
    opened = file.world.evidence("release.authorised")[-1]["data"]["after"]
    assert (opened["delivery"], opened["first_byte"], opened["end"]) == (str(file.id), 0, len(CONTENT))
    closed = file.world.evidence("release.completed")[-1]["data"]["after"]
    assert (closed["bytes"], closed["rows"]) == (len(CONTENT), 0)
    told = [file.details("delivery.delivered"), file.details("release.completed")]
    assert [told[0]["sha256"], told[1]["digest"]] == [digest, digest]
    stated = [salted.salted_digest(each[salted.SALT], {"sha256": digest}) for each in told]
    assert [entry["after"][salted.CONTENT], closed[salted.CONTENT]] == stated, (
        "who is given the salt can check the file"
    )
    assert stated[0] != stated[1]
    assert digest not in str([entry, *file.world.evidence("release.completed")])
    assert file.get().get_data() == CONTENT
    assert (len(file.delivered()), len(file.left())) == (1, 2)


def test_the_delivery_promises_what_its_fetch_left(file: Fetched) -> None:
    before = file.promised()
    assert file.get("0-9").get_data() == CONTENT[:10]
    part = file.promised()
    assert file.get().get_data() == CONTENT
    whole = file.promised()
    [first, second] = file.leaves("release.authorised")[-2:]
    [first_left, second_left] = file.leaves("release.completed")[-2:]
    assert part - before == {first, first_left}
    assert whole - part == {second, second_left, *file.leaves("delivery.delivered")}


def test_fetches_are_promised_after_their_texts_were_archived_and_those_of_others_never(file: Fetched) -> None:
    file.get("0-9").get_data()
    other = Fetched(file.world)
    other.get("0-9").get_data()
    [first, _made, second] = file.leaves("release.authorised")[-3:]
    assert (first in file.promised(), second in file.promised()) == (True, False)
    assert (first in other.promised(), second in other.promised()) == (False, True)
    with transaction(file.world.portal.settings.database_url) as owner:
        owner.execute(text("DELETE FROM evidence_text"))
    assert (first in file.promised(), second in other.promised()) == (True, True)


def test_what_no_byte_leaves_for_opens_no_door(file: Fetched) -> None:
    assert file.get(f"{len(CONTENT)}-").status_code == 416
    assert file.world.portal.test_client().head(file.address).headers["Content-Length"] == str(len(CONTENT))
    assert (file.state(), file.left(), file.delivered()) == ("PREPARED", [], [])


def test_a_part_is_a_release_and_no_delivery(file: Fetched) -> None:
    part = file.get("0-0")
    assert (part.status_code, part.get_data()) == (206, CONTENT[:1])
    assert (file.state(), file.left(), file.delivered()) == ("PREPARED", [("COMPLETED", 1)], [])
    with pytest.raises(Exception, match="Nothing of this delivery has arrived"):
        acknowledge(file.world.session, file.world.case.asks, file.id, accepted=True, sha256="0" * 64)


def test_parts_that_cover_the_file_deliver_it_in_any_order(file: Fetched) -> None:
    size = len(CONTENT)
    for asked in (f"{2 * MIB}-", "0-99", f"50-{MIB}"):
        file.get(asked).get_data()
        assert file.state() == "PREPARED"
    file.get(f"{MIB + 1}-{2 * MIB - 1}").get_data()
    assert file.state() == "DELIVERED"
    assert len(file.left()) == 4
    assert sum(left for _, left in file.left()) == size + 50


def piece(answer: TestResponse) -> bytes:
    """The next piece that the server takes."""
    came: bytes = next(cast(Iterator[bytes], answer.response))
    return came


def cut(answer: TestResponse, pieces: int) -> int:
    """Take some pieces and close the connection; how many bytes came."""
    taken = sum(len(piece(answer)) for _ in range(pieces))
    answer.close()
    return taken


@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_a_cut_connection_leaves_what_left_and_a_resumed_one_delivers(file: Fetched, pieces: int) -> None:
    taken = cut(file.get(), pieces)
    assert file.state() == "PREPARED"
    [(state, left)] = file.left()
    assert state == "ABORTED"
    assert taken <= left < len(CONTENT)
    assert (file.world.evidence("release.aborted")[0]["data"]["after"]["bytes"], file.delivered()) == (left, [])
    assert file.get("0-0").get_data()
    assert file.state() == "PREPARED"
    assert file.get(f"{taken}-").get_data() == CONTENT[taken:]
    assert (file.state(), len(file.delivered())) == ("DELIVERED", 1)


@pytest.mark.parametrize("given", [0, 2])
def test_a_store_that_fails_leaves_no_delivery(file: Fetched, monkeypatch: pytest.MonkeyPatch, given: int) -> None:
    chunks = ObjectStore.chunks

    def failing(*arguments: Any, **more: Any) -> Iterator[bytes]:
        for number, chunk in enumerate(chunks(*arguments, **more)):
            if number == given:
                raise Transient("objects.failed", "broken by the test")
            yield chunk

    monkeypatch.setattr(ObjectStore, "chunks", failing)
    if given == 0:
        assert file.get().status_code == 503
    else:
        with pytest.raises(Transient):
            file.get().get_data()
    assert (file.state(), file.delivered()) == ("PREPARED", [])
    assert file.left() == [("ABORTED", given * MIB)]


def test_a_fetch_that_lasts_too_long_ends_before_it_could_be_swept_and_its_rest_is_a_range(
    file: Fetched, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sending.LONGEST < OPEN_FOR
    at_once = partial(sending.Sending, longest=timedelta(0))
    with monkeypatch.context() as patched:
        patched.setattr(files, "Sending", at_once)
        answer = file.get()
    assert len(piece(answer)) == MIB
    with pytest.raises(TimeoutError):
        piece(answer)
    assert (file.state(), file.left(), file.delivered()) == ("PREPARED", [("ABORTED", MIB)], [])
    assert file.get(f"{MIB}-").get_data() == CONTENT[MIB:]
    assert file.state() == "DELIVERED"


def test_a_revocation_on_the_way_keeps_the_last_byte_back(file: Fetched) -> None:
    answer = file.get()
    assert len(piece(answer)) == MIB
    progress.revoke(file.world.session, file.world.case.answers, file.id, reason="泄露")
    file.world.session.commit()
    with pytest.raises(Exception, match="not ready"):
        answer.get_data()
    assert (file.state(), file.delivered()) == ("REVOKED", [])
    assert file.left() == [("ABORTED", len(CONTENT) - 1)]


def test_a_revocation_under_way_is_waited_for_and_counts(file: Fetched) -> None:
    """What was read of the row before the revocation was committed decides nothing."""
    engine = file.world.session.get_bind()
    with Session(engine) as fetching, Session(engine) as other:
        seen = fetching.get_one(Delivery, file.id)
        assert seen.state == "PREPARED"
        progress.revoke(other, file.world.case.answers, file.id, reason="泄露")
        other.commit()
        with pytest.raises(Exception, match="not ready"):
            open_prepared(fetching, file.world.case.asks, file.id, 0, 9)
    assert (file.state(), file.left()) == ("REVOKED", [])


def test_a_receipt_given_meanwhile_stays(file: Fetched) -> None:
    file.get().get_data()
    answer = file.get()
    piece(answer)
    digest = hashlib.sha256(CONTENT).hexdigest()
    acknowledge(file.world.session, file.world.case.asks, file.id, accepted=True, sha256=digest)
    file.world.session.commit()
    answer.get_data()
    assert (file.state(), len(file.delivered())) == ("ACKNOWLEDGED", 1)


def test_a_suspended_grant_gives_no_byte(file: Fetched) -> None:
    suspend(file.world.session, file.world.case.answers, file.world.granted.id, reason="停")
    file.world.session.commit()
    assert file.get().status_code == 403
    assert (file.state(), file.left()) == ("PREPARED", [])
    with Session(file.world.session.get_bind()) as session, pytest.raises(ReleaseRefused):
        open_prepared(session, file.world.case.asks, file.id, 0, 9)


def test_evidence_names_the_person_or_program_that_an_address_was_made_for(file: Fetched) -> None:
    world, asks = file.world, file.world.case.asks
    program = factories.client(world.session, world.case.requester)
    world.session.commit()
    file.get().get_data()
    by_program = file.address_for(program)
    file.get(address=by_program).get_data()
    people = [entry["data"]["actor"] for entry in world.evidence("release.authorised")[1:]]
    named = [(one["person"], one["client"]) for one in people]
    assert named == [(str(asks.person_id), None), (None, program.client_id)]
    assert {one["agency"] for one in people} == {world.case.requester.credit_code}
    assert file.delivered()[0]["actor"]["person"] == str(asks.person_id)
    forged = file.address.replace(str(asks.person_id), str(uuid.uuid4()))
    assert file.get(address=forged).status_code == 403
    known = select(ApiClient).where(ApiClient.client_id == program.client_id)
    world.session.scalars(known).one().revoked_at = system_now()
    world.session.commit()
    assert file.get(address=by_program).status_code == 403
    [shut_out] = file.refused()
    assert (shut_out["data"]["actor"]["client"], shut_out["data"]["after"]["code"]) == (
        program.client_id,
        "address.holder",
    )


def test_a_refusal_of_whom_an_address_was_made_for_is_their_entry(file: Fetched) -> None:
    world, asks = file.world, file.world.case.asks
    world.session.get_one(Person, asks.person_id).left_at = system_now()
    world.session.commit()
    answer = file.get()
    assert (answer.status_code, "Shuniu-Promise" in answer.headers) == (403, True)
    [entry] = file.refused()
    assert (entry["subject"], entry["data"]["actor"]["person"]) == (f"delivery/{file.id}", str(asks.person_id))
    forged = file.address.replace(str(asks.person_id), str(uuid.uuid4()))
    assert file.get(address=forged).status_code == 403
    assert len(file.refused()) == 1, "nobody knows who forged it"


def signed_in(file: Fetched, account: Account) -> FlaskClient:
    """A browser in which the account is signed in."""
    session, token = file.world.session, new_token()
    session.flush()
    session.add(SignIn(token_hash=token_hash(token), account_id=account.id, expires_at=system_now() + HOUR))
    session.commit()
    client = file.world.portal.test_client()
    client.set_cookie(SIGN_IN_COOKIE, token)
    return client


def test_asking_for_the_file_of_another_agency_finds_nothing_and_is_an_entry(file: Fetched) -> None:
    session = file.world.session
    other = factories.official(session, factories.agency(session), Role.REQUESTER)
    client = signed_in(file, factories.account(session, session.get_one(Person, other.person_id), "other"))
    answers = [client.get(f"/files/{one}") for one in (uuid.uuid4(), file.id)]
    assert [each.status_code for each in answers] == [404, 404]
    assert not any("Shuniu-Promise" in each.headers for each in answers), "it would tell which of them there is"
    [entry] = file.refused()
    assert (entry["subject"], entry["data"]["actor"]["person"]) == (f"delivery/{file.id}", str(other.person_id))


def test_a_password_that_another_person_set_opens_no_file(file: Fetched) -> None:
    session = file.world.session
    person = session.get_one(Person, file.world.case.asks.person_id)
    account = factories.account(session, person, "asks")
    client = signed_in(file, account)
    assert client.get(f"/files/{file.id}").status_code == 200
    account.given_at = system_now()
    session.commit()
    assert client.get(f"/files/{file.id}").status_code in {302, 303, 401}
    assert client.get(f"/deliveries/{file.id}").status_code == 403


@pytest.mark.parametrize(("proxies", "seen"), [(0, "127.0.0.1"), (1, "203.0.113.9"), (2, "198.51.100.7")])
def test_from_where_is_true_behind_trusted_proxies_alone(portal: Any, proxies: int, seen: str) -> None:
    settings = replace(portal.settings, trusted_proxies=proxies)
    app = create_app(settings)
    found: list[str] = []
    app.before_request(lambda: found.append(str(flask_request.remote_addr)))
    app.test_client().get("/sign-in", headers={"X-Forwarded-For": "10.0.0.1, 198.51.100.7, 203.0.113.9"})
    assert found == [seen]
