from datetime import date
from enum import StrEnum

import pytest

from schemas.code_lists import code_list, code_list_from_mapping, code_lists
from schemas.rule_sets import Unit, rule_set, rule_set_for, rule_sets
from schemas.words import (
    BasisKind,
    DataType,
    IdentifierKind,
    Masking,
    Mode,
    OpenAttribute,
    ResourceClass,
    SecrecyLevel,
    Sensitivity,
    ShareAttribute,
    SubjectKind,
    UpdateCycle,
)


def test_the_measures_of_2016_govern_although_they_lapsed() -> None:
    rules = rule_set_for(date(2026, 11, 22))
    assert (rules.key, rules.document) == ("shanghai-2016", "沪府发〔2016〕14号")
    assert rules.legal_validity.covers(date(2021, 2, 28))
    assert not rules.legal_validity.covers(date(2021, 3, 1))


def test_the_figures_of_the_measures() -> None:
    rules = rule_set("shanghai-2016")
    answer = rules.figure("answer")
    assert (answer.value, answer.unit, answer.article, answer.starts_at) == (
        10,
        Unit.WORKING_DAYS,
        "15",
        "WRITTEN_RECEIPT",
    )
    assert (rules.figure("catalogue_update").value, rules.figure("full_maintenance").unit) == (2, Unit.PER_YEAR)
    assert all(figure.verified for figure in rules.figures.values())
    assert not rules.has_figure("supply")


def test_bases_are_narrower_for_a_refusal_than_for_a_classification() -> None:
    rules = rule_set("shanghai-2016")
    assert rules.refusal_bases == {BasisKind.LAW, BasisKind.REGULATION, BasisKind.RULE}
    assert rules.no_sharing_bases == set(BasisKind)


def test_figures_from_memory_are_flagged() -> None:
    assert not any(figure.verified for figure in rule_set("national-2025").figures.values())


def test_every_regime_answers_every_step_and_names_every_share_attribute() -> None:
    for rules in rule_sets():
        assert set(rules.steps) == set(rule_set("shanghai-2016").steps)
        assert set(rules.share_attributes) == set(ShareAttribute)
    assert rule_set("shanghai-2016").step("written_form_required")
    assert not rule_set("shanghai-2016").step("silence_is_consent")
    with pytest.raises(KeyError):
        rule_set("shanghai-2016").step("no_such_step")


def test_officials_can_adopt_another_rule_set_from_a_day_on() -> None:
    adopted = {"shanghai-2016": (date(2016, 3, 1), None), "national-2025": (date(2026, 1, 1), None)}
    assert rule_set_for(date(2025, 12, 31), adopted).key == "shanghai-2016"
    assert rule_set_for(date(2026, 1, 1), adopted).key == "national-2025"
    with pytest.raises(LookupError):
        rule_set_for(date(2016, 2, 29))
    with pytest.raises(KeyError):
        rule_set("no-such-rules")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("share-attributes", ShareAttribute),
        ("open-attributes", OpenAttribute),
        ("bases", BasisKind),
        ("update-cycles", UpdateCycle),
        ("data-types", DataType),
        ("modes", Mode),
        ("secrecy-levels", SecrecyLevel),
        ("sensitivities", Sensitivity),
        ("resource-classes", ResourceClass),
        ("subject-kinds", SubjectKind),
        ("identifier-kinds", IdentifierKind),
        ("masking", Masking),
    ],
)
def test_lists_and_words_of_the_code_agree(key: str, words: type[StrEnum]) -> None:
    assert [item.code for item in code_list(key).items] == [word.value for word in words]
    assert all(word.value == word.name for word in words)


def test_every_list_is_named_by_its_file_and_speaks_two_languages() -> None:
    for key, codes in code_lists().items():
        assert codes.key == key
        assert all(item.zh and item.en for item in codes.items)


def test_data_types_have_the_letters_of_the_guide() -> None:
    assert [data_type.letter for data_type in DataType] == list("CNYDTLMGBIF")
    assert DataType.from_letter("Y") is DataType.MONEY
    with pytest.raises(ValueError, match="letter"):
        DataType.from_letter("Z")


def test_a_code_can_end_and_old_data_keeps_it() -> None:
    codes = code_list_from_mapping(
        {
            "key": "k",
            "document": "d",
            "title_zh": "z",
            "title_en": "e",
            "items": [
                {"code": "1", "zh": "一", "en": "one", "valid_to": "2020-12-31"},
                {"code": "2", "zh": "二", "en": "two", "valid_from": "2021-01-01"},
            ],
        }
    )
    assert [item.code for item in codes.codes_on(date(2020, 12, 31))] == ["1"]
    assert [item.code for item in codes.codes_on(date(2021, 1, 1))] == ["2"]
    assert codes.values() == {"1", "2"}
    assert (codes.label("2", "en"), codes.label("3")) == ("two", "3")


@pytest.mark.parametrize(
    "items",
    [
        None,
        [{}],
        ["x"],
        [{"code": "1", "zh": "一", "en": "one", "valid_to": "soon"}],
        [{"code": "1", "zh": "一", "en": "one"}, {"code": "1", "zh": "壹", "en": "one"}],
    ],
)
def test_a_wrong_list_is_refused(items: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        code_list_from_mapping({"key": "k", "document": "d", "title_zh": "z", "title_en": "e", "items": items})
