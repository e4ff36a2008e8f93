"""Every start of a component is compared with the last one, and what is new is written down (R48, R51).

Changed settings, a start, and a database of another schema are entries. A row per component holds what the last entry
told, under a lock, so that of processes that start together one writes; a component that keeps failing writes one entry
a minute at most.
"""

import hashlib
import json
import logging
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.database import transaction
from adapters.settings import Settings
from audit.actor import HUB
from audit.append import append
from audit.models import Evidence
from audit.reconcile import (
    Discrepancy,
    differences,
    entries_have_rows,
    last_entry,
    recorded,
    register,
    rows_have_entries,
)
from portal.models import SiteSettings
from portal.public_settings import public

NOUN, SCHEMA = "site_settings", "schema"
CHANGED = ("settings.changed", "schema.upgraded")
DIGEST = "all_sha256"
"""Beside the settings that changed: the digest of all of them, so that a row can be held against its last entry."""
A_MINUTE = timedelta(minutes=1)
PATIENCE_SECONDS = 60.0
log = logging.getLogger("shuniu.starts")


def record_start(settings: Settings, component: str) -> None:
    """Write down what is new with this start; a database that does not answer yet is waited for, a minute at most.

    Raises:
        OperationalError: it did not answer; a component whose settings are not in evidence does not start.
    """
    told = public(settings)
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with transaction(settings.app_database_url) as session:
                record(session, component, told)
            return
        except OperationalError:
            if time.monotonic() > until:
                raise
            log.warning("The database does not answer; the start of the %s waits for it.", component)
            time.sleep(1.0)


def record(session: Session, component: str, told: Mapping[str, Any]) -> None:
    """Append entries for what differs from the component's last start.

    Args:
        told: its settings, as ``portal.public_settings.public`` tells them.
    """
    row = _locked(session, component)
    _follow(session, row, "settings.changed", told)
    now = system_now()
    if row.started_at is None or abs(now - row.started_at) >= A_MINUTE:
        append(session, "hub.started", f"{NOUN}/{component}", HUB, after={"component": component, "version": release()})
        row.started_at = now
    number = str(session.scalar(text("SELECT version_num FROM alembic_version")))
    _follow(session, _locked(session, SCHEMA), "schema.upgraded", {"version": number})
    session.flush()


def release() -> str:
    """The version of the hub's programs; none where they run from a folder that was never installed."""
    try:
        return version("shuniu")
    except PackageNotFoundError:
        return ""


def _locked(session: Session, component: str) -> SiteSettings:
    """The component's row, made when missing, locked until the transaction ends."""
    session.execute(insert(SiteSettings).values(component=component, settings={}).on_conflict_do_nothing())
    return session.get_one(SiteSettings, component, with_for_update=True, populate_existing=True)


def _follow(session: Session, row: SiteSettings, kind: str, now: Mapping[str, Any]) -> None:
    """Have the row say what is so now, with an entry of what differs; nothing happens when it says so already."""
    stored: object = row.settings  # in a falsified row it may be anything
    then: dict[str, Any] = stored if isinstance(stored, dict) else {}
    names = sorted(name for name in {*then, *now} if name not in then or name not in now or then[name] != now[name])
    if not names:
        return
    before = {name: then[name] for name in names if name in then}
    after = {name: now.get(name) for name in names} | {DIGEST: _digest(dict(now))}
    row.evidence_id = append(session, kind, f"{NOUN}/{row.component}", HUB, before=before, after=after).id
    row.settings = dict(now)


def _digest(settings: object) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def register_reconcilers() -> None:
    """Have every verification compare the stored settings with their entries, both ways."""
    register(NOUN, rows_have_entries(NOUN, SiteSettings.component, CHANGED))
    register(f"{NOUN}-entries", entries_have_rows(NOUN, SiteSettings.component, CHANGED))
    register(f"{NOUN}-content", settings_follow_entries)


def settings_follow_entries(session: Session) -> Iterator[Discrepancy]:
    """Rows that say something else than their entries, or rest on another entry than the last."""
    for row in session.scalars(select(SiteSettings).order_by(SiteSettings.component)):
        subject = f"{NOUN}/{row.component}"
        stated: dict[str, Any] = {}
        for entry in recorded(session, Evidence.subject, [subject], CHANGED).get(subject, []):
            stated |= entry.after
        says: object = row.settings  # in a falsified row it may be anything
        facts = dict.fromkeys(stated) | (says if isinstance(says, dict) else {}) | {DIGEST: _digest(says)}
        yield from differences(subject, facts, stated)
        last = last_entry(session, subject, CHANGED)
        if last is not None and last != row.evidence_id:
            sentence = f"{subject} rests on another entry than its last one."
            yield Discrepancy(subject, sentence, expected=str(last), found=str(row.evidence_id))
