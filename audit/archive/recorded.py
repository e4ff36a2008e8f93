"""What entries of the log say of archives, for their verification: read from the entries' own texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.errors import ShuniuError
from audit.archive.read import bodies
from audit.models import Evidence


@dataclass(frozen=True)
class Recorded:
    """What an entry says.

    Attributes:
        after: the facts.
        by_two: whether it names two different people.
    """

    after: dict[str, Any]
    by_two: bool

    @classmethod
    def parse(cls, body: bytes) -> Self | None:
        """Read an entry's text; None where it is falsified, which verification names by itself."""
        try:
            data: Mapping[str, Any] = orjson.loads(body)["data"]
            after, person = dict(data["after"]), data["actor"]["person"]
            str(after["retain_until"])
        except (ValueError, KeyError, TypeError):
            return None
        return cls(after, person is not None and after.get("confirmed_by") not in {None, person})


def recorded(session: Session, kind: str) -> Mapping[str, Sequence[Recorded | None]]:
    """What entries of a kind say, by the digest of the archive that they are about.

    None stands for an entry whose text cannot be read, because it lies in an archive that is gone or bad.
    """
    entries = select(Evidence.id, Evidence.subject, Evidence.body).where(Evidence.kind == kind)
    rows = session.execute(entries.where(Evidence.outcome == "DONE").order_by(Evidence.recorded_at)).all()
    texts = bodies(session, {row.id: row.body for row in rows}, over=ShuniuError)
    found: dict[str, list[Recorded | None]] = {}
    for row in rows:
        said = Recorded.parse(texts.get(row.id, b""))
        found.setdefault(row.subject.removeprefix("evidence_archive/"), []).append(said)
    return found
