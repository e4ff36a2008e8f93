"""The evidence bundle of a real delivery: who may take it, what is in it, and that it is checked without the hub."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, select, text
from sqlalchemy.pool import NullPool

from audit import sequence
from audit.actor import HUB
from audit.append import append
from audit.bundle import AGREEMENT, ANSWER, CHECKPOINT, DELIVERY, GRANT, KEYS, MANIFEST, RECEIPT, SIGNATURES, unpack
from audit.destruction.ask import Grounds, ask_for_entry
from audit.destruction.decide import confirm
from audit.log_keys import log_keys
from directory.keys.models import AgencyKey, KeyPurpose
from directory.people.roles import Role
from exchange.agreements.models import Agreement
from exchange.applications.models import Application
from exchange.deliveries.acknowledge import acknowledge
from exchange.deliveries.models import Delivery, FileFormat
from exchange.deliveries.progress import mark_prepared
from exchange.deliveries.request import request
from exchange.disputes.conclude import conclude
from exchange.disputes.models import Outcome
from exchange.disputes.raise_dispute import raise_dispute
from exchange.grants.models import Grant
from exchange.modes.package import RECEIPT_TYPE
from exchange.release import ReleaseRequest, authorise, complete
from portal.cli.main import shuniu
from schemas.canonical import canonical_bytes
from schemas.words import Mode
from tests import factories
from tests.integration.audit.test_clock_corrected import clock
from tests.integration.portal.conftest import Browser
from tests.integration.portal.test_api_evidence import numbered
from tests.integration.portal.world import World, refused

SHA256 = "ab" * 32
MATTER = "办件-17"


def delivered(world: World) -> Delivery:
    """A package under a grant with an agreement that both sides signed; it is prepared."""
    application = world.case.received(["ask_2", "ask_4"], modes=["OFFLINE"])
    world.case.answer(application, ["ask_2", "ask_4"])
    return prepared(world, application)


def prepared(world: World, application: Application) -> Delivery:
    """The same for an application that was answered."""
    case, session = world.case, world.session
    case.sign_both(session.scalars(select(Agreement).where(Agreement.application_id == application.id)).one())
    grant = session.scalars(select(Grant).where(Grant.application_id == application.id)).one()
    factories.receiving_key(session, case.requester)
    registered(world)
    session.commit()
    asked: dict[str, Any] = {"purpose": grant.purpose, "matter": MATTER}
    made = request(session, case.asks, grant_id=grant.id, mode=Mode.OFFLINE, format=FileFormat.PACKAGE, **asked)
    release = authorise(session, grant.id, ReleaseRequest(case.asks, Mode.OFFLINE, **asked))
    complete(session, release, rows=3, size=99, digest=SHA256)
    facts: dict[str, Any] = {"object_key": "x", "file_name": "p.shuniu", "rows": 3, "size": 99, "sha256": SHA256}
    mark_prepared(session, made.id, release_id=release.id, **facts)
    session.commit()
    return made


def registered(world: World) -> None:
    """The signing keys' registrations, as entries."""
    for key in world.session.scalars(select(AgencyKey).where(AgencyKey.purpose == KeyPurpose.SIGN)):
        facts = {"fingerprint": key.fingerprint, "public_key": key.public_key, "agency_id": str(key.agency_id)}
        append(world.session, "key.registered", f"key/{key.id}", HUB, after=facts)


def received(world: World, delivery: Delivery) -> None:
    """Acknowledge it with the signed receipt of the package."""
    receipt = {
        "type": RECEIPT_TYPE,
        "delivery": str(delivery.id),
        "number": delivery.number,
        "receiver": world.case.requester.credit_code,
        "package_sha256": SHA256,
        "verdict": "ACCEPTED",
    }
    signature = world.case.keys[world.case.requester.id].sign(canonical_bytes(receipt))
    acknowledge(world.session, world.case.asks, delivery.id, accepted=True, receipt=receipt, signature=signature)
    world.session.commit()


def test_both_sides_take_the_bundle_and_anybody_checks_it(world: World, tmp_path: Path) -> None:
    delivery = delivered(world)
    path = f"/api/v1/deliveries/{delivery.id}/evidence"
    assert refused(world.asks.get(path)) == (409, "delivery.evidence_waits")
    numbered(world)
    open_one = world.gives.get(path)
    assert RECEIPT not in unpack(open_one.get_data())
    received(world, delivery)
    numbered(world)
    taken = world.asks.get(path)
    assert (taken.status_code, taken.content_type) == (200, "application/zip")
    assert "Shuniu-Promise" in taken.headers
    assert [each["subject"] for each in world.evidence("delivery.bundle_taken")] == [f"delivery/{delivery.id}"] * 2
    assert refused(world.stranger.get(path)) == (403, "permission.case")
    assert refused(world.asks.get(f"/api/v1/deliveries/{uuid.uuid4()}/evidence"))[0] == 404

    files = unpack(taken.get_data())
    documents = {MANIFEST, CHECKPOINT, KEYS, DELIVERY, GRANT, AGREEMENT, SIGNATURES, ANSWER, RECEIPT}
    assert {name for name in files if not name.startswith(("entries/", "proofs/"))} == documents
    entries = [orjson.loads(data) for name, data in files.items() if name.startswith("entries/")]
    assert {each["type"].removeprefix("cn.shuniu.") for each in entries} == {
        *("application.answered", "agreement.proposed", "agreement.signed", "agreement.in_force", "grant.opened"),
        *("delivery.requested", "delivery.prepared", "delivery.acknowledged"),
        *("release.authorised", "release.completed", "key.registered"),
    }
    of_the_case = {each["data"]["matter"] for each in entries if each["type"] != "cn.shuniu.key.registered"}
    assert of_the_case == {f"application/{delivery.grant.application_id}"}

    for data, said in (
        (taken.get_data(), "receipt signed with the key"),
        (open_one.get_data(), "not acknowledged yet"),
    ):
        output = checked(world, data, tmp_path)
        assert said in output
        assert f"its file has the SHA-256 {SHA256}" in output
        assert "agreement signed with 2 keys" in output
        assert "alone" not in output, "entries speak of all that it says"


def checked(world: World, data: bytes, folder: Path) -> str:
    """What ``shuniu audit check`` says of a bundle that holds."""
    bundle, keys = folder / "evidence.zip", folder / "log-keys.txt"
    bundle.write_bytes(data)
    keys.write_text(str(log_keys(world.portal.settings)))
    done = CliRunner().invoke(shuniu, ["audit", "check", str(bundle), "--key", str(keys)])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def test_a_bundle_holds_after_a_clock_that_ran_ahead_and_was_set_right(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = world.case
    with clock(monkeypatch, timedelta(hours=2)):
        application = case.received(["ask_2", "ask_4"], modes=["OFFLINE"])
        case.answer(application, [], ["ask_2", "ask_4"])
        dispute = raise_dispute(world.session, case.asks, application.id, text="确需")
        conclude(world.session, case.office, dispute.id, outcome=Outcome.ANSWER_ANEW, text="重新答复")
        world.session.commit()
        numbered(world)
    case.answer(application, ["ask_2", "ask_4"])
    delivery = prepared(world, application)
    monkeypatch.setattr(sequence, "dated_back", lambda session, last: True)
    numbered(world)
    taken = world.asks.get(f"/api/v1/deliveries/{delivery.id}/evidence")
    assert "alone" not in checked(world, taken.get_data(), tmp_path)


def test_what_an_owner_falsified_is_handed_out_to_nobody(world: World, fresh: dict[str, str]) -> None:
    delivery = delivered(world)
    named = {"delivery": str(delivery.id), "release": "r"}
    append(world.session, "delivery.delivered", f"delivery/{delivery.id}", HUB, after=named)
    world.session.commit()
    numbered(world)
    path = f"/api/v1/deliveries/{delivery.id}/evidence"
    about = "SELECT id FROM evidence WHERE subject = :subject"
    with create_engine(fresh["SHUNIU_DATABASE_URL"], poolclass=NullPool).begin() as owner:
        delivered_alone = f"{about} AND kind = 'delivery.delivered'"
        change = f"UPDATE evidence_text SET body = 'x' WHERE evidence_id IN ({delivered_alone})"
        owner.execute(text(change), {"subject": f"delivery/{delivery.id}"})
    assert refused(world.asks.get(path)) == (409, "delivery.evidence_falsified")
    with create_engine(fresh["SHUNIU_DATABASE_URL"], poolclass=NullPool).begin() as owner:
        owner.execute(
            text(f"DELETE FROM evidence_text WHERE evidence_id IN ({about})"), {"subject": f"delivery/{delivery.id}"}
        )
    assert refused(world.asks.get(path)) == (409, "delivery.evidence_falsified")


def test_after_the_details_are_destroyed_a_bundle_says_what_nothing_proves_any_more(
    world: World, tmp_path: Path
) -> None:
    delivery = delivered(world)
    received(world, delivery)
    kinds = ("delivery.prepared", "release.completed", "delivery.acknowledged")
    entries = {kind: uuid.UUID(world.evidence(kind)[-1]["id"]) for kind in kinds}
    asks, decides = (
        factories.official(world.session, world.case.provider, role) for role in ("AUDIT_ADMINISTRATOR", "AUDITOR")
    )
    basis = {
        "kind": "LAW",
        "document": "中华人民共和国个人信息保护法",
        "number": "主席令第91号",
        "article": "第四十七条",
    }
    for kind, said in (
        ("release.completed", ""),
        ("delivery.acknowledged", "alone, by no entry: the receipt (the entry's details were destroyed)"),
        ("delivery.prepared", "by no entry: the file's digest (the entries' details were destroyed), the receipt (the"),
    ):
        asked = ask_for_entry(world.session, asks, entries[kind], Grounds(basis, "第四十七条", "目的已实现"))
        confirm(world.session, decides, asked.id)
        world.session.commit()
        numbered(world)
        output = checked(world, world.asks.get(f"/api/v1/deliveries/{delivery.id}/evidence").get_data(), tmp_path)
        assert "receipt signed with the key" in output
        assert said in output if said else "alone" not in output, output


def test_people_of_both_agencies_download_it_from_the_deliverys_page(
    world: World, browser: Callable[..., Browser]
) -> None:
    asked: dict[str, Any] = {"purpose": world.granted.purpose, "matter": MATTER}
    grant_id = world.granted.id
    made = request(world.session, world.case.asks, grant_id=grant_id, mode=Mode.FILES, format=FileFormat.CSV, **asked)
    logins = {}
    for name, agency, role in (
        ("asks", world.case.requester, Role.REQUESTER),
        ("gives", world.case.provider, Role.ANSWERER),
        ("other", factories.agency(world.session), Role.REQUESTER),
    ):
        logins[name] = factories.account(world.session, factories.person(world.session, agency, role), name).login
    world.session.commit()
    numbered(world)
    for name in ("asks", "gives"):
        page = browser(logins[name]).get(f"/deliveries/{made.id}", headers={"Accept-Language": "en"})
        assert f'href="/deliveries/{made.id}/evidence"' in page.get_data(as_text=True)
        assert "shuniu promise of inclusion, version 1" in page.get_data(as_text=True)
        taken = browser(logins[name]).get(f"/deliveries/{made.id}/evidence")
        assert taken.headers["Content-Disposition"] == f'attachment; filename="evidence-{made.number}.zip"'
        assert DELIVERY in unpack(taken.get_data())
    assert "下载证据包" in browser(logins["asks"]).get(f"/deliveries/{made.id}?language=zh").get_data(as_text=True)
    assert browser(logins["other"]).get(f"/deliveries/{made.id}/evidence").status_code == 403
