"""What a refusal rests on, and what the catalogue still offers."""

import pytest

from directory.catalogue.models import DataItem, ResourceVersion
from exchange.grants.offered import GONE, NOT_SHARED, SECRET, SENSITIVE, lost
from exchange.refusals import basis_problems, clean_basis
from schemas.rule_sets import rule_set
from schemas.words import BasisKind

BASIS = {"kind": "LAW", "document": "中华人民共和国统计法", "number": "", "article": "第二十五条"}


@pytest.mark.parametrize("kind", list(BasisKind))
@pytest.mark.parametrize("key", ["shanghai-2016", "national-2025"])
def test_only_the_rule_sets_kinds_refuse(kind: BasisKind, key: str) -> None:
    rules = rule_set(key)
    problems = basis_problems(BASIS | {"kind": kind}, rules, "/basis")
    assert (problems == []) == (kind in rules.refusal_bases)


def test_refusing_is_narrower_than_not_sharing() -> None:
    rules = rule_set("shanghai-2016")
    assert rules.refusal_bases < rules.no_sharing_bases


@pytest.mark.parametrize("part", ["kind", "document", "article"])
def test_every_part_but_the_number_is_needed(part: str) -> None:
    problems = basis_problems(BASIS | {part: ""}, rule_set("shanghai-2016"), "/items/0/basis")
    assert [problem["pointer"] for problem in problems] == [f"/items/0/basis/{part}"]


def test_a_clean_basis_has_its_four_parts_trimmed() -> None:
    assert clean_basis({"kind": "LAW", "document": " 统计法 ", "article": "25", "x": "y"}) == {
        "kind": "LAW",
        "document": "统计法",
        "number": "",
        "article": "25",
    }


def test_what_the_catalogue_lost_is_named_with_the_reason() -> None:
    version = ResourceVersion(secrecy_level="NON_SECRET")
    version.items = [
        DataItem(field_name="free", share_attribute="UNIVERSAL", sensitivity="NONE"),
        DataItem(field_name="kept", share_attribute="NO_SHARING", sensitivity="NONE"),
        DataItem(field_name="private", share_attribute="ON_REQUEST", sensitivity="PERSONAL_PRIVACY"),
        DataItem(field_name="secret", share_attribute="ON_REQUEST", sensitivity="STATE_SECRET"),
    ]
    names = ["free", "kept", "private", "secret", "gone"]
    assert lost(names, version) == [("kept", NOT_SHARED), ("secret", SECRET), ("gone", GONE)]
    assert ("private", SENSITIVE) in lost(names, version, agreed=False)
    assert lost(["free"], None) == [("free", GONE)]
    version.secrecy_level = "STATE_SECRET"
    assert lost(["free"], version) == [("free", SECRET)]
