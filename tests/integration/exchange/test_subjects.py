"""Data subjects beside the log: of calls, refused ones too, of pages, and of whole deliveries once."""

import io
import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.clock import case_today
from adapters.lake import Lake
from adapters.serving import Serving, table_name
from adapters.settings import Settings
from audit.actor import Actor
from audit.append import append, configure, configured
from audit.models import Evidence, EvidencePersonal
from audit.opened import personal_details
from audit.subjects.blind import SubjectKind
from audit.subjects.compared import extracts_are_whole, index_follows_entries
from audit.subjects.models import EvidenceSubject, ExtractSubject, SubjectExtract
from audit.subjects.shown import Shown, look, shown
from directory.catalogue.models import ResourceVersion
from directory.datasets.models import DatasetState, DatasetVersion
from exchange import extracts
from exchange import release as door
from exchange.deliveries.models import FileFormat
from exchange.deliveries.request import request
from exchange.errors import ReleaseRefused
from exchange.grants.models import Grant, ReleaseRecord
from exchange.modes import browse, files, interface
from exchange.release import ReleaseRequest, StoredBytes
from schemas.identifiers import resident_id
from schemas.words import Mode
from tests import factories
from tests.integration.expired import archived_away
from tests.integration.portal.test_api_evidence import sequenced

PEOPLE = [first17 + resident_id.check_digit(first17) for first17 in (f"11010119900307{n:03d}" for n in range(5))]
COMPANIES = [factories.credit_code(number) for number in range(9_000, 9_005)]
ROWS = pa.table({"code": COMPANIES, "head": PEOPLE, "name": ["甲", "乙", "丙", "丁", "戊"]})
MODES = ["INTERFACE", "FILES", "BROWSE"]


@pytest.fixture
def grant(session: Session, settings: Settings) -> Grant:
    """A standing grant of companies' codes and names; the identity number of each one's head is not in it."""
    configure(settings.log_origin, settings.sealing_key)
    door.configure(b"secret of the tests")
    parts = [
        factories.item(1, field_name="code", identifier_kind="CREDIT_CODE"),
        factories.item(2, field_name="head", identifier_kind="RESIDENT_ID", masking="HASH"),
        factories.item(3, field_name="name"),
    ]
    version = factories.published_resource(session, factories.agency(session), parts, modes=MODES)
    made = Grant(
        number=f"SX-{uuid.uuid4()}",
        resource_id=version.resource_id,
        resource_version_id=version.id,
        provider_id=version.resource.agency_id,
        items=["code", "name"],
        modes=MODES,
        purpose="",
        valid_from=case_today(session),
    )
    session.add(made)
    load(session, settings, version, 1)
    return made


def load(session: Session, settings: Settings, version: ResourceVersion, number: int) -> None:
    dataset = DatasetVersion(
        resource_id=version.resource_id,
        resource_version_id=version.id,
        number=number,
        state=DatasetState.SERVED,
        location=f"lake/{version.resource_id}/{number}",
        rows_source=5,
        rows_read=5,
        rows_good=5,
    )
    session.add(dataset)
    session.flush()
    dataset.delta_version = Lake(settings).write(dataset.location, ROWS.to_reader())
    dataset.serving_table = table_name(dataset.id)
    Serving.of(settings).load(dataset.serving_table, ROWS.schema, ROWS.to_batches(), ["code"])
    session.commit()


@pytest.fixture
def requester(session: Session) -> Actor:
    made = factories.official(session, factories.agency(session), "REQUESTER")
    session.commit()
    return made


def asking(actor: Actor, mode: Mode = Mode.INTERFACE) -> ReleaseRequest:
    return ReleaseRequest(actor, mode, "监管", "办件-1")


def companies(*numbers: str) -> set[bytes]:
    return {configured().blind.token(SubjectKind.CREDIT_CODE, number) for number in numbers}


def people(*numbers: str) -> set[bytes]:
    return {configured().blind.token(SubjectKind.RESIDENT_ID, number) for number in numbers}


def found(session: Session, kind: str) -> set[bytes]:
    """Tokens beside the newest entry of a kind."""
    newest = session.scalars(
        select(Evidence).where(Evidence.kind == kind).order_by(Evidence.recorded_at.desc())
    ).first()
    assert newest is not None
    rows = session.scalars(select(EvidenceSubject).where(EvidenceSubject.evidence_id == newest.id)).all()
    assert {row.recorded_at for row in rows} <= {newest.recorded_at}
    return {row.token for row in rows}


def test_a_call_is_found_by_whom_it_asks_about_and_by_whom_it_shows(
    session: Session, settings: Settings, grant: Grant, requester: Actor
) -> None:
    answer = interface.look_up(session, settings, grant.id, asking(requester), {"code": COMPANIES[1]})
    assert PEOPLE[1] not in answer.body.decode()
    assert found(session, "release.completed") == companies(COMPANIES[1]) | people(PEOPLE[1])
    assert interface.look_up(session, settings, grant.id, asking(requester), {"name": PEOPLE[4]}).rows == 0
    assert found(session, "release.completed") == people(PEOPLE[4])


@pytest.mark.parametrize("refused", ["suspended", "key", "no grant"])
def test_a_refused_call_is_found_too(
    session: Session, settings: Settings, grant: Grant, requester: Actor, refused: str
) -> None:
    if refused == "suspended":
        grant.state, grant.suspended_by = "SUSPENDED", "PROVIDER"
        session.commit()
    asked = {"head": PEOPLE[2].lower()} if refused == "key" else {"code": f" {COMPANIES[2]}"}
    identity = uuid.uuid4() if refused == "no grant" else grant.id
    with pytest.raises(ReleaseRefused):
        interface.look_up(session, settings, identity, asking(requester), asked)
    expected = people(PEOPLE[2]) if refused == "key" else companies(COMPANIES[2])
    assert found(session, "release.refused") == expected


def test_a_page_is_found_by_all_it_shows(session: Session, settings: Settings, grant: Grant, requester: Actor) -> None:
    shown = browse.page(session, settings, grant.id, asking(requester, Mode.BROWSE))
    assert all(set(row) == {"code", "name"} for row in shown.rows)
    assert found(session, "release.completed") == companies(*COMPANIES) | people(*PEOPLE)


def test_a_whole_delivery_lists_its_subjects_once(
    session: Session, settings: Settings, grant: Grant, requester: Actor
) -> None:
    def deliver(rows: int | None = None) -> ReleaseRecord:
        release = door.authorise(session, grant.id, asking(requester, Mode.FILES))
        written = files.write_parquet(release, settings, io.BytesIO())
        extract = extracts.record(session, settings, release, written.rows)
        session.commit()
        door.complete(session, release, rows=written.rows, size=1, digest="d", extract_id=extract)
        return session.get_one(ReleaseRecord, release.id)

    def listed() -> Sequence[tuple[int, int]]:
        rows = session.execute(select(SubjectExtract.rows, SubjectExtract.subjects).order_by(SubjectExtract.rows)).all()
        assert session.scalar(select(func.count()).select_from(ExtractSubject)) == sum(row.subjects for row in rows)
        return [(row.rows, row.subjects) for row in rows]

    first, second = deliver(), deliver()
    assert first.extract_id is not None
    assert first.extract_id == second.extract_id
    assert found(session, "release.completed") == {first.extract_id.bytes}
    tokens = set(session.scalars(select(ExtractSubject.token)))
    assert tokens == companies(*COMPANIES) | people(*PEOPLE)
    assert listed() == [(5, 10)]
    grant.row_condition = {"field": "code", "operator": "EQUALS", "values": [COMPANIES[3]]}
    session.commit()
    deliver()
    assert listed() == [(1, 2), (5, 10)]
    grant.row_condition, grant.quota_rows, grant.used_rows = {}, 2, 0
    session.commit()
    cut = deliver()
    assert set(session.scalars(select(ExtractSubject.token).where(ExtractSubject.extract_id == cut.extract_id))) == (
        companies(*COMPANIES[:2]) | people(*PEOPLE[:2])
    )
    grant.quota_rows = None
    session.commit()
    asked = replace(asking(requester), mode=Mode.FILES)
    stated = {"purpose": asked.purpose, "matter": asked.matter}
    delivery = request(session, requester, grant_id=grant.id, mode=Mode.FILES, format=FileFormat.CSV, **stated)
    stored = StoredBytes(delivery.id, first.dataset_version_id, "deliveries/x", 0, 1, 1, first.extract_id)
    fetch = door.authorise(session, grant.id, asked, stored=stored)
    assert found(session, "release.authorised") == {first.extract_id.bytes}
    assert session.get_one(ReleaseRecord, fetch.id).extract_id == first.extract_id
    interface.look_up(session, settings, grant.id, asking(requester), {"code": COMPANIES[0]})
    everything: list[Shown] = []
    cursor = None
    while cursor is not None or not everything:
        page = shown(session, SubjectKind.RESIDENT_ID, PEOPLE[0], cursor, 2)
        everything += page.items
        cursor = page.next_cursor
    kinds = [(one.entry.kind, one.whole, one.mode, one.grant_id) for one in everything]
    assert kinds == [
        ("release.completed", False, "INTERFACE", grant.id),
        ("release.authorised", True, "FILES", grant.id),
        *[("release.completed", True, "FILES", grant.id)] * 3,
    ]
    assert shown(session, SubjectKind.CREDIT_CODE, PEOPLE[0]).items == ()


@pytest.mark.parametrize("table", ["evidence_subject", "subject_extract", "extract_subject"])
def test_the_portals_role_cannot_take_anybody_out(session: Session, table: str) -> None:
    for statement in (
        f"UPDATE {table} SET {'token' if table != 'subject_extract' else 'condition'} = ''",
        f"DELETE FROM {table}",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            session.execute(text(statement))
        session.rollback()


def test_verification_compares_the_index_with_what_the_entries_say(
    session: Session, settings: Settings, grant: Grant, requester: Actor, fresh: dict[str, str]
) -> None:
    interface.look_up(session, settings, grant.id, asking(requester), {"code": COMPANIES[1]})
    interface.look_up(session, settings, grant.id, asking(requester), {"name": PEOPLE[4]})
    with pytest.raises(ReleaseRefused):
        interface.look_up(session, settings, grant.id, asking(requester), {"head": PEOPLE[2]})
    browse.page(session, settings, grant.id, asking(requester, Mode.BROWSE))
    release = door.authorise(session, grant.id, asking(requester, Mode.FILES))
    extract = extracts.record(session, settings, release, 5)
    door.complete(session, release, rows=5, size=1, digest="d", extract_id=extract)
    look(session, requester, SubjectKind.RESIDENT_ID, "1234", "试验")
    alone = door.check(session, grant.id, asking(requester, Mode.BROWSE))
    door.complete_whole(session, alone, rows=1, body=b"nobody else")
    other = append(session, "test.written", "test/1", requester).id
    session.commit()
    refused = session.scalars(select(Evidence.id).where(Evidence.kind == "release.refused")).one()
    pages = select(ReleaseRecord.evidence_id).where(ReleaseRecord.mode == "BROWSE")
    page = session.scalars(pages.where(ReleaseRecord.id != alone.id)).one()
    answered = session.scalars(pages.where(ReleaseRecord.id == alone.id)).one()
    session.rollback()
    with Session(create_engine(fresh["SHUNIU_DATABASE_URL"], poolclass=NullPool)) as owner:
        assert list(index_follows_entries(owner)) == list(extracts_are_whole(owner)) == []
        token, x = people(PEOPLE[3]).pop().hex(), "substr(sha256('x'), 1, 16)"
        add = f"INSERT INTO evidence_subject SELECT {x}, recorded_at, id FROM evidence WHERE id = "
        for tampering, said in {
            f"DELETE FROM evidence_subject WHERE evidence_id = '{page}' AND token = '\\x{token}'": "by others than",
            f"DELETE FROM evidence_subject WHERE evidence_id = '{refused}'": "not found by the number",
            f"DELETE FROM evidence_subject WHERE token = '\\x{extract.hex if extract else ''}'": "its delivery names",
            "DELETE FROM evidence_subject USING evidence WHERE evidence_id = id AND kind ~ 'searched'": "asked by",
            f"{add}'{refused}'": "by others than",
            f"{add}'{page}'": "by others than",
            f"{add}'{answered}'": "by others than",
            f"{add}'{other}'": "concerns nobody",
            f"INSERT INTO evidence_subject SELECT {x}, recorded_at + interval '1s', id FROM evidence": "is not there",
            f"DELETE FROM extract_subject WHERE token = '\\x{token}'": "not as it was made",
            "UPDATE subject_extract SET subjects = 1": "not as it was made",
            f"UPDATE extract_subject SET token = {x} WHERE token = '\\x{token}'": "states another",
            "UPDATE subject_extract SET condition = 'x'": "states another",
            "UPDATE subject_extract SET rows = rows + 1": "states another",
            "UPDATE subject_extract SET dataset_version_id = gen_random_uuid()": "states another",
            "ALTER TABLE release DROP CONSTRAINT fk_release_extract_id; DELETE FROM extract_subject;"
            "DELETE FROM subject_extract": "names, is not there",
        }.items():
            owner.execute(text(tampering))
            told = [each.sentence for each in (*index_follows_entries(owner), *extracts_are_whole(owner))]
            assert [each for each in told if said in each], tampering
            owner.rollback()


def test_whoever_is_planted_beside_an_entry_without_details_is_found(
    session: Session, settings: Settings, grant: Grant, requester: Actor, fresh: dict[str, str]
) -> None:
    request = asking(replace(requester, name="", address=""), Mode.FILES)
    for _ in range(2):
        release = door.authorise(session, grant.id, request)
        extract = extracts.record(session, settings, release, 5)
        door.complete(session, release, rows=5, size=1, digest="d", extract_id=extract)
    door.complete(session, door.authorise(session, grant.id, request), rows=5, size=1, digest="d")
    older = {"state": "COMPLETED", "rows": 5, "bytes": 1, "digest": "d"}
    append(session, "release.completed", f"release/{uuid.uuid4()}", request.actor, after=older)
    door.abort(session, door.authorise(session, grant.id, request), rows=2, size=20, reason="断线")
    door.authorise(session, grant.id, request)
    door.sweep_open(session, timedelta(0))
    session.commit()
    ended = Evidence.kind.in_(["release.completed", "release.aborted", "release.unknown"])
    rows = session.scalars(select(Evidence.id).where(ended).order_by(Evidence.recorded_at)).all()
    bare = [one for one in rows if session.get(EvidencePersonal, one) is None]
    assert (len(rows), bare) == (6, rows[3:])
    session.rollback()
    sequenced(Settings.load(fresh))
    plant = text(
        "INSERT INTO evidence_subject SELECT substr(sha256('x'), 1, 16), recorded_at, id FROM evidence WHERE id = :id"
    )
    with Session(create_engine(fresh["SHUNIU_DATABASE_URL"], poolclass=NullPool)) as owner:
        assert list(index_follows_entries(owner)) == []
        for one in rows:
            owner.execute(plant, {"id": one})
            told = [(each.subject, "by others than" in each.sentence) for each in index_follows_entries(owner)]
            assert told == [(f"evidence/{one}", True)]
            owner.rollback()
        owner.execute(plant, {"id": bare[0]})
        archived_away(owner, 0, 10_000)
        assert list(index_follows_entries(owner)) == [], "what they said of anybody has expired"


def test_a_list_is_stated_once_and_one_of_an_older_entry_is_no_finding(
    session: Session,
    settings: Settings,
    grant: Grant,
    requester: Actor,
    fresh: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def deliver() -> ReleaseRecord:
        release = door.authorise(session, grant.id, asking(requester, Mode.FILES))
        extract = extracts.record(session, settings, release, 5)
        door.complete(session, release, rows=5, size=1, digest="d", extract_id=extract)
        return session.get_one(ReleaseRecord, release.id)

    with monkeypatch.context() as older:
        older.setattr("exchange.closing.first_named", lambda *_: {})
        deliver()
    deliver()
    completed = session.scalars(select(Evidence.id).where(Evidence.kind == "release.completed")).all()
    assert not [one for one in personal_details(session, completed).values() if "listed" in one]
    grant.row_condition = {"field": "code", "operator": "EQUALS", "values": [COMPANIES[3]]}
    session.commit()
    deliver()
    deliver()
    completed = session.scalars(select(Evidence.id).where(Evidence.kind == "release.completed")).all()
    assert len([one for one in personal_details(session, completed).values() if "listed" in one]) == 1
    with Session(create_engine(fresh["SHUNIU_DATABASE_URL"], poolclass=NullPool)) as owner:
        assert list(index_follows_entries(owner)) == list(extracts_are_whole(owner)) == []


def test_the_index_is_compared_in_pieces_however_long_it_is(
    session: Session, grant: Grant, requester: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        look(session, requester, SubjectKind.RESIDENT_ID, str(number), "试验")
    read = []

    def noted(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
        read.append(len(ids))
        return personal_details(session, ids)

    monkeypatch.setattr("audit.subjects.compared.personal_details", noted)
    monkeypatch.setattr("audit.subjects.compared._BATCH", 2)
    assert list(index_follows_entries(session)) == []
    assert read == [2, 2, 1]
