"""Reconcilers: how rooms have their business tables compared with the evidence log (R48, R51).

The log proves itself; a reconciler proves that it tells the truth about the tables: an approval without an entry, an
entry without its approval. Rooms above register theirs by name; `audit.verify` runs them.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import orjson
from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    String,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import InstrumentedAttribute, Session

from audit.archive.read import bodies
from audit.models import Evidence, LogLeaf

R = TypeVar("R")
DONE, REFUSED = "DONE", "REFUSED"
UNSTATED = object()
"""What a kind of entry means for a fact that it changes and may not state: nothing before it counts any more."""
_IN_ORDER = LogLeaf.leaf_index.asc().nulls_last(), Evidence.recorded_at, Evidence.id
"""Oldest first: by the log's numbers, since a clock may run ahead and be set right; those that wait have none yet."""
_NEWEST_FIRST = LogLeaf.leaf_index.desc().nulls_first(), Evidence.recorded_at.desc(), Evidence.id.desc()
_NUMBERED = LogLeaf.evidence_id == Evidence.id
_FETCH = 1_000
_NIL = uuid.UUID(int=0)
_BATCH = 500


@dataclass(frozen=True)
class Discrepancy:
    """Where a business table and the log differ.

    Attributes:
        subject: what it is about, ``noun/identifier``, as evidence names it.
        sentence: what differs, in English.
        expected: what the log says.
        found: what the table says.
    """

    subject: str
    sentence: str
    expected: str = ""
    found: str = ""


@dataclass(frozen=True)
class Recorded:
    """What an entry says happened: its kind, the facts after it and before, who did it, on what authority, and when.

    ``agency`` is the code of the agency that acted, and ``person`` and ``client`` who did for it; "" for nobody.
    """

    kind: str
    after: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=dict)
    agency: str = ""
    person: str = ""
    client: str = ""
    authority: str = ""
    moment: datetime | None = None


class Entries(dict[str, list[Recorded]]):
    """What entries say, oldest first, by what they are about.

    Attributes:
        unread: names with an entry whose text is gone, as that of an expired archive is; verification counts or names
            it. What came before it is left out, since it may have said otherwise.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unread: set[str] = set()

    def add(self, name: str, entry: Recorded | None) -> None:
        """The next entry; None when its text is gone."""
        if entry is None:
            self.unread.add(name)
            self.pop(name, None)
        else:
            self.setdefault(name, []).append(entry)

    def known(self, rows: Iterable[R], name: Callable[[R], str]) -> Iterator[R]:
        """The rows of whose entries none is unread: only of these it says something that an entry is not here."""
        return (row for row in rows if name(row) not in self.unread)


Reconciler = Callable[[Session], Iterator[Discrepancy]]
Opener = Callable[[Session, Collection[uuid.UUID]], Mapping[uuid.UUID, Mapping[str, Any]]]
"""Opens personal details of entries, by id (``audit.opened.personal_details``); what does not open is left out."""
Column = InstrumentedAttribute[Any]
Beside = Callable[[Session, Sequence[Any], Entries], Iterator[Discrepancy]]
"""Compares some rows with their entries, by subject, in a way of its own."""

_registered: dict[str, Reconciler] = {}


def register(name: str, reconciler: Reconciler) -> None:
    """Have a reconciler run with every verification; the same name again replaces it."""
    _registered[name] = reconciler


def registered() -> Mapping[str, Reconciler]:
    """The reconcilers by name."""
    return dict(_registered)


def rows_have_entries(
    noun: str, identity: Column, kinds: Collection[str], *conditions: ColumnElement[bool]
) -> Reconciler:
    """Every row that meets the conditions has an entry of one of the kinds (else: published, and nothing records it).

    Args:
        noun: the subject's noun; an entry's subject is ``noun/identity``.
        identity: the table's column that names the row in evidence.
        kinds: evidence kinds, any of which will do.
        conditions: which rows; all when none are given.
    """
    subject = _subject(noun, identity)
    recorded = exists().where(Evidence.subject == subject, Evidence.kind.in_(kinds), Evidence.outcome == DONE)
    statement = select(subject).where(*conditions, ~recorded)
    sentence = f"is in the table, and no entry {' or '.join(sorted(kinds))} records it"

    def reconcile(session: Session) -> Iterator[Discrepancy]:
        for (name,) in _streamed(session, statement):
            yield Discrepancy(name, f"{name} {sentence}.", expected="", found="row")

    return reconcile


def entries_have_rows(
    noun: str, identity: Column, kinds: Collection[str], *conditions: ColumnElement[bool]
) -> Reconciler:
    """Every entry of the kinds has its row, which meets the conditions (else: an approval is recorded and not here).

    Args:
        noun: the subject's noun.
        identity: the table's column that names the row in evidence.
        kinds: evidence kinds.
        conditions: what the row must meet; its mere existence when none are given.
    """
    present = exists().where(_subject(noun, identity) == Evidence.subject, *conditions)
    statement = (
        select(Evidence.subject, Evidence.kind)
        .where(Evidence.kind.in_(kinds), Evidence.outcome == DONE, ~present)
        .order_by(Evidence.recorded_at, Evidence.id)
    )

    def reconcile(session: Session) -> Iterator[Discrepancy]:
        for name, kind in _streamed(session, statement):
            yield Discrepancy(name, f"{kind} is recorded of {name}, and the table has no such row.", expected=kind)

    return reconcile


def states_follow_entries(
    noun: str, identity: Column, state: Column, states: Mapping[str, str], *conditions: ColumnElement[bool]
) -> Reconciler:
    """The state of every row is the one that its last entry leads to (else: withdrawn here, published by the log).

    Args:
        noun: the subject's noun.
        identity: the table's column that names the row in evidence.
        state: the table's column of the state.
        states: the state that each kind of entry leads to; other kinds say nothing about the state.
        conditions: which rows; all when none are given.
    """
    leads_to = case(*((Evidence.kind == kind, word) for kind, word in states.items()))
    last = (
        select(Evidence.subject, leads_to.label("state"))
        .outerjoin(LogLeaf, _NUMBERED)
        .where(Evidence.kind.in_(states), Evidence.outcome == DONE)
        .ext(distinct_on(Evidence.subject))
        .order_by(Evidence.subject, *_NEWEST_FIRST)
        .subquery()
    )
    subject = _subject(noun, identity)
    statement = (
        select(subject, last.c.state, state)
        .join_from(identity.class_, last, and_(last.c.subject == subject), isouter=True)
        .where(*conditions, func.coalesce(last.c.state, "") != state)
    )

    def reconcile(session: Session) -> Iterator[Discrepancy]:
        for name, recorded, found in _streamed(session, statement):
            sentence = f"{name} is {found} in the table, and {recorded or 'nothing'} by its last entry."
            yield Discrepancy(name, sentence, expected=recorded or "", found=str(found))

    return reconcile


def facts_follow_entries(
    noun: str,
    rows: Select[Any],
    identity: Column,
    kinds: Collection[str],
    facts: Callable[[Any], Mapping[str, Any]],
    *,
    first: Mapping[str, Any] | None = None,
    states: Mapping[str, str] | None = None,
    means: Mapping[str, Mapping[str, Any]] | None = None,
    opener: Opener | None = None,
    beside: Beside | None = None,
) -> Reconciler:
    """What each row says is what its entries recorded last, fact by fact (else: 20 rows left, and here it says 2).

    Args:
        noun: the subject's noun.
        rows: the rows, as entities.
        identity: the table's column that names the row in evidence.
        kinds: evidence kinds; a later entry's facts replace an earlier one's.
        facts: what a row says, by the names and in the shape of the entries' ``after``.
        first: facts of a row before any entry says otherwise.
        states: the ``state`` that kinds of entry lead to, where they do not say it themselves.
        means: other facts that kinds of entry lead to, unless they say otherwise.
        opener: opens what entries state in their encrypted part, see ``recorded``.
        beside: what else is compared with the same entries, so that they are read once.
    """

    def reconcile(session: Session) -> Iterator[Discrepancy]:
        for batch in batches(session, rows, identity):
            names = [_name(noun, row, identity) for row in batch]
            entries = recorded(session, Evidence.subject, names, kinds, opener)
            if beside is not None:
                yield from beside(session, batch, entries)
            for row in batch:
                subject = _name(noun, row, identity)
                if subject in entries:
                    stated = {} if subject in entries.unread else dict(first or {})
                    for entry in entries[subject]:
                        stated |= {"state": states[entry.kind]} if states and entry.kind in states else {}
                        stated |= {**(means or {}).get(entry.kind, {}), **entry.after}
                    yield from differences(subject, facts(row), stated)

    return reconcile


def differences(subject: str, facts: Mapping[str, Any], stated: Mapping[str, Any]) -> Iterator[Discrepancy]:
    """Where facts are not those that entries state; what no entry states is passed over."""
    for name, found in facts.items():
        if name in stated and stated[name] not in (found, UNSTATED):
            sentence = f"{subject} says something else of its {name} than its entries."
            yield Discrepancy(subject, sentence, expected=str(stated[name]), found=str(found))


def batches(session: Session, rows: Select[Any], identity: Column, before: Any = _NIL) -> Iterator[Sequence[Any]]:
    """Rows in the order of their identity, some hundred at a time, so that memory stays bounded.

    Args:
        before: comes before every identity; other than a UUID's where the identity is none.
    """
    last = before
    while batch := session.scalars(rows.where(identity > last).order_by(identity).limit(_BATCH)).all():
        yield batch
        last = getattr(batch[-1], identity.key)


def recorded(
    session: Session,
    by: Column,
    names: Collection[str],
    kinds: Collection[str],
    opener: Opener | None = None,
    *,
    only: uuid.UUID | None = None,
) -> Entries:
    """Entries of what happened, oldest first, by subject or matter; refusals are none, failures are.

    What may name people, and digests by which it could be guessed, lies in an entry's encrypted part. Once its key is
    destroyed such facts are stated by no entry.

    Args:
        by: ``Evidence.subject`` or ``Evidence.matter``.
        names: which ones.
        kinds: evidence kinds.
        opener: opens the encrypted parts, whose facts then count as those in the clear do; None leaves them shut.
        only: this entry alone; None for all.

    Raises:
        Transient: some lie in an archive, and the object store does not answer.
    """
    entries = select(by, Evidence.kind, Evidence.body, Evidence.id).where(
        by.in_(names), by != literal_column("''"), Evidence.kind.in_(kinds), Evidence.outcome != REFUSED
    )
    if only is not None:
        entries = entries.where(Evidence.id == only)
    found = Entries()
    numbered = entries.outerjoin(LogLeaf, _NUMBERED).order_by(*_IN_ORDER)
    for read in session.execute(numbered).partitions(_FETCH):
        sealed = opener(session, [entry_id for *_, entry_id in read]) if opener else {}
        texts = bodies(session, {entry_id: body for *_, body, entry_id in read})
        for name, kind, _, entry_id in read:
            body = texts.get(entry_id)
            try:
                found.add(name, _stated(kind, body, sealed.get(entry_id, {})) if body else None)
            except (ValueError, KeyError, TypeError, AttributeError):  # falsified: verification names it by itself
                continue
    return found


def last_entry(session: Session, subject: str, kinds: Collection[str]) -> uuid.UUID | None:
    """The last entry of the kinds about a subject, of what was done; None where there is none."""
    entries = select(Evidence.id).where(Evidence.subject == subject, Evidence.kind.in_(kinds), Evidence.outcome == DONE)
    return session.scalar(entries.outerjoin(LogLeaf, _NUMBERED).order_by(*_NEWEST_FIRST).limit(1))


def _stated(kind: str, body: bytes, sealed: Mapping[str, Any]) -> Recorded:
    entry = orjson.loads(body)
    data, actor = entry["data"], entry["data"].get("actor") or {}
    after, before = (each if isinstance(each, dict) else {} for each in (data["after"], data.get("before")))
    return Recorded(
        kind,
        {**sealed, **after},
        before,
        agency=str(actor.get("agency") or ""),
        person=str(actor.get("person") or ""),
        client=str(actor.get("client") or ""),
        authority=str(data.get("authority") or ""),
        moment=datetime.fromisoformat(entry["time"]) if "time" in entry else None,
    )


def _name(noun: str, row: Any, identity: Column) -> str:
    return f"{noun}/{getattr(row, identity.key)}"


def _subject(noun: str, identity: Column) -> ColumnElement[str]:
    return literal(f"{noun}/") + cast(identity, String)


def _streamed(session: Session, statement: Executable) -> Iterator[Any]:
    yield from session.execute(statement.execution_options(yield_per=_FETCH))
