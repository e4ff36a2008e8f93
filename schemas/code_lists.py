"""Code lists: dated words of a document, in Chinese and English, that people choose from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any

from schemas.packaged import names, read_json


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of a code list; an open end is None."""

    code: str
    zh: str
    en: str
    valid_from: date | None
    valid_to: date | None

    def valid_on(self, day: date) -> bool:
        """Whether the code may be chosen on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class CodeList:
    """A list with the document it comes from; ``verified`` says whether it was compared with it."""

    key: str
    document: str
    title_zh: str
    title_en: str
    verified: bool
    items: tuple[Code, ...]

    def codes_on(self, day: date) -> tuple[Code, ...]:
        """The codes that may be chosen on that day, in the list's order."""
        return tuple(item for item in self.items if item.valid_on(day))

    def values(self) -> frozenset[str]:
        """All codes, those of the past included: old data keeps its code."""
        return frozenset(item.code for item in self.items)

    def label(self, code: str, language: str = "zh") -> str:
        """How a code reads, in ``zh`` or ``en``; the code itself when the list does not have it."""
        for item in self.items:
            if item.code == code:
                return item.en if language == "en" else item.zh
        return code


def code_list_from_mapping(body: Mapping[str, Any]) -> CodeList:
    """A code list from the shape of ``schemas/codes/*.json``, as officials add one.

    Raises:
        ValueError: a part is missing or of the wrong kind, a code is there twice, or a date is none.
    """
    try:
        items = tuple(
            Code(
                str(item["code"]),
                str(item["zh"]),
                str(item["en"]),
                _day(item.get("valid_from")),
                _day(item.get("valid_to")),
            )
            for item in body["items"]
        )
        head = str(body["key"]), str(body["document"]), str(body["title_zh"]), str(body["title_en"])
        verified = bool(body.get("verified", False))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"The code list lacks a part or has one of the wrong kind: {error}.") from error
    codes = [item.code for item in items]
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise ValueError(f"The code list {head[0]} has {twice[0]} twice. Keep one of them.")
    return CodeList(*head, verified, items)


@cache
def code_lists() -> Mapping[str, CodeList]:
    """All code lists that come with the release, by key."""
    return MappingProxyType({name: code_list_from_mapping(read_json("codes", name)) for name in names("codes")})


def code_list(key: str) -> CodeList:
    """The code list of a key.

    Raises:
        KeyError: there is none.
    """
    return code_lists()[key]


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
