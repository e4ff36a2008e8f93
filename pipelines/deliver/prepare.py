"""Prepare a delivery: through the one door into a file or package that lies ready in the object store."""

import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from sqlalchemy.orm import Session

from adapters.database import engine, transaction
from adapters.errors import ShuniuError
from adapters.objects import HashingSpool, objects
from adapters.work import Work, finish, owned
from audit.actor import Actor
from directory.agencies.models import Agency
from directory.people.queries import actor_of_person
from exchange import extracts
from exchange import release as door
from exchange.deliveries.models import Delivery, DeliveryState, FileFormat
from exchange.deliveries.progress import mark_failed, mark_prepared
from exchange.modes.files import Written, write_csv, write_parquet
from exchange.release import Release, ReleaseRequest
from pipelines.deliver.package import Packed, channel, write_package
from pipelines.steps import Claim
from pipelines.wake import DELIVER
from schemas.words import Mode

KIND = DELIVER
SUFFIXES = {FileFormat.PARQUET: "parquet", FileFormat.CSV: "csv", FileFormat.PACKAGE: "shuniu"}
MEDIA_TYPES = {
    FileFormat.PARQUET: "application/vnd.apache.parquet",
    FileFormat.CSV: "text/csv; charset=utf-8",
    FileFormat.PACKAGE: "application/octet-stream",
}
WRITERS: Mapping[str, Callable[[Release, Any, BinaryIO], Written]] = {
    FileFormat.PARQUET: write_parquet,
    FileFormat.CSV: write_csv,
}


@dataclass(frozen=True)
class Asked:
    """The delivery as it was asked for."""

    id: uuid.UUID
    number: str
    grant_id: uuid.UUID
    agency_id: uuid.UUID
    format: FileFormat
    request: ReleaseRequest
    attempt: uuid.UUID | None

    @property
    def file_name(self) -> str:
        """What the receiver's file is called."""
        return f"{self.number}.{SUFFIXES[self.format]}"

    @property
    def object_key(self) -> str:
        """Where this attempt puts it: no attempt writes over what another made."""
        return f"{self.folder}{self.attempt}/{self.file_name}"

    @property
    def folder(self) -> str:
        """Where all attempts put theirs."""
        return f"deliveries/{self.id}/"


def run(claim: Claim) -> dict[str, Any]:
    """Prepare the delivery.

    Returns:
        ``{"delivery", "state", "rows", "bytes", "sha256"}``.

    Raises:
        ReleaseRefused: the grant no longer allows it; evidenced, and the delivery is given up.
        Transient: the lake or the store broke off; the door is closed again and nothing left.
    """
    asked = _asked(claim)
    if asked is None:
        return _ended(claim)
    if asked.format is not FileFormat.PACKAGE:
        return _prepare(claim, asked)
    with channel(claim.settings, asked.agency_id):
        return _prepare(claim, asked)


def give_up(session: Session, work: Work, problem: str) -> None:
    """The delivery says that it failed, and evidence with it."""
    mark_failed(session, uuid.UUID(work.payload["delivery_id"]), problem=problem)


def _asked(claim: Claim) -> Asked | None:
    """What was asked for; None when it is prepared, revoked or failed. An earlier attempt's open door is closed."""
    with transaction(claim.settings.app_database_url) as session:
        delivery = session.get_one(Delivery, uuid.UUID(claim.payload["delivery_id"]))
        if delivery.state != DeliveryState.REQUESTED:
            return None
        if "release" in claim.reached:
            door.abandon(session, uuid.UUID(claim.reached["release"]), "the step was repeated")
        request = ReleaseRequest(_actor(session, delivery), Mode(delivery.mode), delivery.purpose, delivery.matter)
        known = delivery.id, delivery.number, delivery.grant_id, delivery.agency_id, FileFormat(delivery.format)
        return Asked(*known, request, claim.token)


def _actor(session: Session, delivery: Delivery) -> Actor:
    """Who asked: the person, if they are still of the agency, or the program; the agency in any case."""
    agency = session.get_one(Agency, delivery.agency_id)
    if delivery.requested_by is not None:
        with suppress(ShuniuError):
            actor = actor_of_person(session, delivery.requested_by)
            if actor.agency_id == delivery.agency_id:
                return actor
    return Actor(
        agency_id=agency.id,
        agency_code=agency.credit_code,
        roles=frozenset({"CLIENT"}) if delivery.requested_client else frozenset(),
        client_id=delivery.requested_client,
    )


def _ended(claim: Claim) -> dict[str, Any]:
    with claim.finishing() as (session, work):
        delivery = session.get_one(Delivery, uuid.UUID(claim.payload["delivery_id"]))
        result = _told(delivery)
        finish(session, work, result)
    return result


def _told(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery": str(delivery.id),
        "state": delivery.state,
        "rows": delivery.rows,
        "bytes": delivery.bytes,
        "sha256": delivery.sha256,
    }


def _prepare(claim: Claim, asked: Asked) -> dict[str, Any]:
    settings = claim.settings
    _clear(claim, asked)
    with Session(engine(settings.app_database_url)) as session:
        release = door.authorise(session, asked.grant_id, asked.request)
        _remember(session, claim, release)
        try:
            with HashingSpool(settings.home / "scratch") as spool:
                written, packed = _written(claim, asked, release, cast(BinaryIO, spool))
                with transaction(settings.app_database_url) as own:
                    extract_id = extracts.record(own, settings, release, written.rows)
                objects(settings).put(
                    asked.object_key, spool.rewind(), length=written.size, media_type=MEDIA_TYPES[asked.format]
                )
            return _prepared(session, claim, asked, release, written, packed, extract_id)
        except Exception as error:
            session.rollback()
            _leave_nothing(session, claim, asked, release, error)
            raise


def _clear(claim: Claim, asked: Asked) -> None:
    """Remove what killed attempts left: nothing is prepared yet, and only who holds the work can prepare it."""
    store = objects(claim.settings)
    for key in list(store.keys(asked.folder)):
        store.remove(key)


def _remember(session: Session, claim: Claim, release: Release) -> None:
    """Note which door this attempt opened, so that the next one can close it."""
    work = owned(session, claim.work_id, claim.token)
    work.result = {"release": str(release.id)}
    session.commit()


def _written(claim: Claim, asked: Asked, release: Release, sink: BinaryIO) -> tuple[Written, Packed | None]:
    if asked.format is not FileFormat.PACKAGE:
        return WRITERS[asked.format](release, claim.settings, sink), None
    packed = write_package(claim.settings, asked.id, asked.number, release, sink)
    return packed.written, packed


def _prepared(
    session: Session,
    claim: Claim,
    asked: Asked,
    release: Release,
    written: Written,
    packed: Packed | None,
    extract_id: uuid.UUID | None,
) -> dict[str, Any]:
    """One transaction: the delivery is prepared, the work done, the door closed."""
    work = owned(session, claim.work_id, claim.token)
    delivery = mark_prepared(
        session,
        asked.id,
        release_id=release.id,
        object_key=asked.object_key,
        file_name=asked.file_name,
        rows=written.rows,
        size=written.size,
        sha256=written.sha256,
        recipient_key_id=packed.recipient_key_id if packed else None,
        statement=packed.statement if packed else None,
    )
    result = _told(delivery)
    finish(session, work, result)
    door.complete(session, release, rows=written.rows, size=written.size, digest=written.sha256, extract_id=extract_id)
    return result


def _leave_nothing(session: Session, claim: Claim, asked: Asked, release: Release, error: Exception) -> None:
    """Close the door after a failure; this attempt's file does not stay, unless its commit went through after all."""
    door.abandon(session, release.id, type(error).__name__)
    session.commit()
    if session.get_one(Delivery, asked.id, populate_existing=True).object_key != asked.object_key:
        objects(claim.settings).remove(asked.object_key)
