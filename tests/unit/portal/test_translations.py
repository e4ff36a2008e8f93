"""Everything the product says has Chinese, with the same places to fill in; every enumeration has labels."""

import importlib
from enum import StrEnum
from pathlib import Path

import pytest

from portal import labels, messages, sentences

SHOWN_TO_NOBODY = {"Runner"}
ROOT = Path(__file__).resolve().parents[3]
MODELS = [
    "adapters.work",
    "directory.agencies.models",
    "directory.catalogue.models",
    "directory.datasets.models",
    "directory.keys.models",
    "directory.people.roles",
    "directory.sources.models",
    "exchange.agreements.models",
    "exchange.applications.models",
    "exchange.deliveries.models",
    "exchange.disputes.models",
    "exchange.grants.models",
    "exchange.needs.models",
    "oversight.anomalies.models",
    "schemas.words",
]


def test_every_message_has_chinese() -> None:
    assert messages.untranslated(messages.catalogue()) == []


def test_chinese_fills_in_the_same_places() -> None:
    assert messages.differing(messages.catalogue()) == []


def test_the_catalogue_is_formed_as_its_tool_writes_it() -> None:
    messages_after_header = [
        text.partition("\n\n")[2]
        for text in (messages.FILE.read_text("utf-8"), messages.written(messages.catalogue()).decode())
    ]
    assert messages_after_header[0] == messages_after_header[1], "run python -m portal.messages update"


def test_the_hub_is_called_one_name_in_chinese() -> None:
    called = {str(one.id): one.string for one in messages.catalogue() if one.id and "枢纽" in str(one.string)}
    assert called == {"Shuniu": "枢纽", "Data sharing hub": "政务数据共享枢纽"}


def test_every_sentence_of_an_error_can_be_found_in_the_source() -> None:
    assert sentences.unreadable(ROOT) == []


def test_sentences_are_collected_from_errors_findings_denials_and_those_who_hand_them_on(tmp_path: Path) -> None:
    for room in sentences.ROOMS:
        (tmp_path / room).mkdir()
    (tmp_path / "schemas" / "formats.py").write_text('X = "This is no form."\n')
    (tmp_path / "exchange" / "it.py").write_text(
        "from adapters.errors import Conflict\n"
        "class Conflict(ShuniuError): ...\n"
        "class Late(Conflict): ...\n"
        'WAITS = {1: "It waits now."}\n'
        "def f(why):\n"
        '    sentence = "It is late."\n'
        '    raise Late("x.late", sentence)\n'
        'def g(): raise Late("x.state", WAITS[1])\n'
        'def h(): return "x.pair", "It is one of a pair."\n'
        "def wrong(pointer, text): raise Late('x.wrong', text)\n"
        'def i(): wrong("/a", "It was handed on.")\n'
        'def j(): return Finding("/a", "x.y", "It is found."), Denied("x.no", "It is denied.")\n'
        'def k(): log("Not said to anybody.")\n'
    )
    assert sentences.sentences(tmp_path) == {
        "This is no form.",
        "It is late.",
        "It waits now.",
        "It is one of a pair.",
        "It was handed on.",
        "It is found.",
        "It is denied.",
    }
    (tmp_path / "exchange" / "bad.py").write_text('raise Conflict("x.y", f"{1} is made up here.")\n')
    assert sentences.unreadable(tmp_path) == ["exchange/bad.py:1"]


@pytest.mark.parametrize("name", MODELS)
def test_every_word_has_a_label(name: str) -> None:
    module = importlib.import_module(name)
    enumerations = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, StrEnum) and value is not StrEnum
    ]
    bare = [
        f"{enumeration.__name__}.{word.value}"
        for enumeration in enumerations
        if enumeration.__name__ not in SHOWN_TO_NOBODY
        for word in enumeration
        if word.value not in dict(labels.choices(enumeration.__name__))
    ]
    assert bare == []
