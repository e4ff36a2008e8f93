"""Texts that callers send, checked before they are kept: trimmed, not empty, not too long, nothing invisible."""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from adapters.errors import InvalidInput, Sentence

Word = TypeVar("Word", bound=StrEnum)
LINE = 300
PROSE = 20_000


def line(value: object, pointer: str, *, most: int = LINE, optional: bool = False) -> str:
    """A text of one line.

    Args:
        value: what the caller sent.
        pointer: JSON pointer of its place, for the message.
        most: characters allowed.
        optional: whether it may be empty or None; then "" is returned.

    Raises:
        InvalidInput: it is no text, empty, too long, or holds control characters.
    """
    return _checked(value, pointer, most, optional, allowed="")


def prose(value: object, pointer: str, *, most: int = PROSE, optional: bool = False) -> str:
    """A text of any number of lines; else as ``line``."""
    if isinstance(value, str):
        value = value.replace("\r\n", "\n")
    return _checked(value, pointer, most, optional, allowed="\n\t")


def prose_problems(texts: Mapping[str, object], *, most: int = PROSE) -> list[dict[str, str]]:
    """Everything wrong with several texts at once, so that a form is not refused place by place.

    Args:
        texts: JSON pointer → what the caller sent; none may be empty.
        most: characters allowed in each.
    """
    problems: list[dict[str, str]] = []
    for pointer, value in texts.items():
        try:
            prose(value, pointer, most=most)
        except InvalidInput as error:
            problems += error.problems
    return problems


def _checked(value: object, pointer: str, most: int, optional: bool, *, allowed: str) -> str:
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise _wrong(pointer, "text.kind", "This must be text.")
    text = value.strip()
    if not text and not optional:
        raise _wrong(pointer, "text.required", "This is required. Fill it in.")
    if len(text) > most:
        sentence = "This has {length} characters; at most {most} are allowed. Shorten it."
        raise _wrong(pointer, "text.too_long", sentence, length=len(text), most=most)
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in allowed for character in text):
        raise _wrong(pointer, "text.characters", "This holds invisible control characters. Type it anew.")
    return text


def _wrong(pointer: str, code: str, sentence: str, **context: object) -> InvalidInput:
    problem = {"pointer": pointer, "code": code, "message": Sentence(sentence, **context)}
    return InvalidInput(code, sentence, [problem], **context)


def word(value: object, pointer: str, words: type[Word]) -> Word:
    """One word of an enumeration.

    Raises:
        InvalidInput: it is none of them.
    """
    for known in words:
        if value == known.value:
            return known
    listed = ", ".join(known.value for known in words)
    raise _wrong(pointer, "text.word", "This must be one of: {words}.", words=listed)
