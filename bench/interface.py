"""An interface answer of one row, everything on, beside an empty Flask route on the same server."""

import orjson

from adapters.services.ports import Ports
from bench import empty, load
from bench.figures import Figure
from portal.demo.made_data import Register
from portal.demo.stage import Stage
from portal.demo.story.applying import PURPOSE
from portal.demo.story.delivering import MATTER, tax_program

SECONDS = 10.0
GOAL = 0.2


def measure(stage: Stage) -> list[Figure]:
    """Requests per second of one program that looks one company up, and of the empty route."""
    code = str(next(iter(Register(rows=stage.rows)))[0])
    question = {"key": {"credit_code": code}, "purpose": PURPOSE, "matter": MATTER}
    headers = {"Authorization": f"Bearer {tax_program(stage).token()}", "Content-Type": "application/json"}
    url = f"{stage.settings.portal_url}/api/v1/grants/{stage.made['grant.tax']}/records"
    body = orjson.dumps(question)
    load.run(url, SECONDS / 5, headers=headers, body=body)
    answered = load.run(url, SECONDS, headers=headers, body=body)
    with empty.serving(Ports.free().portal) as nothing:
        load.run(nothing, SECONDS / 5)
        limit = load.run(nothing, SECONDS)
    stage.say(
        f"interface: {answered.per_second:.0f}/s, half within {answered.percentile(0.5) * 1000:.1f} ms, "
        f"99 % within {answered.percentile(0.99) * 1000:.1f} ms; empty route {limit.per_second:.0f}/s"
    )
    return [Figure.beside("interface answer of one row", answered.per_second, "1/s", limit.per_second, GOAL)]
