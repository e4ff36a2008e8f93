"""信息资源代码: classification code, "/", and a sequence number of six digits (发改高技术〔2017〕1272号; the
joint and the six digits are what platforms do).

The classification is 类 1 digit, 项 2, 目 3, and 细目 of any even length a city adds.
"""

import re
from dataclasses import dataclass

from schemas.identifiers.faults import Fault

_CLASSIFICATION = re.compile(r"[1-9](?:[0-9]{2}(?:[0-9]{3}(?:[0-9]{2}){0,7})?)?", re.ASCII)
_CODE = re.compile(r"(?P<classification>[0-9]+)/(?P<sequence>[0-9]{6})", re.ASCII)
LAST_SEQUENCE = 999_999


@dataclass(frozen=True, slots=True)
class ResourceCode:
    """The two parts of a resource's code."""

    classification: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.classification}/{self.sequence:06d}"


def make(classification: str, sequence: int) -> str:
    """The code of the ``sequence``-th resource (from 1) of a classification.

    Raises:
        ValueError: a classification of wrong form, or a sequence that six digits cannot hold.
    """
    if check_classification(classification):
        raise ValueError(f"{classification!r} is no classification code: 1, 3 or 6 digits, then pairs of digits.")
    if not 1 <= sequence <= LAST_SEQUENCE:
        raise ValueError(f"The classification {classification} has no number {sequence}; 1 to {LAST_SEQUENCE} fit.")
    return str(ResourceCode(classification, sequence))


def check_classification(code: str) -> tuple[Fault, ...]:
    """What is wrong with a classification code; nothing when it is right."""
    if not (code.isascii() and code.isdigit()):
        return (Fault.CHARACTER,)
    return () if _CLASSIFICATION.fullmatch(code) else (Fault.SHAPE,)


def check(code: str) -> tuple[Fault, ...]:
    """What is wrong with a resource code; nothing when it is right."""
    parts = _CODE.fullmatch(code)
    if parts is None or int(parts["sequence"]) == 0:
        return (Fault.SHAPE,)
    return check_classification(parts["classification"])


def parse(code: str) -> ResourceCode:
    """The parts of a code.

    Raises:
        ValueError: the code is wrong.
    """
    if check(code):
        raise ValueError(f"{code!r} is no resource code such as 307004/000001.")
    classification, sequence = code.split("/")
    return ResourceCode(classification, int(sequence))
