"""What a check has to say about one place of the thing it checked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """ERROR refuses the thing; WARNING is shown and left to a person."""

    ERROR = "ERROR"
    WARNING = "WARNING"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark of a check.

    Args:
        path: place in the checked thing, as a JSON pointer ("/items/3/name").
        code: stable dotted name that programs may branch on ("item.basis_missing").
        message: English sentence, a ``str.format`` template and the key of its translation.
        severity: whether the thing is refused for it.
        context: values for the template's places.
    """

    path: str
    code: str
    message: str
    severity: Severity = Severity.ERROR
    context: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message.format(**self.context)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any of the findings refuses the thing."""
    return any(finding.severity is Severity.ERROR for finding in findings)
