"""What other parts of the portal add to a catalogue entry's page, without that page importing them.

A pages module registers once: ``add_panel(function)``. The function sees who looks at which version and returns the
buttons and tabs that are open to them; it makes at most one or two queries.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from audit.actor import Actor
from directory.catalogue.models import ResourceVersion


@dataclass(frozen=True)
class Button:
    """A link among the actions of an entry; ``title`` is translated already."""

    title: str
    href: str
    tone: str = ""


@dataclass(frozen=True)
class Tab:
    """A tab of an entry's page that lies at an address of its own; ``title`` is translated already."""

    key: str
    title: str
    href: str


@dataclass(frozen=True)
class Panel:
    """What one part adds to an entry's page."""

    buttons: Sequence[Button] = ()
    tabs: Sequence[Tab] = ()
    notes: Sequence[str] = ()
    """Sentences shown under the title, translated: what the reader may do and why."""


PanelOf = Callable[[Actor, Session, ResourceVersion], Panel]
_panels: list[PanelOf] = []


def add_panel(panel_of: PanelOf) -> None:
    """Register a part's panel; registering the same function twice changes nothing."""
    if panel_of not in _panels:
        _panels.append(panel_of)


def panel_for(actor: Actor, session: Session, version: ResourceVersion) -> Panel:
    """Everything that all parts add for this reader of this version."""
    made = [panel_of(actor, session, version) for panel_of in _panels]
    return Panel(
        buttons=[button for panel in made for button in panel.buttons],
        tabs=[tab for panel in made for tab in panel.tabs],
        notes=[note for panel in made for note in panel.notes],
    )
