"""Which data subjects a request or an answer concerns, as tokens of the blind index (R48, R84).

An item names a data subject when the catalogue says that it holds identity numbers or credit codes
(``DataItem.identifier_kind``). What a caller asks by is also known by its form, whatever the item is said to hold.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from audit.append import configured
from audit.subjects.blind import SubjectKind, kinds_by_form

Naming = Mapping[str, SubjectKind]
"""Fields that name data subjects, and by what kind of number."""


def asked(naming: Naming, key: Mapping[str, str]) -> set[bytes]:
    """Tokens of those whom a caller asks about, whether there is anything to show or not."""
    blind = configured().blind
    return {
        blind.token(kind, value)
        for name, value in key.items()
        for kind in ((naming[name],) if name in naming else kinds_by_form(value))
    }


def named(naming: Naming, rows: Iterable[Mapping[str, Any]]) -> set[bytes]:
    """Tokens of those whom rows name; the rows are as they lie in the data, not masked."""
    blind = configured().blind
    return {blind.token(kind, row[name]) for row in rows for name, kind in naming.items() if row[name]}


def numbered(kind: SubjectKind, values: Iterable[Any]) -> set[bytes]:
    """Tokens of those whom the values of a column name."""
    blind = configured().blind
    return {blind.token(kind, value) for value in values if value}
