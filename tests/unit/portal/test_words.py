"""Pages speak in words: every kind of evidence has a title, every reason of a set-aside row is said."""

import ast
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from flask import Flask

from oversight.anomalies.scoring import EXPLANATION_MESSAGES
from pipelines.ingest.keys import DUPLICATE
from portal import api
from portal.evidence_kinds import EVIDENCE_KINDS
from portal.filters import coded, row_reason
from portal.i18n import TwoLanguages
from portal.labels import LABELS
from portal.languages import CHINESE
from portal.layout import WITHIN
from portal.messages import places
from portal.page_titles import TITLES, page_called
from portal.pages import ALL
from portal.refusal_reasons import REASONS, refusal_code
from schemas.identifiers.faults import Fault
from schemas.row_checks import Reason

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("audit", "directory", "exchange", "oversight", "pipelines", "portal")
KIND = re.compile(r"[a-z_]+\.[a-z_]+")
WRITERS = {"append", "refused", "_follow", "_note", "_record", "_reviewed"}


def kinds_written() -> set[str]:
    """Words of the form of a kind that are handed to what writes evidence, or stand beside such words."""
    found: set[str] = set()
    nouns = {kind.partition(".")[0] for kind in EVIDENCE_KINDS}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if {"demo", "pages"} & set(path.relative_to(ROOT).parts):
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _name(node.func) in WRITERS:
                    first = node.args[:1] if _name(node.func) == "refused" else node.args
                    texts = [arg.value for arg in first if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
                    found |= {text for text in texts if KIND.fullmatch(text) and text.partition(".")[0] in nouns}
    return found


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_every_kind_of_evidence_has_a_title() -> None:
    written = kinds_written()
    assert {"grant.opened", "dataset.requested", "resource.change_recorded"} <= written
    assert written - set(EVIDENCE_KINDS) == set()


def test_every_group_of_kinds_and_every_figure_of_a_finding_has_a_label() -> None:
    assert {kind.partition(".")[0] for kind in EVIDENCE_KINDS} - set(LABELS["KindGroup"]) == set()
    explained = {place for text in EXPLANATION_MESSAGES.values() for place in places(text)}
    assert {"day", "value", "runs", "from_hour"} <= explained
    assert explained - set(LABELS["Measured"]) == set()


def test_every_refusal_that_has_words_is_one_that_happens() -> None:
    texts = {
        node.value
        for room in (*ROOMS, "adapters")
        for path in (ROOT / room).rglob("*.py")
        if path.name != "refusal_reasons.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    bare = re.compile(r"^(?:release|account)\.")
    assert {code for code in REASONS if code not in texts and bare.sub("", code) not in texts} == set()


def test_every_refusal_of_a_known_caller_has_words() -> None:
    codes = {
        node.args[0].value
        for room in (*ROOMS, "adapters")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _name(node.func) in {"NotAllowed", "Denied"}
        if node.args and isinstance(node.args[0], ast.Constant)
    }
    assert {"access.role", "permission.case", "password.given"} <= codes
    assert codes - set(REASONS) == set()


def test_a_refusal_is_read_from_its_entry() -> None:
    assert refusal_code({"code": "permission.role"}) == "permission.role"
    assert refusal_code({"mode": "FILES", "reason": "quota", "items": []}) == "release.quota"
    assert refusal_code({"reason": "frozen"}) == "account.frozen"
    assert refusal_code({"reason": "依据不足"}) == refusal_code(None) == ""


def test_every_reason_of_a_row_set_aside_is_said() -> None:
    assert {*Reason, *Fault, DUPLICATE} - set(LABELS["RowReason"]) == set()


def test_a_reason_names_the_items() -> None:
    items = cast(Any, [SimpleNamespace(field_name="code", name="代码"), SimpleNamespace(field_name="day", name="日期")])
    assert row_reason("code:CHECK_DIGIT", items) == "代码: wrong check character"
    assert row_reason("code+day:DUPLICATE", items) == "代码 + 日期: repeated key"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Run `shuniu key new` first.", "Run <code>shuniu key new</code> first."),
        ("<b> & `<i>`", "&lt;b&gt; &amp; <code>&lt;i&gt;</code>"),
        ("one ` alone", "one ` alone"),
    ],
)
def test_commands_in_sentences_are_code(text: str, html: str) -> None:
    assert str(coded(text)) == html


def test_every_page_and_address_that_refuses_somebody_has_a_name() -> None:
    app = Flask("portal", static_folder=None)
    for blueprint in (*(part.blueprint for part in ALL), *api.ALL):
        app.register_blueprint(blueprint)
    endpoints = set(app.view_functions)
    assert {"applications.show", "api_grants.show", "people.give_role"} <= endpoints
    parts = {endpoint.partition(".")[0] for endpoint in endpoints}
    assert parts - set(TITLES) == set()
    assert set(TITLES) - parts - endpoints == set()


def test_a_page_of_former_days_and_no_page_at_all_are_called_as_they_were_written() -> None:
    app = Flask("portal", static_folder=None)
    TwoLanguages(app, default_locale=CHINESE)
    with app.test_request_context():
        called = [
            page_called(endpoint) for endpoint in ("", "preferences.language", "needs.gone", "gone.page", "Draft")
        ]
    assert called == ["页面“”", "页面“语言”", "页面“共享需求”", "页面“gone.page”", "页面“Draft”"]


def test_parts_lie_under_an_entry_of_the_navigation() -> None:
    own = {entry.endpoint.partition(".")[0] for part in ALL for entry in part.navigation}
    assert set(WITHIN.values()) <= own
    assert set(WITHIN) <= {part.blueprint.name for part in ALL}
