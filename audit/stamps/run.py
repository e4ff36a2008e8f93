"""Has hourly checkpoints stamped, in a thread of the worker. What fails is shown and tried again; it blocks nobody."""

import logging
from datetime import timedelta
from threading import Event

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.database import transaction
from adapters.errors import ShuniuError
from adapters.settings import Settings
from audit.log_keys import log_keys
from audit.models import LogCheckpoint
from audit.stamps.models import LogStamp
from audit.stamps.token import Authority, stamped_text
from audit.store.models import KeptCheckpoint
from audit.store.place import DAYS_OF_A_YEAR, Place

PAUSE_SECONDS = 60.0
_log = logging.getLogger("shuniu.stamps")


def run_forever(settings: Settings, stop: Event) -> None:
    """Stamp until ``stop`` is set; ends at once where the site has no authority.

    Raises:
        Misconfigured: the authority's certificates cannot be used.
    """
    authority = Authority.of(settings)
    if authority is None or not authority.url:
        return
    pause = 0.0
    while not stop.wait(pause):
        pause = PAUSE_SECONDS
        try:
            stamp(settings, authority)
        except Exception:  # whatever it is, the next try may succeed, and the log itself goes on
            _log.exception("The hourly checkpoint could not be stamped; trying again.")


def stamp(settings: Settings, authority: Authority) -> LogStamp | None:
    """Have the newest hourly checkpoint stamped, if it is not; nothing is held in the database meanwhile.

    Returns:
        What was written down; None when nothing is to be stamped.
    """
    url = settings.sequencer_database_url
    with transaction(url) as session:
        found = _due(session)
    if found is None:
        return None
    kept, note = found
    row = LogStamp(hour=kept.hour, size=kept.size, tried_at=system_now(), problem="")
    text = stamped_text(note, log_keys(settings))
    try:
        row.token, row.stamped_at = authority.asked(text)
        _publish(Place.of(settings), kept, text, row.token)
    except ShuniuError as error:
        row.token = row.stamped_at = None
        row.problem = str(error)
        _log.warning("%s", error)
    with transaction(url) as session:
        session.merge(row)
    return row


def _due(session: Session) -> tuple[KeptCheckpoint, str] | None:
    hourly = select(KeptCheckpoint).where(~KeptCheckpoint.cosigned, KeptCheckpoint.kept_at <= system_now())
    kept = session.scalar(hourly.order_by(KeptCheckpoint.hour.desc()).limit(1))
    checkpoint = session.get(LogCheckpoint, kept.size) if kept else None
    stamped = session.get(LogStamp, kept.hour) if kept else None
    if kept is None or checkpoint is None or (stamped and stamped.token):
        return None
    note = checkpoint.note
    session.expunge(kept)
    return kept, note


def _publish(place: Place, kept: KeptCheckpoint, text: bytes, token: bytes) -> None:
    """Put the stamp, and the bytes that it is on, beside the checkpoint that it is of, held as long."""
    until = system_now() + timedelta(days=DAYS_OF_A_YEAR * place.years) if kept.retain_until else None
    for ending, data in (("checkpoint", text), ("tsr", token)):
        place.locked.put_held(f"{kept.key.replace('/kept/', '/stamps/')}.{ending}", data, until)
