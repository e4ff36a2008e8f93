"""Comparing names as a reader would: width, case, spaces and punctuation make no difference."""

import unicodedata

_IGNORED = ("P", "Z", "C", "S")


def normalise_name(text: str) -> str:
    """The letters and digits of a name, in one width and one case ("地址（1） " and "地址(1)" are the same)."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if not unicodedata.category(character).startswith(_IGNORED))
