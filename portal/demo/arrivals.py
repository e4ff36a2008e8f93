"""Files that leave the hub: asked for, made by Airflow, fetched by the portal's signed address, acknowledged."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy.orm import Session

from audit.actor import Actor
from exchange.deliveries import queries
from exchange.deliveries.acknowledge import acknowledge
from exchange.deliveries.address import signed_address
from exchange.deliveries.models import Delivery, DeliveryState, FileFormat
from exchange.deliveries.request import request
from portal.demo.program import fetch
from portal.demo.stage import Stage, Unexpected, Verb, expect
from schemas.words import Mode

PREPARED_SECONDS = 600.0
ADDRESS_LIFETIME = timedelta(minutes=10)
READY = {DeliveryState.PREPARED, DeliveryState.DELIVERED, DeliveryState.ACKNOWLEDGED}


@dataclass(frozen=True)
class Order:
    """A delivery that a person asks for.

    Args:
        name: how the story calls it.
        login: who asks, fetches and acknowledges.
        matter: the case that the agency handles with the data.
    """

    name: str
    login: str
    grant_id: uuid.UUID
    mode: Mode
    format: FileFormat
    purpose: str
    matter: str


@dataclass(frozen=True)
class Arrived:
    """What arrived, as the receiver has it."""

    delivery_id: uuid.UUID
    number: str
    body: bytes
    sha256: str
    rows: int


def requested(order: Order) -> Verb[Delivery]:
    """What the person does who asks."""
    return partial(
        request,
        grant_id=order.grant_id,
        mode=order.mode,
        format=order.format,
        purpose=order.purpose,
        matter=order.matter,
    )


def ask(stage: Stage, order: Order) -> uuid.UUID:
    """Ask for a delivery once, and wake Airflow as the portal does it."""
    known = f"delivery.{order.name}" in stage.made
    delivery_id = stage.make(f"delivery.{order.name}", order.login, requested(order))
    if not known:
        work = stage.read(lambda session: session.get_one(Delivery, delivery_id).work_id)
        if work is not None:
            stage.wake(work)
    return delivery_id


def receive(stage: Stage, order: Order, delivery_id: uuid.UUID) -> Arrived:
    """Wait until Airflow has made it, fetch it by its signed address, and compare its digest with the one stated."""
    _wait(stage, order, delivery_id)

    def address(session: Session, actor: Actor) -> tuple[str, str, str, int]:
        delivery = queries.detail(session, actor, delivery_id)
        path, _ = signed_address(stage.settings.secret_key, delivery, actor, ADDRESS_LIFETIME)
        return path, delivery.number, delivery.sha256, delivery.rows

    path, number, sha256, rows = stage.act(order.login, address)
    forged = path[:-1] + ("0" if path[-1] != "0" else "1")
    refused = fetch(stage.settings.portal_url + forged)
    expect(refused.status == 403, f"a forged address to be refused, not answered with {refused.status}")
    answer = fetch(stage.settings.portal_url + path)
    expect(answer.status == 200, f"the file at its signed address, not status {answer.status}")
    expect(hashlib.sha256(answer.body).hexdigest() == sha256, "the digest of what arrived to be the one stated")
    return Arrived(delivery_id, number, answer.body, sha256, rows)


def confirm(stage: Stage, order: Order, arrived: Arrived) -> None:
    """Acknowledge a file by the digest of what arrived."""
    given = partial(acknowledge, delivery_id=arrived.delivery_id, accepted=True, sha256=arrived.sha256)
    stage.once(f"delivery.{order.name}.acknowledged", order.login, given)


def _wait(stage: Stage, order: Order, delivery_id: uuid.UUID) -> None:
    def look() -> bool | None:
        state, problem = stage.act(order.login, partial(_state, delivery_id=delivery_id))
        if state not in READY | {DeliveryState.REQUESTED}:
            raise Unexpected(
                "demo.delivery", "The delivery {name} is {state}: {why}", name=order.name, state=state, why=problem
            )
        return True if state in READY else None

    stage.wait(f"Airflow prepares {order.name}", look, PREPARED_SECONDS)


def _state(session: Session, actor: Actor, delivery_id: uuid.UUID) -> tuple[str, str]:
    delivery = queries.detail(session, actor, delivery_id)
    return delivery.state, delivery.problem
