"""Hand out what a page of evidence shows as a signed file; that somebody took it is an entry itself (R51).

The rows go through files, not through memory, and there are at most 100,000 of them; the statement says when there
are more.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from tempfile import TemporaryFile
from typing import IO
from urllib.parse import quote

from flask import Response
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.errors import Conflict
from audit.actor import Actor
from audit.append import append
from audit.export import digest_of, write_export
from audit.log_keys import promise_signer
from audit.queries import log_state
from audit.witness.gathered import with_cosignatures
from portal.edge import portal_settings
from portal.exports import MAXIMUM_ROWS, Cell, wanted_export, write_rows

_PIECE = 1 << 18


@dataclass(frozen=True)
class Shown:
    """What is exported.

    Attributes:
        what: ``search``, ``timeline``, ``month``, ``data_subject`` or ``anomalies``.
        title: file name without ending; may be Chinese.
        heads: translated column heads.
        stated: what was asked, as the entry states it.
        unknown: what was asked and may be personal.
        matter: the case that it is about.
        subjects: tokens of the data subjects that it is about.
        more: whether the rows are not all that there are.
    """

    what: str
    title: str
    heads: Sequence[str]
    stated: Mapping[str, str]
    unknown: Mapping[str, str] = field(default_factory=dict)
    matter: str = ""
    subjects: Collection[bytes] = ()
    more: bool = False


def signed_export(session: Session, actor: Actor, shown: Shown, rows: Iterable[Sequence[Cell]]) -> Response:
    """The rows as a signed zip, as the query field ``export`` asks.

    Raises:
        Conflict: the log has no checkpoint yet.
        Misconfigured: this process has no key to sign exports with.
    """
    key, log, moment = promise_signer(portal_settings()), log_state(session), system_now()
    if not log.checkpoint:
        raise Conflict("log.empty_export", "The log has no checkpoint yet, and an export rests on one. Try again soon.")
    kind = wanted_export() or "csv"
    lines = _Limited(rows)
    with TemporaryFile() as table:
        count = write_rows(table, kind, shown.heads, lines)
        asked = dict(sorted({**shown.stated, **shown.unknown}.items()))
        facts = {"what": shown.what, "rows": count, "more": lines.more or shown.more}
        entry = append(
            session,
            "evidence.exported",
            f"export/{uuid.uuid4()}",
            actor,
            matter=shown.matter,
            after={**facts, "asked": dict(shown.stated), "checkpoint": log.size},
            personal={"asked": dict(shown.unknown), "sha256": digest_of(table)},
            subjects=shown.subjects,
        )
        facts |= {
            "asked": asked,
            "exported_at": moment.isoformat(timespec="seconds"),
            "person": str(actor.person_id),
            "name": actor.name,
            "agency": actor.agency_code,
            "entry": str(entry.id),
        }
        note = with_cosignatures(session, log.size, log.checkpoint)
        out = TemporaryFile()  # noqa: SIM115  # it is closed when it has been sent
        write_export(out, facts, table, f"rows.{kind}", note, key)
    answer = Response(_pieces(out), content_type="application/zip")
    name = f"{shown.title} {(moment + timedelta(hours=8)).strftime('%Y%m%d-%H%M%S')}.zip"
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    answer.headers["Cache-Control"] = "private, no-store"
    answer.call_on_close(out.close)
    return answer


class _Limited:
    """At most 100,000 rows, and whether there were more."""

    def __init__(self, rows: Iterable[Sequence[Cell]]) -> None:
        self._rows = rows
        self.more = False

    def __iter__(self) -> Iterator[Sequence[Cell]]:
        for number, row in enumerate(self._rows):
            if number == MAXIMUM_ROWS:
                self.more = True
                return
            yield row


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece
