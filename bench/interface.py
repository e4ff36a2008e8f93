"""An interface answer of one row, everything on, beside an empty Flask route on the same server."""

import time
import uuid
from collections.abc import Callable
from functools import partial
from statistics import median

import orjson
from sqlalchemy.orm import Session

from adapters.database import single_statements
from adapters.services.ports import LOOPBACK, Ports
from bench import empty, load
from bench.figures import Figure
from directory.people.tokens import actor_of_bearer
from exchange.modes.interface import look_up
from exchange.readers import rows_by_key
from exchange.release import ReleaseRequest, check
from portal.demo.made_data import Register
from portal.demo.stage import Stage
from portal.demo.story.applying import PURPOSE
from portal.demo.story.delivering import MATTER, tax_program
from schemas.words import Mode

ROUNDS = 3
CALLS = 300
SECONDS = 5.0
GOAL = 0.2


def measure(stage: Stage) -> list[Figure]:
    """Requests per second of one program that looks one company up, and of the empty route; medians, in turns."""
    code = str(next(iter(Register(rows=stage.rows)))[0])
    question = {"key": {"credit_code": code}, "purpose": PURPOSE, "matter": MATTER}
    headers = {"Authorization": f"Bearer {tax_program(stage).token()}", "Content-Type": "application/json"}
    url = f"{stage.settings.portal_url}/api/v1/grants/{stage.made['grant.tax']}/records"
    ask = partial(load.run, url, headers=headers, body=orjson.dumps(question))
    answered, limit = [], []
    with empty.serving(Ports.free().portal) as nothing:
        ask(seconds=SECONDS)
        load.run(nothing, SECONDS)
        for _ in range(ROUNDS):
            came = ask(seconds=SECONDS)
            answered.append(came.per_second)
            limit.append(load.run(nothing, SECONDS).per_second)
            stage.say(
                f"interface: {answered[-1]:.0f}/s, half within {came.percentile(0.5) * 1000:.1f} ms, "
                f"99 % within {came.percentile(0.99) * 1000:.1f} ms; empty route {limit[-1]:.0f}/s"
            )
    figure = Figure.beside("interface answer of one row", median(answered), "1/s", median(limit), GOAL)
    return [figure, *_evidence_of_a_call(stage, {"credit_code": code})]


def _evidence_of_a_call(stage: Stage, key: dict[str, str]) -> list[Figure]:
    """What evidence adds to one call, one call after the other in this process: microseconds, and per cent."""
    settings, grant = stage.settings, uuid.UUID(stage.made["grant.tax"])
    with Session(single_statements(settings.app_database_url)) as session:
        actor = actor_of_bearer(session, tax_program(stage).token(), LOOPBACK)
        assert actor is not None
        request = ReleaseRequest(actor, Mode.INTERFACE, PURPOSE, MATTER, subjects=key)

        def bare() -> None:
            rows_by_key(check(session, grant, request), settings, key, 1)

        def whole() -> None:
            look_up(session, settings, grant, request, key, 1)

        pairs = [(_seconds(whole), _seconds(bare)) for _ in range(ROUNDS)]
    own, without = (median(side) for side in zip(*pairs, strict=True))
    return [
        Figure.told("evidence added to an interface call", (own - without) * 1e6, "µs"),
        Figure.told("the same, of the call without it", (own / without - 1) * 100, "%"),
    ]


def _seconds(act: Callable[[], None]) -> float:
    act()
    began = time.perf_counter()
    for _ in range(CALLS):
        act()
    return (time.perf_counter() - began) / CALLS
