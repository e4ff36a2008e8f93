"""Personal details are destroyed by two people, for good, and never without an entry; the log still verifies."""

import threading
import time
import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from adapters.errors import Conflict, InvalidInput, NotAllowed
from audit.actor import Actor
from audit.append import append, configured
from audit.destruction import ask, compared
from audit.destruction.ask import Grounds, ask_for_entry, ask_for_subject
from audit.destruction.decide import confirm, decline
from audit.destruction.models import Destruction
from audit.destruction.queries import destroyed_by
from audit.models import Evidence, EvidencePersonal
from audit.reconcile import registered
from audit.subjects.blind import SubjectKind
from audit.subjects.shown import shown
from schemas.identifiers import resident_id
from tests.integration.audit.conftest import Log
from tests.integration.expired import archived_away, pieces

PERSON = "11010119900307851" + resident_id.check_digit("11010119900307851")
BASIS = {"kind": "LAW", "document": "中华人民共和国个人信息保护法", "number": "", "article": "第四十七条"}
EARLY = Grounds(BASIS, "法院〔2026〕9号裁定", "裁定送达")
USUAL = Grounds(BASIS, "", "本人要求")
DONE = "CONFIRMED"
ASKS, DECIDES, THIRD = (Actor(person_id=uuid.uuid4(), roles=frozenset({"AUDIT_ADMINISTRATOR"})) for _ in range(3))


def calls(log: Log) -> dict[str, uuid.UUID]:
    """Three committed entries that the index finds; the details of one of them, a page, name nobody."""
    with log.session("app") as session:
        found = {}
        for name in ("asked", "refused", "page"):
            details = {"purpose": "监管"} if name == "page" else {"subjects": {"head": f" {PERSON.lower()}"}}
            token = configured().blind.token(SubjectKind.RESIDENT_ID, PERSON)
            found[name] = append(
                session, "release.completed", f"release/{uuid.uuid4()}", ASKS, personal=details, subjects=[token]
            ).id
        session.commit()
    return found


def standing(session: Session, entry_id: uuid.UUID) -> bool:
    """Whether an entry's details can still be opened."""
    wrapped = select(EvidencePersonal.wrapped_key).where(EvidencePersonal.evidence_id == entry_id)
    return session.scalars(wrapped).one() is not None


def test_two_people_destroy_what_names_a_subject_and_the_log_still_verifies(log: Log) -> None:
    log.write(3)
    entries = calls(log)
    with log.session("app") as session:
        with pytest.raises(Conflict):
            ask_for_subject(session, ASKS, SubjectKind.RESIDENT_ID, PERSON, USUAL)
        with pytest.raises(InvalidInput):
            ask_for_subject(session, ASKS, SubjectKind.RESIDENT_ID, PERSON, Grounds({"kind": "LAW"}, "x", "y"))
        asked = ask_for_subject(session, ASKS, SubjectKind.RESIDENT_ID, PERSON, EARLY)
        session.commit()
        with pytest.raises(NotAllowed):
            confirm(session, ASKS, asked.id)
        assert all(standing(session, entry) for entry in entries.values())
        confirm(session, DECIDES, asked.id)
        session.commit()
        assert (asked.state, asked.destroyed, asked.decided_by) == ("CONFIRMED", 3, DECIDES.person_id)
        assert {name: standing(session, entry) for name, entry in entries.items()} == {
            "asked": False,
            "refused": False,
            "page": True,
        }
        recorded = session.get_one(Evidence, destroyed_by(session, entries["asked"]))
        assert PERSON.encode() not in recorded.body
        assert str(ASKS.person_id).encode() in recorded.body
        assert str(DECIDES.person_id).encode() in recorded.body
        with pytest.raises(Conflict):
            confirm(session, DECIDES, asked.id)
    while log.sequence():
        pass
    report = log.verified()
    assert (report.findings, report.destroyed) == ([], 3)


def test_the_legal_term_holds_unless_the_basis_says_otherwise(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = calls(log)["asked"]
    with log.session("app") as session:
        with pytest.raises(Conflict):
            ask_for_entry(session, ASKS, entry, USUAL)
        monkeypatch.setattr(ask, "legal_floor_years", lambda: 0)
        asked = ask_for_entry(session, ASKS, entry, USUAL)
        decline(session, DECIDES, asked.id, "依据不足")
        session.commit()
        assert standing(session, entry)
        again = ask_for_entry(session, ASKS, entry, USUAL)
        confirm(session, DECIDES, again.id)
        session.commit()
        assert not standing(session, entry)
        with pytest.raises(Conflict):
            ask_for_entry(session, ASKS, entry, USUAL)


def test_the_database_destroys_nothing_without_an_entry_of_the_same_transaction(log: Log) -> None:
    entry, other = calls(log)["asked"], calls(log)["asked"]
    erase = select(func.destroy_personal_details(entry))
    with log.session("app") as session:
        with pytest.raises(DBAPIError, match="permission denied"):
            session.execute(text("UPDATE evidence_personal SET wrapped_key = NULL"))
        session.rollback()
        for about in (None, f"evidence/{other}", f"evidence/{entry}"):
            if about:
                append(session, "personal.destroyed", about, ASKS)
            if about == f"evidence/{entry}":
                session.commit()
            with pytest.raises(DBAPIError, match="no entry"):
                session.execute(erase)
            session.rollback()
        assert standing(session, entry)
        append(session, "personal.destroyed", f"evidence/{entry}", ASKS)
        assert session.scalar(erase) is True
        session.rollback()
        session.add(
            Destruction(
                entry_id=entry,
                basis=BASIS,
                reason="x",
                asked_by=ASKS.person_id,
                decided_by=ASKS.person_id,
                state="CONFIRMED",
            )
        )
        with pytest.raises(DBAPIError, match="two_people"):
            session.flush()


def meanwhile(log: Log, first: Callable[[Session], object], second: Callable[[Session], object]) -> Exception | None:
    """What the second meets that begins before the first is committed."""
    met: list[Exception] = []

    def late() -> None:
        with log.session("app") as session:
            try:
                second(session)
                session.commit()
            except (Conflict, DBAPIError) as error:
                met.append(error)

    with log.session("app") as session:
        first(session)
        other = threading.Thread(target=late)
        other.start()
        time.sleep(0.4)
        session.commit()
        other.join()
    return met[0] if met else None


def test_two_who_decide_at_once_destroy_once_and_never_against_each_other(log: Log) -> None:
    entries = calls(log)
    with log.session("app") as session:
        wanted = entries["asked"], entries["asked"], entries["refused"]
        one, same, declined = (ask_for_entry(session, ASKS, entry, EARLY).id for entry in wanted)
        session.commit()
    met = [
        meanwhile(log, lambda session: confirm(session, DECIDES, one), lambda session: confirm(session, THIRD, one)),
        meanwhile(
            log,
            lambda session: decline(session, DECIDES, declined, "依据不足"),
            lambda session: confirm(session, THIRD, declined),
        ),
    ]
    assert [getattr(error, "code", "") for error in met] == ["destruction.decided"] * 2
    with log.session("app") as session:
        again = ask_for_entry(session, ASKS, entries["page"], EARLY).id
        twin = ask_for_entry(session, ASKS, entries["page"], EARLY).id
        session.commit()
    second = meanwhile(
        log, lambda session: confirm(session, DECIDES, again), lambda session: confirm(session, THIRD, twin)
    )
    assert getattr(second, "code", "") == "destruction.nothing_left"
    with log.session("app") as session:
        assert [standing(session, entries[name]) for name in ("asked", "refused", "page")] == [False, True, False]
        destroyed = select(Evidence.subject).where(Evidence.kind == "personal.destroyed")
        assert sorted(session.scalars(destroyed)) == sorted(f"evidence/{entries[name]}" for name in ("asked", "page"))
        with pytest.raises(Conflict):
            confirm(session, THIRD, same)


def test_what_is_recorded_until_the_decision_is_destroyed_too_and_a_search_goes_on(log: Log) -> None:
    calls(log)
    with log.session("app") as session:
        asked = ask_for_subject(session, ASKS, SubjectKind.RESIDENT_ID, PERSON, EARLY)
        session.commit()
        before = shown(session, SubjectKind.RESIDENT_ID, PERSON, limit=2)
        later = calls(log)
        confirm(session, DECIDES, asked.id)
        session.commit()
        assert not standing(session, later["asked"])
        assert asked.destroyed == 5
        assert before.next_cursor
        assert len(shown(session, SubjectKind.RESIDENT_ID, PERSON, before.next_cursor).items) == 2


def test_verification_compares_the_requests_with_the_log(log: Log) -> None:
    entries = calls(log)
    with log.session("app") as session:
        asked = [ask_for_entry(session, ASKS, entries[name], EARLY).id for name in ("asked", "refused", "page")]
        confirm(session, DECIDES, asked[0])
        decline(session, DECIDES, asked[1], "依据不足")
        session.commit()
    compared.register_reconcilers()
    mine = [each for name, each in registered().items() if name.startswith("destr")]
    with log.session("owner") as owner:
        assert [list(each(owner)) for each in mine] == [[]] * 4
        tamperings = {
            f"UPDATE personal_destruction SET state = 'ASKED', decided_by = NULL WHERE id = '{asked[0]}'": "its state",
            f"UPDATE personal_destruction SET entry_id = gen_random_uuid() WHERE id = '{asked[1]}'": "its target",
            f"UPDATE personal_destruction SET destroyed = 2 WHERE id = '{asked[0]}'": "counts other entries",
            f"DELETE FROM personal_destruction WHERE id = '{asked[0]}'": "no request of two people",
            f"UPDATE personal_destruction SET id = gen_random_uuid() WHERE id = '{asked[2]}'": "no entry",
        }
        for tampering, said in tamperings.items():
            owner.execute(text(tampering))
            told = [found.sentence for each in mine for found in each(owner)]
            assert [each for each in told if said in each], (tampering, told)
            owner.rollback()


def test_destructions_whose_texts_have_expired_accuse_nobody(log: Log) -> None:
    entries = calls(log)
    with log.session("app") as session:
        for name in ("asked", "refused"):
            confirm(session, DECIDES, ask_for_entry(session, ASKS, entries[name], EARLY).id)
        session.commit()
    while log.sequence():
        pass
    compared.register_reconcilers()
    mine = [each for name, each in registered().items() if name.startswith("destr")]
    with log.session("owner") as owner:
        for first, end in list(pieces(owner, 9)):
            archived_away(owner, first, end)
            assert [found.sentence for each in mine for found in each(owner)] == [], (first, end)
            owner.rollback()
        archived_away(owner, 0, 5)
        owner.execute(text("UPDATE personal_destruction SET destroyed = 3"))
        told = [found.sentence for each in mine for found in each(owner)]
        assert [each for each in told if "counts other entries" in each], "more than those of which nothing is known"
