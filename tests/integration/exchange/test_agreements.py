"""Agreements: proposed with a sensitive answer, signed by both sides' own keys, in force, terminated."""

import json
from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from adapters.clock import system_now
from adapters.errors import Conflict, InvalidInput, NotAllowed, Terminal
from audit.models import Evidence
from directory.keys.models import AgencyKey
from exchange.agreements import queries
from exchange.agreements.models import Agreement
from exchange.agreements.sign import sign, signing_bytes
from exchange.agreements.terminate import terminate
from exchange.applications.models import Application
from exchange.grants.models import Grant
from schemas.canonical import canonical_bytes, digest
from tests import factories
from tests.integration.exchange.conftest import Case


def proposed(case: Case) -> tuple[Application, Agreement]:
    application = case.granted(["ask_2", "ask_4"])
    return application, case.session.scalars(select(Agreement)).one()


def test_a_sensitive_item_waits_for_both_signatures(case: Case) -> None:
    application, agreement = proposed(case)
    assert application.state == "AGREEMENT_PENDING"
    assert not case.session.scalars(select(Grant)).all()
    assert [row.id for row in queries.to_sign(case.session, case.asks_signs).items] == [agreement.id]
    case.sign(agreement, case.asks_signs)
    assert queries.to_sign(case.session, case.asks_signs).items == ()
    assert [row.id for row in queries.to_sign(case.session, case.answers_signs).items] == [agreement.id]
    assert (agreement.state, application.state) == ("PROPOSED", "AGREEMENT_PENDING")
    case.sign(agreement, case.answers_signs)
    [grant] = case.session.scalars(select(Grant)).all()
    assert [agreement.state, application.state, grant.state] == ["IN_FORCE", "GRANTED", "ACTIVE"]
    assert (grant.agreement_id, grant.items) == (agreement.id, ["ask_2", "ask_4"])
    assert case.kinds(f"application/{application.id}")[-6:] == [
        "application.answered",
        "agreement.proposed",
        "agreement.signed",
        "agreement.signed",
        "agreement.in_force",
        "grant.opened",
    ]


def test_the_document_says_what_was_agreed_in_both_languages(case: Case) -> None:
    application, agreement = proposed(case)
    document = agreement.document
    assert agreement.digest == digest(document)
    assert signing_bytes(agreement) == canonical_bytes(document)
    assert (document["application"], document["form_digest"]) == (application.number, application.form_digest)
    assert document["provider"] == {"name": "市市场监管局", "code": case.provider.credit_code}
    assert [item["field_name"] for item in document["items"]] == ["ask_2", "ask_4"]
    assert document["items"][1]["sensitivity"] == "PERSONAL_PRIVACY"
    assert len(document["clauses"]) >= 10
    assert all(clause["zh"] and clause["en"] for clause in document["clauses"])


@pytest.mark.parametrize("wrong", ["other key", "other bytes", "other side", "no signature"])
def test_a_signature_that_is_not_the_agencys_over_this_text_is_refused(case: Case, wrong: str) -> None:
    _, agreement = proposed(case)
    mine, text = case.keys[case.requester.id], signing_bytes(agreement)
    signatures = {
        "other key": Ed25519PrivateKey.generate().sign(text),
        "other bytes": mine.sign(text + b" "),
        "other side": case.keys[case.provider.id].sign(text),
        "no signature": b"",
    }
    with pytest.raises(InvalidInput) as caught:
        sign(case.session, case.asks_signs, agreement.id, signature=signatures[wrong])
    assert caught.value.code == "agreement.bad_signature"
    assert caught.value.refusal is not None
    assert agreement.signatures == []


def test_only_signatories_of_the_two_sides_sign(case: Case) -> None:
    _, agreement = proposed(case)
    third = factories.official(case.session, factories.agency(case.session), "SIGNATORY")
    for stranger in (third, case.asks, case.answers, case.office):
        with pytest.raises(NotAllowed):
            sign(case.session, stranger, agreement.id, signature=b"x" * 64)


def test_nobody_signs_twice_or_what_is_in_force(case: Case) -> None:
    _, agreement = proposed(case)
    case.sign(agreement, case.asks_signs)
    with pytest.raises(Conflict) as caught:
        case.sign(agreement, case.asks_signs)
    assert caught.value.code == "agreement.signed_already"
    case.sign(agreement, case.answers_signs)
    with pytest.raises(Conflict) as caught:
        case.sign(agreement, case.asks_signs)
    assert caught.value.code == "agreement.not_open"


def test_an_agency_without_a_key_is_told_to_make_one(case: Case) -> None:
    _, agreement = proposed(case)
    for key in case.session.scalars(select(AgencyKey)):
        key.revoked_at = system_now()
    case.session.flush()
    with pytest.raises(Conflict, match="shuniu key new"):
        case.sign(agreement, case.asks_signs)


def test_a_key_revoked_between_the_signatures_does_not_bring_it_into_force(case: Case) -> None:
    application, agreement = proposed(case)
    case.sign(agreement, case.asks_signs)
    held = AgencyKey.agency_id == case.requester.id
    revoked = case.session.scalars(select(AgencyKey).where(held)).one()
    revoked.revoked_at = system_now()
    case.session.flush()
    case.sign(agreement, case.answers_signs)
    assert [agreement.state, application.state] == ["PROPOSED", "AGREEMENT_PENDING"]
    case.keys[case.requester.id] = factories.signing_key(case.session, case.requester)[1]
    case.sign(agreement, case.asks_signs)
    assert [agreement.state, application.state] == ["IN_FORCE", "GRANTED"]
    kinds = case.kinds(f"application/{application.id}")
    assert kinds[kinds.index("agreement.signed") :] == [
        "agreement.signed",
        "agreement.signed",
        "agreement.signature_dropped",
        "agreement.signed",
        "agreement.in_force",
        "grant.opened",
    ]
    dropped = select(Evidence.body).where(Evidence.kind == "agreement.signature_dropped")
    assert json.loads(case.session.scalars(dropped).one())["data"]["after"] == {
        "number": agreement.number,
        "party": str(case.requester.id),
        "person": str(case.asks_signs.person_id),
        "key": revoked.fingerprint,
        "why": "KEY_REVOKED",
    }


def test_a_changed_text_cannot_be_signed(case: Case) -> None:
    _, agreement = proposed(case)
    agreement.document = agreement.document | {"purpose": "营销"}
    case.session.flush()
    with pytest.raises(Terminal):
        case.sign(agreement, case.asks_signs)


def test_past_its_term_it_cannot_be_signed(case: Case) -> None:
    application = case.received(["ask_4"], term_to=date(2026, 9, 18))
    case.answer(application, ["ask_4"])
    case.turn(date(2026, 9, 19))
    with pytest.raises(Conflict) as caught:
        case.sign(case.session.scalars(select(Agreement)).one(), case.asks_signs)
    assert caught.value.code == "agreement.term_over"


def test_terminating_it_ends_the_grant_and_the_application(case: Case) -> None:
    application, agreement = proposed(case)
    case.sign_both(agreement)
    with pytest.raises(InvalidInput):
        terminate(case.session, case.answers_signs, agreement.id, reason="")
    terminate(case.session, case.answers_signs, agreement.id, reason="违反协议")
    [grant] = case.session.scalars(select(Grant)).all()
    assert [agreement.state, grant.state, application.state] == ["TERMINATED", "ENDED", "CLOSED"]
    with pytest.raises(Conflict):
        terminate(case.session, case.asks_signs, agreement.id, reason="再次")


def test_turning_a_proposal_down_closes_the_application(case: Case) -> None:
    application, agreement = proposed(case)
    terminate(case.session, case.asks_signs, agreement.id, reason="条款不能接受")
    assert [agreement.state, application.state] == ["TERMINATED", "CLOSED"]


def test_others_do_not_read_it(case: Case) -> None:
    _, agreement = proposed(case)
    third = factories.official(case.session, factories.agency(case.session), "SIGNATORY")
    with pytest.raises(NotAllowed):
        queries.detail(case.session, third, agreement.id)
    assert queries.detail(case.session, case.office, agreement.id) is agreement
    assert queries.mine(case.session, third).items == ()
