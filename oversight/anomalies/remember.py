"""What the rules remember, from the database and back into it."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from oversight.anomalies.memory import Memory
from oversight.anomalies.models import Remembered


def remembered(session: Session, names: Collection[str]) -> dict[str, Memory]:
    """Memories by name, empty ones where there are none; what is put into them is written with the next flush."""
    rows = session.scalars(select(Remembered).where(Remembered.name.in_(names)))
    known = {row.name: row for row in rows}
    for name in set(names) - known.keys():
        known[name] = Remembered(name=name, content={})
        session.add(known[name])
    for row in known.values():
        flag_modified(row, "content")
    return {name: row.content for name, row in known.items()}
