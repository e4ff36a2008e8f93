"""What the rules remember from entry to entry: pure functions that fold a use into a small JSON memory.

An account's memory: refusals in a row, and the networks it was used from as keyed tokens. A grant's memory, one for
each agency that uses it: how its cases are written, and how many calls stated one and the same case.
"""

import re
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from oversight.anomalies.scoring import Figures

Memory = dict[str, Any]
MOST_ENTRIES = 20
MOST_PLACES = 20
MOST_FORMS = 30
HISTORY_DAYS = 30
_MANY_DAYS = 366
"""What a place that was remembered before its days were counted has."""
_A_DAY = timedelta(days=1)
_OWN_DOINGS = ("account.", "client.")
_STRANGERS = ("account.sign_in_refused", "account.locked", "client.locked")
"""Kinds that name an account and may be a stranger's doing."""
_WRITTEN = ((re.compile(r"\d+"), "9"), (re.compile(r"[A-Za-z]+"), "A"), (re.compile(r"[^\W\dA-Za-z_]+"), "文"))


@dataclass(frozen=True, slots=True)
class Use:
    """One entry of the log as the rules see it.

    Attributes:
        account: ``person/…`` or ``client/…``.
        place: keyed token of the network it came from; "" where none is known.
        grant_id, agency_id: of a release; the agency that used it.
        opened: whether it opened the door: one for each release.
        rows: that left with it.
        matter: the case it states.
        reason: why the door refused it.
    """

    entry: uuid.UUID
    at: datetime
    kind: str
    outcome: str
    account: str
    agency_code: str
    place: str = ""
    grant_id: uuid.UUID | None = None
    agency_id: uuid.UUID | None = None
    opened: bool = False
    rows: int = 0
    matter: str = ""
    reason: str = ""


def refusals(memory: Memory, use: Use, figures: Figures) -> Memory | None:
    """Fold a use into the refusals in a row of its account; the run as it now is, None when there is none."""
    run: Memory = memory.get("refused") or {"count": 0}
    if use.outcome != "REFUSED":
        if use.outcome == "DONE" and not use.kind.startswith(_OWN_DOINGS):
            memory["refused"] = None
        return None
    if use.kind in _STRANGERS:
        return None
    late = run["count"] and use.at - datetime.fromisoformat(run["until"]) > timedelta(hours=figures["hours"])
    if not run["count"] or late:
        run = {"count": 0, "since": use.at.isoformat(), "entries": [], "grants": []}
    grants = sorted({*run["grants"], str(use.grant_id or "")})[:2]
    run = run | {"count": run["count"] + 1, "until": use.at.isoformat(), "grants": grants}
    run["entries"] = [*run["entries"], str(use.entry)][-MOST_ENTRIES:]
    memory["refused"] = run
    return run


def changes(memory: Memory, use: Use, figures: Figures) -> list[Memory]:
    """Fold a use into the places of its account; the changes of the last day that involve a place not usual yet."""
    if not use.place or use.kind in _STRANGERS:
        return []
    now = use.at.isoformat()
    first, latest, days = (*memory.setdefault("places", {}).get(use.place, (now, "", 0)), _MANY_DAYS)[:3]
    memory["places"][use.place] = [first, now, days + (latest[:10] != now[:10])]
    if len(memory["places"]) > MOST_PLACES:  # entries may come out of their order: the place just used stays
        del memory["places"][min(memory["places"].keys() - {use.place}, key=lambda place: memory["places"][place][1])]
    last, memory["last"] = memory.get("last"), {"place": use.place, "at": now, "entry": str(use.entry)}
    if last is None or last["place"] == use.place:
        return []
    gap = max(0, round((use.at - datetime.fromisoformat(last["at"])).total_seconds()))
    change = {"at": now, "gap": gap, "places": [last["place"], use.place], "entries": [last["entry"], str(use.entry)]}
    change["grant"] = str(use.grant_id or "")
    memory["changes"] = [*memory.get("changes", []), change][-MOST_ENTRIES:]
    return [
        each
        for each in memory["changes"]
        if use.at - datetime.fromisoformat(each["at"]) <= _A_DAY
        and not all(_usual(memory["places"].get(place), each["at"], figures) for place in each["places"])
    ]


def arrived(memory: Memory, use: Use, figures: Figures) -> int:
    """How many usual places an account has, if a use that was folded in (``changes``) is its first from its place;
    0 otherwise."""
    places = memory.get("places", {})
    known = places.get(use.place)
    if not use.place or use.kind in _STRANGERS or known is None or known[0] != use.at.isoformat():
        return 0
    return sum(_usual(place, use.at.isoformat(), figures) for place in places.values())


def _usual(place: list[Any] | None, at: str, figures: Figures) -> bool:
    """Whether a place had been in use for long at a moment, and not once alone."""
    if place is None:
        return False
    age = datetime.fromisoformat(at) - datetime.fromisoformat(place[0])
    days = place[2] if len(place) > 2 else _MANY_DAYS
    return age >= timedelta(days=figures["usual_days"]) and days >= figures["usual_times"]


def written(matter: str) -> str:
    """How a case's number is written: 办件-2026-17 becomes 文-9-9."""
    for pattern, letter in _WRITTEN:
        matter = pattern.sub(letter, matter)
    return matter[:60]


def strange_matters(memory: Memory, use: Use, day: date) -> Memory | None:
    """Fold a call into the ways in which a grant's cases are written; the day's calls written as on no day before.

    None when this call is not one of them, when there is no day before to compare with, or when the cases are written
    in so many ways that none is strange.
    """
    forms: dict[str, str] = memory.setdefault("forms", {})
    form, today = written(use.matter), day.isoformat()
    if form not in forms and len(forms) < MOST_FORMS:
        forms[form] = today
    if len(forms) >= MOST_FORMS or forms[form] < today or min(forms.values()) == today:
        return None
    return _counted(memory, "strange", use, today)


def other_purposes(memory: Memory, use: Use, day: date) -> Memory:
    """Fold in a call that was refused for another purpose; the day's such calls."""
    return _counted(memory, "other_purpose", use, day.isoformat())


def _counted(memory: Memory, name: str, use: Use, today: str) -> Memory:
    counted: Memory = memory.get(name) or {"day": ""}
    if counted["day"] != today:
        counted = {"day": today, "count": 0, "entries": [], "since": use.at.isoformat()}
    counted = counted | {"count": counted["count"] + 1, "until": use.at.isoformat()}
    counted["entries"] = [*counted["entries"], str(use.entry)][-MOST_ENTRIES:]
    memory[name] = counted
    return counted


def first_of(memory: Memory, day: date) -> bool:
    """Whether a grant's month was not looked at on this day, or a later one, yet; from now on it was."""
    before, memory["month"] = memory.get("month", ""), max(memory.get("month", ""), day.isoformat())
    return bool(before < day.isoformat())


def most_before(memory: Memory, most: int, day: date) -> int:
    """Keep the most calls that stated one case on a day; the same of the busiest of the 30 days before."""
    days: dict[str, int] = memory.setdefault("most", {})
    days[day.isoformat()] = max(most, days.get(day.isoformat(), 0))
    since = (day - timedelta(days=HISTORY_DAYS)).isoformat()
    memory["most"] = {each: count for each, count in days.items() if each >= since}
    return max((count for each, count in days.items() if since <= each < day.isoformat()), default=0)
