"""What a part of the portal contributes: its blueprint, entries of the navigation, sections of desks.

A pages module ends with ``PAGES = Pages(blueprint, ...)`` and is listed in ``portal/pages/__init__.py``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask import Blueprint
from sqlalchemy.orm import Session

from audit.actor import Actor
from portal.access import SIGNED_IN, Access


@dataclass(frozen=True)
class NavigationEntry:
    """A link in the header, shown to those whom its declaration admits.

    ``title`` is an English message id (mark it with ``N_``), ``order`` sorts, smallest first.
    """

    title: str
    endpoint: str
    order: int = 50
    shown_to: Access = SIGNED_IN


@dataclass(frozen=True)
class DeskItem:
    """One thing that waits: where to do it, what it is, its state and when it is due.

    ``title`` and ``detail`` are data or sentences translated already; ``state`` and ``kind`` are as for ``badge``.
    """

    href: str
    title: str
    detail: str = ""
    state: str = ""
    kind: str = ""
    due_on: date | None = None
    working_days_left: int | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class DeskSection:
    """One heap of things that wait.

    Attributes:
        title: English message id.
        items: the first few, most urgent first (at most 10).
        total: how many there are in all.
        at_least: whether counting stopped at ``total``.
        more: address of the whole list.
        empty: English message id of what to do first when there are none; "" leaves the section out then.
        order: place on the desk, smallest first; below 50 is for what has a deadline.
    """

    title: str
    items: Sequence[DeskItem]
    total: int
    more: str = ""
    empty: str = ""
    order: int = 50
    at_least: bool = False


DeskSections = Callable[[Actor, Session], Sequence[DeskSection]]


@dataclass(frozen=True)
class Pages:
    """One part of the portal."""

    blueprint: Blueprint
    navigation: tuple[NavigationEntry, ...] = ()
    desk_sections: DeskSections | None = None
