from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.findings import Finding, Severity, has_errors
from schemas.metadata import check_entry, derive_share_attribute, normalise_name
from schemas.profile import profile
from schemas.words import ShareAttribute

PROFILE = profile()
ENTRY: dict[str, Any] = {
    "name": "法人登记信息",
    "abstract": "本市登记的企业法人的基本信息",
    "keywords": ["法人", "登记"],
    "resource_class": "BASE",
    "theme": "LEGAL_ENTITIES",
    "classification_code": "102001",
    "system_name": "企业登记系统",
    "format": "DATABASE",
    "update_cycle": "DAILY",
    "subject_kind": "ORGANISATION",
    "modes": ["INTERFACE", "FILES"],
    "parallel_approval": False,
    "secrecy_level": "NON_SECRET",
    "network": "GOVERNMENT_EXTRANET",
}
BASIS = {"kind": "LAW", "document": "中华人民共和国居民身份证法", "number": "主席令第51号", "article": "第六条"}


def item(position: int, **changes: Any) -> dict[str, Any]:
    names = ["统一社会信用代码", "名称", "法定代表人", "注册资本", "住所"]
    base = {
        "position": position,
        "name": names[position - 1],
        "field_name": f"field_{position}",
        "data_type": "CHARACTER",
        "length": 100,
        "nullable": True,
        "share_attribute": "UNIVERSAL",
        "open_attribute": "NOT_OPEN",
        "sensitivity": "NONE",
    }
    return base | changes


KEY = item(1, identifier_kind="CREDIT_CODE", length=18)
ITEMS = [KEY, item(2), item(3, share_attribute="ON_REQUEST", share_condition="仅限税务登记核验")]


def errors(findings: Sequence[Finding]) -> set[tuple[str, str]]:
    return {(finding.path, finding.code) for finding in findings if finding.severity is Severity.ERROR}


def check(items: Sequence[Any] = ITEMS, **changes: Any) -> set[tuple[str, str]]:
    return errors(check_entry(ENTRY | changes, items, PROFILE))


def test_a_right_entry_has_nothing_to_remark() -> None:
    assert check_entry(ENTRY, ITEMS, PROFILE) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": " "}, ("/name", "field.required")),
        ({"name": "信" * 151}, ("/name", "field.too_long")),
        ({"name": "信"}, ("/name", "field.too_short")),
        ({"name": "登记\x00信息"}, ("/name", "field.characters")),
        ({"name": "企业 登记系统"}, ("/name", "entry.name_is_system")),
        ({"name": 5}, ("/name", "field.kind")),
        ({"abstract": "摘" * 301}, ("/abstract", "field.too_long")),
        ({"keywords": []}, ("/keywords", "field.required")),
        ({"keywords": ["a"] * 21}, ("/keywords", "field.too_many")),
        ({"keywords": ["法人", 5]}, ("/keywords/1", "field.kind")),
        ({"keywords": ["法人", " "]}, ("/keywords/1", "field.too_short")),
        ({"theme": None}, ("/theme", "entry.theme_missing")),
        ({"classification_code": "30"}, ("/classification_code", "entry.classification")),
        ({"update_cycle": "SOMETIMES"}, ("/update_cycle", "field.code")),
        ({"parallel_approval": "yes"}, ("/parallel_approval", "field.kind")),
        ({"modes": ["FILES"]}, ("/modes", "entry.interface_required")),
        (
            {"modes": ["FILES"], "update_cycle": "YEARLY", "parallel_approval": True},
            ("/modes", "entry.interface_required"),
        ),
        ({"modes": ["BROWSE"], "update_cycle": "YEARLY", "format": "SPREADSHEET"}, ("/modes", "entry.files_required")),
        ({"modes": ["FILES"], "update_cycle": "YEARLY", "format": "SERVICE"}, ("/modes", "entry.service_interface")),
        ({"modes": [], "update_cycle": "YEARLY"}, ("/modes", "entry.modes_missing")),
        ({"modes": ["TELEPATHY", "INTERFACE"]}, ("/modes/0", "field.code")),
        ({"subject_kind": "PERSON"}, ("/items", "entry.identifier_missing")),
    ],
)
def test_each_rule_of_the_entry(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert check(**changes) == {expected}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": " 名 称。"}, ("/items/1/name", None)),
        ({"name": "（统一）社会信用代码"}, ("/items/1/name", "item.name_twice")),
        ({"field_name": "FIELD_1"}, ("/items/1/field_name", "item.field_name_twice")),
        ({"field_name": "_row"}, ("/items/1/field_name", "item.field_name")),
        ({"field_name": "名称"}, ("/items/1/field_name", "item.field_name")),
        ({"length": None}, ("/items/1/length", "item.length_missing")),
        ({"length": 0}, ("/items/1/length", "field.bounds")),
        ({"length": True, "data_type": "MEMO"}, ("/items/1/length", "field.kind")),
        ({"data_type": "NUMERIC", "length": 39}, ("/items/1/length", "item.length")),
        ({"data_type": "NUMERIC", "length": 4, "scale": 5}, ("/items/1/scale", "item.scale")),
        ({"identifier_kind": "CREDIT_CODE", "length": 17}, ("/items/1/length", "item.identifier_length")),
        ({"identifier_kind": "RESIDENT_ID", "data_type": "INTEGER"}, ("/items/1/data_type", "item.identifier_type")),
        ({"code_list": "themes", "data_type": "DATE"}, ("/items/1/code_list", "item.code_list_type")),
        ({"masking": "YEAR_ONLY"}, ("/items/1/masking", "item.masking")),
        ({"share_attribute": "ON_REQUEST"}, ("/items/1/share_condition", "item.condition_missing")),
        (
            {"share_attribute": "ON_REQUEST", "share_condition": "按需"},
            ("/items/1/share_condition", "item.condition_vague"),
        ),
        ({"sensitivity": "PERSONAL_PRIVACY"}, ("/items/1/share_attribute", "item.sensitive_universal")),
        ({"share_attribute": "NO_SHARING"}, ("/items/1/basis", "item.basis_missing")),
        ({"share_attribute": "NO_SHARING", "basis": "敏感"}, ("/items/1/basis", "item.basis_missing")),
        (
            {"share_attribute": "NO_SHARING", "basis": BASIS | {"document": "敏感"}},
            ("/items/1/basis/document", "item.basis_vague"),
        ),
        (
            {"share_attribute": "NO_SHARING", "basis": BASIS | {"document": "“数据敏感”"}},
            ("/items/1/basis/document", "item.basis_vague"),
        ),
        (
            {"share_attribute": "NO_SHARING", "basis": BASIS | {"number": None}},
            ("/items/1/basis/number", "field.required"),
        ),
        (
            {"share_attribute": "NO_SHARING", "basis": BASIS | {"article": "有关条款"}},
            ("/items/1/basis/article", "item.basis_vague"),
        ),
        ({"share_attribute": "NO_SHARING", "basis": BASIS | {"kind": "RUMOUR"}}, ("/items/1/basis/kind", "field.code")),
        ({"share_attribute": "NO_SHARING", "basis": BASIS}, ("/items/1/name", None)),
    ],
)
def test_each_rule_of_an_item(changes: dict[str, Any], expected: tuple[str, str | None]) -> None:
    found = check([KEY, item(2, **changes)])
    assert found == (set() if expected[1] is None else {expected})


def test_a_state_secret_is_listed_at_most() -> None:
    secret = item(2, sensitivity="STATE_SECRET", share_attribute="NO_SHARING", basis=BASIS)
    hidden = KEY | {"share_attribute": "NO_SHARING", "basis": BASIS}
    assert check([hidden, secret], modes=[]) == {("/secrecy_level", "entry.secrecy_level")}
    assert check([hidden, secret], modes=[], secrecy_level="STATE_SECRET") == set()
    assert check([KEY, secret], secrecy_level="STATE_SECRET") == {
        ("/secrecy_level", "entry.state_secret_shared"),
        ("/modes", "entry.state_secret_modes"),
    }
    shared = item(2, sensitivity="STATE_SECRET", share_attribute="ON_REQUEST", share_condition="仅限公安机关")
    assert ("/items/1/share_attribute", "item.state_secret_shared") in check([KEY, shared])


def test_names_numbered_by_dragging_are_remarked() -> None:
    found = check_entry(ENTRY, [KEY, *(item(n, name=f"地址{n}") for n in (2, 3, 4))], PROFILE)
    assert [(finding.code, finding.severity) for finding in found] == [("item.names_numbered", Severity.WARNING)]


def test_a_basis_from_policy_will_do_for_a_classification() -> None:
    basis = {"kind": "POLICY", "document": "某部门数据管理规定", "number": "沪某发〔2015〕3号", "article": "第2条"}
    assert check([KEY, item(2, share_attribute="NO_SHARING", basis=basis)]) == set()


def test_files_and_services_need_no_items_but_say_how_they_are_shared() -> None:
    maps = {"format": "IMAGE", "subject_kind": "OTHER", "modes": ["FILES"], "update_cycle": "YEARLY"}
    sharing = {"share_attribute": "UNIVERSAL", "open_attribute": "UNCONDITIONAL", "sensitivity": "NONE"}
    assert check([], **maps, **sharing) == set()
    assert ("/share_attribute", "field.required") in check([], **maps)
    assert check([], **maps, **sharing | {"share_attribute": "NO_SHARING"}) == {("/basis", "item.basis_missing")}
    assert check([]) == {("/items", "entry.items_missing")}


def test_too_many_items_are_refused_before_they_are_read() -> None:
    assert check([None] * 2001) == {("/items", "entry.too_many_items")}


def test_a_code_list_must_be_known_where_the_caller_knows_them() -> None:
    named = [KEY, item(2, code_list="no-such-list")]
    assert has_errors(check_entry(ENTRY, named, PROFILE, code_lists={"themes"}))
    assert not has_errors(check_entry(ENTRY, named, PROFILE, code_lists={"no-such-list"}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def with_noise(body: dict[str, Any], *more: str) -> st.SearchStrategy[dict[str, Any]]:
    keys = [*body, "basis", "share_condition", "masking", "identifier_kind", "code_list", "scale", *more]
    return st.dictionaries(st.sampled_from(keys), JSON, max_size=6).map(lambda noise: body | noise)


@given(with_noise(ENTRY, "share_attribute"), st.lists(with_noise(KEY | {"basis": BASIS}) | JSON, max_size=3))
def test_whatever_is_sent_the_answer_is_a_list_of_readable_findings(entry: dict[str, Any], items: list[Any]) -> None:
    for finding in check_entry(entry, items, PROFILE, code_lists={"themes"}):
        assert str(finding)
        assert finding.path == "" or finding.path.startswith("/")


@given(st.lists(st.sampled_from(list(ShareAttribute)), min_size=1))
def test_the_share_attribute_of_a_version(attributes: list[ShareAttribute]) -> None:
    derived = derive_share_attribute([{"share_attribute": attribute.value} for attribute in attributes])
    assert (derived == "ON_REQUEST") == ("ON_REQUEST" in attributes)
    assert (derived == "NO_SHARING") == (set(attributes) == {"NO_SHARING"})
    assert derived == derive_share_attribute([{"share_attribute": attribute} for attribute in reversed(attributes)])


@pytest.mark.parametrize("items", [[], [{}], [{"share_attribute": ["UNIVERSAL"]}]])
def test_without_share_attributes_nothing_is_derived(items: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        derive_share_attribute(items)


@given(st.text(max_size=20), st.sampled_from([" ", "\u3000", "。", "（", "-", "_"]), st.integers(0, 20))
def test_spaces_and_punctuation_make_no_other_name(text: str, noise: str, place: int) -> None:
    assert normalise_name(text[:place] + noise + text[place:]) == normalise_name(text[:place]) + normalise_name(
        text[place:]
    )
