"""An interface answer of one row, everything on, beside an empty Flask route on the same server."""

from functools import partial
from statistics import median

import orjson

from adapters.services.ports import Ports
from bench import empty, load
from bench.figures import Figure
from portal.demo.made_data import Register
from portal.demo.stage import Stage
from portal.demo.story.applying import PURPOSE
from portal.demo.story.delivering import MATTER, tax_program

ROUNDS = 3
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
    return [Figure.beside("interface answer of one row", median(answered), "1/s", median(limit), GOAL)]
