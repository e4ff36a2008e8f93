import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.code_lists import code_list
from schemas.contracts import openapi_schemas, schema, schema_names, validate
from schemas.packaged import read_json
from schemas.profile import Kind, profile

ID = "5f0c1e9a-31f3-4b1e-9d0a-0d6a3a4f2b11"
BASIS = {"kind": "LAW", "document": "中华人民共和国税收征收管理法", "number": "主席令第49号", "article": "第六条"}
ITEM = {
    "position": 1,
    "name": "名称",
    "field_name": "name",
    "data_type": "CHARACTER",
    "length": 100,
    "nullable": False,
    "is_key": False,
    "description": None,
    "share_attribute": "UNIVERSAL",
    "share_condition": None,
    "basis": None,
    "open_attribute": "NOT_OPEN",
    "sensitivity": "NONE",
    "identifier_kind": None,
    "masking": None,
    "code_list": None,
}
SIGNATURE = "A" * 86 + "=="
BODIES: dict[str, dict[str, Any]] = {
    "anomaly-rule": {"on": True, "figures": {"factor": 8}, "reason": "本市用量较大"},
    "anomaly-rules": read_json("anomalies", "rules"),
    "record-query": {"key": {"credit_code": "91350100M000100Y43"}, "purpose": "核验", "matter": "办件-1"},
    "agency-registration": {"credit_code": "91350100M000100Y43", "short_code": "MZJ", "name": "民政局"},
    "catalogue-entry": {
        "name": "行政区划", "abstract": "全国行政区划代码与名称", "keywords": ["区划"], "resource_class": "BASE",
        "theme": "GEOGRAPHY", "classification_code": "103001", "format": "DATABASE", "update_cycle": "YEARLY",
        "subject_kind": "OTHER", "modes": ["FILES"], "secrecy_level": "NON_SECRET", "network": "GOVERNMENT_EXTRANET",
        "items": [ITEM],
    },
    "catalogue-review": {"accurate": True, "complete": True, "compliant": True, "comment": ""},
    "secrecy-review": {"passed": True, "document": "密审〔2026〕1号"},
    "application": {
        "version_id": ID, "items": ["name"], "scope": "本市企业", "purpose": "税务登记核验", "duty": "税收征收管理法",
        "modes": ["INTERFACE"], "term_to": "2027-12-31", "quota_rows": 1000,
        "row_condition": {"field": "division", "operator": "PREFIX", "values": ["3101"]},
    },
    "hand-over": {"handed_over_on": "2026-11-23", "proof": "EMS 1234"},
    "written-receipt": {"received_on": "2026-11-24", "receiver": "王某"},
    "receipt-settlement": {"received_on": "2026-11-24", "reason": "以快递签收为准"},
    "answer": {
        "reason": "按需提供",
        "items": [
            {"field_name": "name", "decision": "AGREED", "reason": "履职需要"},
            {"field_name": "holder", "decision": "REFUSED", "reason": "法律禁止", "basis": BASIS},
        ],
    },
    "agreement-signature": {"signature": SIGNATURE},
    "need": {"provider_id": ID, "description": "户籍变动", "purpose": "参保核验", "duty": "社会保险法"},
    "need-answer": {"decision": "ACCEPTED", "answer": "将编目"},
    "dispute": {"text": "请求协调"},
    "question": {"agency_id": ID, "question": "是否属于规章禁止"},
    "conclusion": {"outcome": "ANSWER_ANEW", "text": "请重新答复"},
    "ruling": {"outcome": "RULED_TO_SHARE", "text": "应当共享", "document": "会议纪要〔2026〕3号"},
    "reason": {"reason": "到期"},
    "delivery-request": {
        "grant_id": ID, "mode": "FILES", "format": "CSV", "purpose": "核验", "matter": "SWJ-2026-1"
    },
    "acknowledgement": {"sha256": "0" * 64, "accepted": True, "signature": SIGNATURE},
    "token-request": {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"},
    "key-challenge": {"purpose": "SIGN", "public_key": "A" * 43 + "="},
    "key-proof": {"challenge_id": ID, "answer": SIGNATURE},
    "holiday-calendar": {
        "year": 2027, "document": "国办发明电〔2026〕1号", "title": "2027", "makeup_days": ["2027-01-03"],
        "holidays": [{"name": "元旦", "from": "2027-01-01", "to": "2027-01-01"}],
    },
    "problem": {"type": "about:blank", "title": "Not found", "status": 404},
    "page": {"items": [{"id": ID}], "next_cursor": None},
}  # fmt: skip


def problems(contract: str, /, **changes: Any) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in validate(contract, BODIES[contract] | changes)]


def test_every_contract_has_a_body_that_fits_it() -> None:
    assert set(BODIES) == set(schema_names()) - {"common"}
    for name in BODIES:
        assert problems(name) == [], name


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("agency-registration", {"credit_code": "91350100M000100Y44"}, [("/credit_code", "format.credit-code")]),
        ("agency-registration", {"short_code": "民政"}, [("/short_code", "pattern")]),
        ("agency-registration", {"parent_id": "1"}, [("/parent_id", "format.uuid")]),
        ("agency-registration", {"valid_from": "2026-02-30"}, [("/valid_from", "format.date")]),
        ("agency-registration", {"valid_from": "20260201"}, [("/valid_from", "format.date")]),
        ("agency-registration", {"colour": "red"}, [("/colour", "unknown_field")]),
        ("agency-registration", {"a/b~c": 1}, [("/a~1b~0c", "unknown_field")]),
        ("agency-registration", {"name": "  "}, [("/name", "blank")]),
        ("catalogue-entry", {"items": [{**ITEM, "length": 5.0}]}, [("/items/0/length", "type")]),
        ("catalogue-entry", {"items": [{**ITEM, "length": True}]}, [("/items/0/length", "type")]),
        ("catalogue-entry", {"items": [{**ITEM, "masking": "BLUR"}]}, [("/items/0/masking", "enum")]),
        ("catalogue-entry", {"items": [{**ITEM, "field_name": "_row"}]}, [("/items/0/field_name", "pattern")]),
        ("catalogue-entry", {"classification_code": "30"}, [("/classification_code", "format.classification-code")]),
        ("catalogue-entry", {"modes": ["FILES", "FILES"]}, [("/modes", "uniqueItems")]),
        ("catalogue-review", {"accurate": False}, [("/reasons", "required")]),
        ("catalogue-review", {"accurate": False, "reasons": []}, [("/reasons", "too_few")]),
        ("catalogue-review", {"reasons": [{"path": "/name", "reason": "x"}]}, [("/reasons", "too_many")]),
        ("application", {"items": []}, [("/items", "too_few")]),
        ("application", {"purpose": "x" * 4001}, [("/purpose", "too_long")]),
        ("application", {"quota_rows": 0}, [("/quota_rows", "minimum")]),
        ("application", {"row_condition": {"field": "a", "operator": "LIKE", "values": ["x"]}},
         [("/row_condition/operator", "enum")]),
        ("answer", {"items": [{"field_name": "a", "decision": "REFUSED", "reason": "x"}]},
         [("/items/0/basis", "required")]),
        ("answer", {"items": [{"field_name": "a", "decision": "REFUSED", "reason": "x", "basis": None}]},
         [("/items/0/basis", "type")]),
        ("agreement-signature", {"signature": "AAAA"}, [("/signature", "format.ed25519-signature")]),
        ("delivery-request", {"mode": "OFFLINE"}, [("/format", "const")]),
        ("delivery-request", {"format": "PACKAGE"}, [("/format", "enum")]),
        ("acknowledgement", {"sha256": "0" * 63}, [("/sha256", "pattern")]),
        ("acknowledgement", {"accepted": "yes"}, [("/accepted", "type")]),
    ],
)  # fmt: skip
def test_each_kind_of_mistake_is_named_by_its_place(
    name: str, changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert problems(name, **changes) == expected


@pytest.mark.parametrize("name", sorted(BODIES))
def test_what_is_required_is_missed_and_what_is_unknown_refused(name: str) -> None:
    required = schema(name)["required"]
    assert [problem.pointer for problem in validate(name, {}) if problem.code == "required"][: len(required)] == [
        f"/{key}" for key in required
    ]
    assert [problem.code for problem in validate(name, [])] == ["type"]
    if name not in ("problem", "page"):
        assert ("/surprise", "unknown_field") in problems(name, surprise=1)


def test_contracts_are_right_schemas_with_bounds_everywhere() -> None:
    for name in schema_names():
        Draft202012Validator.check_schema(schema(name))
        _check_bounds(schema(name), name)


def _check_bounds(node: Any, path: str) -> None:
    if isinstance(node, list):
        for number, member in enumerate(node):
            _check_bounds(member, f"{path}/{number}")
    if not isinstance(node, dict):
        return
    kinds = node.get("type", ())
    if "string" in kinds:
        assert "maxLength" in node or "enum" in node, path
    if "array" in kinds:
        assert "maxItems" in node, path
    if "integer" in kinds:
        assert "maximum" in node, path
    if node.get("type") == "object" and "properties" in node and path.split("/")[0] not in ("problem", "page"):
        assert node.get("additionalProperties") is False or path.endswith("/then/properties/basis"), path
    for key, member in node.items():
        _check_bounds(member, f"{path}/{key}")


def test_contract_and_metadata_profile_of_an_entry_agree() -> None:
    entry = schema("catalogue-entry")["properties"]
    item = schema("common")["$defs"]["dataItem"]["properties"]
    basis = schema("common")["$defs"]["basis"]["properties"]
    for rules, contract in ((profile().entry, entry), (profile().item, item), (profile().basis, basis)):
        for name, rule in rules.items():
            if rule.kind is Kind.TEXT and name not in ("classification_code", "field_name"):
                assert contract[name]["maxLength"] == rule.max, name
            if rule.kind is Kind.CODE and "enum" in contract[name]:
                allowed = [code for code in contract[name]["enum"] if code is not None]
                assert allowed == [code.code for code in code_list(rule.codes).items], name
    assert entry["items"]["maxItems"] == profile().most_items


def test_openapi_gets_contracts_whose_references_lead_somewhere() -> None:
    described = openapi_schemas()
    text = json.dumps(described)
    assert "shuniu:" not in text
    assert "$id" not in text
    whole = {"components": {"schemas": described}}
    for place in {part.split('"')[0] for part in text.split('"$ref": "#/')[1:]}:
        node: Any = whole
        for step in place.split("/"):
            node = node[step]


def test_a_problem_says_what_to_do() -> None:
    body = BODIES["catalogue-entry"] | {"name": "区", "abstract": " " * 4, "update_cycle": "OFTEN", "theme": "X"}
    assert [problem.message for problem in validate("catalogue-entry", body)] == [
        "At least 2 characters are needed. Say more.",
        "This is blank. Fill it in.",
        "This is none of the values allowed here: "
        + ", ".join(code.code for code in code_list("themes").items)
        + ", null.",
        "This is none of the values allowed here: REAL_TIME, HOURLY, DAILY, WEEKLY, TEN_DAYS, MONTHLY, QUARTERLY, "
        "HALF_YEARLY, YEARLY, IRREGULAR.",
    ]


def test_many_mistakes_are_answered_with_a_hundred() -> None:
    assert len(validate("application", BODIES["application"] | {"items": [1] * 5000})) == 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(BODIES)), st.data())
def test_whatever_is_sent_the_answer_is_a_list_of_problems(name: str, data: st.DataObject) -> None:
    keys = st.sampled_from(sorted(schema(name)["properties"]))
    body = data.draw(JSON | st.dictionaries(keys, JSON, max_size=6).map(lambda noise: BODIES[name] | noise))
    for problem in validate(name, body):
        assert problem.message
        assert problem.pointer == "" or problem.pointer.startswith("/")
