"""Point 5: the same grant in four modes through the one door; universal data for everybody; one item for nobody."""

import base64
import io
import tempfile
import uuid
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq
from sqlalchemy.orm import Session

from audit.actor import Actor
from exchange.deliveries.acknowledge import acknowledge
from exchange.deliveries.models import FileFormat
from exchange.grants.queries import for_resource
from exchange.modes.browse import page
from exchange.release import ReleaseRequest
from portal.demo.arrivals import Arrived, Order, ask, confirm, receive, requested
from portal.demo.cast import TAX
from portal.demo.commands import shuniu
from portal.demo.entries import REPRESENTATIVE_ID
from portal.demo.market import market, register
from portal.demo.program import Program, fetch
from portal.demo.stage import Stage, expect
from portal.demo.story import applying, objecting
from portal.demo.story.catalogue import DIVISIONS_ENTRY, resource_id_of
from portal.demo.story.people import keys_of
from schemas.words import Mode

MATTER = "税务登记 2026-10-0412"
ANYBODYS_PURPOSE = "统一规范地址登记"
HIDDEN_SAMPLE = 200
"""So many values of the refused item are looked for in everything that arrived."""


def call_the_interface(stage: Stage) -> str:
    """The tax bureau's program looks one company up over HTTP; the refused item is neither answered nor a key."""
    program = tax_program(stage)
    code = _a_code(stage)
    records = f"/api/v1/grants/{stage.made['grant.tax']}/records"
    question = {"key": {"credit_code": code}, "purpose": applying.PURPOSE, "matter": MATTER}
    answer = program.post(records, question)
    expect(answer.status == 200, f"an answer of the interface, not {answer.status} {answer.body[:300]!r}")
    source = market(stage).row(code)
    expected = {name: source[name] for name in applying.AGREED_ITEMS}
    expect(answer.json["rows"] == [expected], f"the row as the source has it, not {answer.json['rows']}")
    _hide(stage, pa.Table.from_pylist(answer.json["rows"]))
    for wrong in (
        question | {"items": [REPRESENTATIVE_ID]},
        question | {"key": {REPRESENTATIVE_ID: str(source[REPRESENTATIVE_ID])}},
        question | {"purpose": "统计分析"},
    ):
        refused = program.post(records, wrong)
        expect(refused.status == 403, f"{wrong} to be refused, not answered with {refused.status}")
    unknown = Program(stage.settings.portal_url, "", "", token="nobody-issued-this")
    expect(unknown.post(records, question).status == 401, "a token that nobody issued to be refused")
    return f"one row by code, five items; {REPRESENTATIVE_ID}, another purpose and a false token refused"


def deliver_files(stage: Stage) -> str:
    """Parquet and CSV, made by Airflow, fetched by signed address, acknowledged; equal to each other and whole."""
    orders = [_tax_order(stage, str(form).lower(), Mode.FILES, form) for form in (FileFormat.PARQUET, FileFormat.CSV)]
    asked = [ask(stage, order) for order in orders]
    parquet, text = (receive(stage, order, one) for order, one in zip(orders, asked, strict=True))
    table = pq.read_table(io.BytesIO(parquet.body))
    lines = _lines(text.body)
    for found in (table, lines):
        expect(tuple(found.column_names) == applying.AGREED_ITEMS, f"the five items, not {found.column_names}")
        expect(found.num_rows == good_rows(stage), f"{good_rows(stage)} rows, not {found.num_rows}")
    expect(lines["credit_code"].to_pylist() == table["credit_code"].to_pylist(), "the same rows in both files")
    for order, arrived, found in zip(orders, (parquet, text), (table, lines), strict=True):
        _hide(stage, found)
        confirm(stage, order, arrived)
    sizes = ", ".join(f"{len(arrived.body) / 1e6:.1f} MB" for arrived in (parquet, text))
    return f"{table.num_rows} rows as Parquet and CSV ({sizes}) through Airflow, acknowledged"


def browse_without_a_copy(stage: Stage) -> str:
    """The human-resources bureau looks at a page of its four items; each page is a release of its own."""
    request = partial(ReleaseRequest, mode=Mode.BROWSE, purpose=objecting.PURPOSE, matter="社保稽核 2026-77")

    def look(session: Session, actor: Actor) -> list[dict[str, Any]]:
        return page(session, stage.settings, uuid.UUID(stage.made["grant.hr"]), request(actor=actor)).rows

    rows = stage.act("matao", look)
    expect(bool(rows) and all(tuple(row) == objecting.ITEMS for row in rows), "a page of the four items")
    _hide(stage, pa.Table.from_pylist(rows))

    grant = uuid.UUID(stage.made["grant.hr"])
    copy = Order("hr.copy", "matao", grant, Mode.FILES, FileFormat.CSV, objecting.PURPOSE, "社保稽核 2026-77")
    stage.refused("matao", requested(copy), "release.mode")
    return f"a page of {len(rows)} rows; a file under the same grant refused"


def deliver_offline(stage: Stage) -> str:
    """A package encrypted to the requester's key, opened with `shuniu offline open` in an empty folder."""
    order = _tax_order(stage, "package", Mode.OFFLINE, FileFormat.PACKAGE)
    arrived = receive(stage, order, ask(stage, order))
    keys = keys_of(stage, TAX)
    with tempfile.TemporaryDirectory(prefix="shuniu-demo-") as folder:
        opened = Path(folder)
        (opened / "package.shuniu").write_bytes(arrived.body)
        said = shuniu(
            opened,
            *("offline", "open", "package.shuniu", "--out", "opened", "--hub-key", hub_key(stage)),
            *("--receive-key", str(keys / "receive.age"), "--sign-key", str(keys / "sign.pem")),
            "--again",  # the story can be told again with the same keys
        )
        receipt = orjson.loads((opened / "package.receipt.json").read_bytes())
        files = sorted((opened / "opened").iterdir())
        rows = _check_opened(stage, files)
    _acknowledge_package(stage, order, arrived, receipt)
    return f"{said.splitlines()[0]} {rows} rows; receipt signed with the agency's key and acknowledged"


def share_with_everybody(stage: Stage) -> str:
    """Divisions reach every agency without an application: by interface, and the whole of China as a file."""
    resource = resource_id_of(stage, DIVISIONS_ENTRY)
    grants = {
        login: stage.act(login, lambda session, actor: [one.id for one in for_resource(session, actor, resource)])
        for login in ("linjia", "matao", "xuhai")
    }
    expect(len({tuple(found) for found in grants.values()}) == 1 and len(grants["matao"]) == 1, "one standing grant")
    standing = grants["matao"][0]
    question = {"key": {"code": "310101"}, "purpose": ANYBODYS_PURPOSE, "matter": MATTER}
    answer = tax_program(stage).post(f"/api/v1/grants/{standing}/records", question)
    expect(answer.status == 200 and answer.json["rows"][0]["name"] == "黄浦区", f"310101, not {answer.body[:200]!r}")
    purpose, matter = ANYBODYS_PURPOSE, "社保参保地址 2026-5"
    order = Order("divisions", "matao", standing, Mode.FILES, FileFormat.CSV, purpose, matter)
    arrived = receive(stage, order, ask(stage, order))
    confirm(stage, order, arrived)
    expect(arrived.rows == sum(stage.made["divisions.counts"].values()), "every division in the file")
    return f"one standing grant for all; 310101 is 黄浦区; {arrived.rows} rows as a file without an application"


def return_to_today(stage: Stage) -> str:
    """The case clock goes back to the system's; what was granted is still in force."""
    if "clock.returned" not in stage.made:
        stage.return_clock()
        stage.made["clock.returned"] = True
    return f"the case clock shows {stage.today()}"


def tax_program(stage: Stage) -> Program:
    """The program that the tax bureau's administrator registered."""
    return Program(stage.settings.portal_url, stage.made["client.id"], stage.made["client.secret"])


def good_rows(stage: Stage) -> int:
    """How many of the market regulator's rows are good."""
    return stage.rows - register(stage).bad_rows


def hub_key(stage: Stage) -> str:
    """The hub's public key, as the portal tells everybody."""
    answer = fetch(f"{stage.settings.portal_url}/api/v1/keys")
    expect(answer.status == 200, f"the hub's public keys, not status {answer.status}")
    key: str = answer.json["hub"]["public_key"]
    return key


def _tax_order(stage: Stage, name: str, mode: Mode, form: FileFormat) -> Order:
    grant = uuid.UUID(stage.made["grant.tax"])
    return Order(f"tax.{name}", "linjia", grant, mode, form, applying.PURPOSE, MATTER)


def _a_code(stage: Stage) -> str:
    """A code of the made register: that of its first row, which is always good."""
    return str(next(iter(register(stage)))[0])


def _hide(stage: Stage, arrived: pa.Table) -> None:
    """Look for the refused item, by its name and by its values in any column, in what left the hub, as it reads."""
    expect(REPRESENTATIVE_ID not in arrived.column_names, f"no {REPRESENTATIVE_ID} in what arrived")
    values = {str(row[3]) for _, row in zip(range(HIDDEN_SAMPLE), register(stage), strict=False)}
    for name in arrived.column_names:
        found = pc.is_in(pc.cast(arrived[name], pa.string()), value_set=pa.array(sorted(values)))
        expect(not pc.any(found).as_py(), f"no value of {REPRESENTATIVE_ID} in {name}")


def _lines(body: bytes) -> pa.Table:
    """A CSV file's columns as text."""
    as_text = pv.ConvertOptions(column_types=dict.fromkeys((*applying.AGREED_ITEMS, REPRESENTATIVE_ID), pa.string()))
    return pv.read_csv(io.BytesIO(body), convert_options=as_text)


def _check_opened(stage: Stage, files: Iterable[Path]) -> int:
    """The rows of an opened package; the refused item is in none of its files."""
    rows = 0
    for path in files:
        table = pq.read_table(path) if path.suffix == ".parquet" else _lines(path.read_bytes())
        _hide(stage, table)
        expect(tuple(table.column_names) == applying.AGREED_ITEMS, f"the five items, not {table.column_names}")
        rows += table.num_rows if path.suffix == ".parquet" else 0
    expect(rows == good_rows(stage), f"{good_rows(stage)} rows in the package, not {rows}")
    return rows


def _acknowledge_package(stage: Stage, order: Order, arrived: Arrived, receipt: dict[str, Any]) -> None:
    given = partial(
        acknowledge,
        delivery_id=arrived.delivery_id,
        accepted=True,
        receipt=receipt["receipt"],
        signature=base64.b64decode(receipt["signature"]),
    )
    unsigned = partial(acknowledge, delivery_id=arrived.delivery_id, accepted=True, sha256=arrived.sha256)
    if f"delivery.{order.name}.acknowledged" not in stage.made:
        stage.refused(order.login, unsigned, "delivery.receipt_needed")
    stage.once(f"delivery.{order.name}.acknowledged", order.login, given)
