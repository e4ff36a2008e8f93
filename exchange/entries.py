"""What the one door's evidence entries say of a release: facts in the clear, whatever may name people apart.

An entry is never deleted, so values that callers or applicants wrote lie in its encrypted part ([M] Art. 18; R120).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from schemas.canonical import digest

MOST_NAMED = 100
"""Items that an entry names one by one; of more it gives the count and a digest of their names."""


def named(items: Sequence[str]) -> dict[str, Any]:
    """Items as an entry gives them: an entry has a largest size, the names of 500 items would fill half of it."""
    if len(items) <= MOST_NAMED:
        return {"items": list(items)}
    return {"items": len(items), "items_digest": digest(list(items))}


def condition(stated: Mapping[str, Any]) -> dict[str, Any]:
    """A row condition's shape: field, operator and how many values, ``{}`` for all rows.

    No digest of the values: numbers of people are few enough to be found by trying.
    """
    return {**stated, "values": len(stated["values"])} if stated else {}


def personal(
    purpose: str,
    subjects: Mapping[str, str],
    stated: Mapping[str, Any] | None,
    others: Collection[str] = (),
    *,
    matter: str = "",
    concerned: str = "",
) -> dict[str, Any]:
    """The encrypted part: what was looked up, for what, the row condition's values, and names that are no item's.

    Of those whom rows name beyond what was looked up it has a digest of their tokens (``concerned``), so that the blind
    index can be compared with it.

    The receiver's case lies here too: it is a text of 300 characters, and cases are often called by a person's name.
    """
    details = {
        "subjects": dict(subjects),
        "purpose": purpose,
        "matter": matter,
        "concerned": concerned,
        "row_condition_values": list(stated["values"]) if stated else [],
        "other_items": list(others)[:MOST_NAMED],
    }
    return {name: value for name, value in details.items() if value}
