"""Checkpoints as they go out: with the cosignatures that witnesses gave so far, and the newest that enough cosigned."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.prepared import Prepared
from audit.note import MAXIMUM_SIGNATURES
from audit.witness.collect import key_hash
from audit.witness.standing import policy_in_use

OLDEST = timedelta(days=7)
"""A checkpoint that was cosigned longer ago is not preferred to a newer one any more."""
_LOOKED_AT = 100
_OF_THE_LOG = 10

_LINES = Prepared("SELECT line FROM log_cosignature WHERE size = %(size)s ORDER BY key_hash LIMIT %(most)s")
_COSIGNED = Prepared(
    "SELECT size, array_agg(key_hash) AS keys FROM log_cosignature"
    " WHERE size > %(above)s AND size <= %(most)s AND cosigned_at > %(since)s GROUP BY size"
    " ORDER BY size DESC LIMIT %(looked_at)s"
)
_LAST = Prepared(
    "SELECT size, note || coalesce((SELECT string_agg(line, '' ORDER BY key_hash) FROM ("
    " SELECT line, key_hash FROM log_cosignature AS given WHERE given.size = last.size ORDER BY key_hash LIMIT %(most)s"
    ") AS lines), '') AS note FROM log_checkpoint AS last ORDER BY size DESC LIMIT 1"
)
_NOTE = Prepared("SELECT note FROM log_checkpoint WHERE size = %(size)s")


@dataclass(frozen=True)
class Cosigned:
    """A checkpoint's size, and its signed note with all cosignatures."""

    size: int
    note: str


def with_cosignatures(session: Session, size: int, note: str) -> str:
    """A checkpoint's signed note with the witnesses' lines on it, as many as were given so far.

    Args:
        size: the checkpoint's.
        note: as the log signed it.
    """
    rows = _LINES.rows(session, size=size, most=MAXIMUM_SIGNATURES - _OF_THE_LOG)
    return note + "".join(row.line for row in rows)


def last_checkpoint(session: Session) -> Cosigned | None:
    """The last checkpoint with the cosignatures that it has so far; None where nothing was signed yet."""
    for row in _LAST.rows(session, most=MAXIMUM_SIGNATURES - _OF_THE_LOG):
        return Cosigned(row.size, row.note)
    return None


def newest_cosigned(session: Session, above: int = 0, most: int = 2**62) -> Cosigned | None:
    """The newest checkpoint that enough witnesses of this process's policy cosigned, if one is not too old.

    Args:
        above: it has more entries than this.
        most: and no more than these.

    Returns:
        None where there is none, or the policy asks for nobody.
    """
    policy = policy_in_use()
    if policy is None or policy.agreed(()):
        return None
    names = {key_hash(witness.key): name for name, witness in policy.witnesses.items()}
    since = system_now() - OLDEST
    for row in _COSIGNED.rows(session, above=above, most=most, since=since, looked_at=_LOOKED_AT):
        if policy.agreed([names[key] for key in row.keys if key in names]):
            for checkpoint in _NOTE.rows(session, size=row.size):
                return Cosigned(row.size, with_cosignatures(session, row.size, checkpoint.note))
    return None
