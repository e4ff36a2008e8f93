"""What entries record of rows that belong to another: each statement, hand-over, answer and conclusion is here (R120).

That a row has its entry is compared beside the nouns; this is the other way round, entry by entry.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.models import Evidence
from audit.reconcile import Column, Discrepancy, Reconciler, Recorded, batches, recorded


def parts_are_here(
    noun: str,
    owner: Column,
    part: Column,
    kinds: Collection[str],
    by_row: Callable[[Any], object],
    by_entry: Callable[[Recorded], object],
) -> Reconciler:
    """Every entry about a part of a row has that part, and no part is there twice.

    Args:
        noun: the owner's noun in evidence.
        owner: its key.
        part: the column of the part's table that names its owner.
        kinds: kinds of entries that record a part.
        by_row, by_entry: what tells one part of an owner from another; None of an entry that names none.
    """

    def reconcile(session: Session) -> Iterator[Discrepancy]:
        for batch in batches(session, select(owner.class_), owner):
            entries = recorded(session, Evidence.subject, [f"{noun}/{getattr(row, owner.key)}" for row in batch], kinds)
            here = _here(session, part, [getattr(row, owner.key) for row in batch], by_row)
            for row in entries.known(batch, lambda row: f"{noun}/{getattr(row, owner.key)}"):
                key = getattr(row, owner.key)
                told = Counter(
                    name for each in entries.get(f"{noun}/{key}", ()) if (name := by_entry(each)) is not None
                )
                for name in sorted({*told, *here.get(key, ())}, key=str):
                    stated, found = told[name], here.get(key, Counter())[name]
                    if stated != found:
                        sentence = f"{noun}/{key} has {name} {found} times here, and {stated} times by its entries."
                        yield Discrepancy(f"{noun}/{key}", sentence, expected=str(stated), found=str(found))

    return reconcile


def _here(
    session: Session, part: Column, owners: Sequence[Any], by_row: Callable[[Any], object]
) -> dict[Any, Counter[object]]:
    found: dict[Any, Counter[object]] = {}
    for row in session.scalars(select(part.class_).where(part.in_(owners))):
        found.setdefault(getattr(row, part.key), Counter())[by_row(row)] += 1
    return found
