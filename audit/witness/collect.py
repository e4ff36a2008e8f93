"""The hub's side: submits each new checkpoint to the witnesses of the policy and keeps what they answer.

Each witness has a thread of its own, so that one that is away delays neither the log nor the others. Nothing is held
in the database while a witness is asked.
"""

import hashlib
import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from adapters.clock import system_now
from adapters.database import transaction
from adapters.errors import InvalidInput
from adapters.settings import Settings
from audit.actor import HUB
from audit.append import append
from audit.cosigned import moment_of
from audit.keys import VerifierKey
from audit.merkle import consistency_proof
from audit.models import LogCheckpoint, LogTile
from audit.note import Note, Signature
from audit.store.models import ONE, LogStore
from audit.tiles import reader
from audit.witness.call import Reply, call
from audit.witness.models import AWAY, BEHIND, CONTRADICTIONS, REFUSED, UNKNOWN, LogCosignature, LogWitness
from audit.witness.policy import PolicyWitness, read_policy
from audit.witness.submission import Submission

PAUSE_SECONDS = 2.0
LONGEST_PAUSE = 60.0
_PROBLEMS = {409: BEHIND, 422: REFUSED, 403: UNKNOWN, 404: UNKNOWN}
_log = logging.getLogger("shuniu.witnesses")


@dataclass(frozen=True)
class Asked:
    """A submission and what came back."""

    size: int
    note: str
    reply: Reply
    its_size: int


def key_hash(key: VerifierKey) -> str:
    """By what the tables know a witness's key."""
    return hashlib.sha256(str(key).encode()).hexdigest()


def start(settings: Settings, stop: threading.Event) -> list[threading.Thread]:
    """Look after every witness that the policy gives an address, until ``stop`` is set.

    Raises:
        Misconfigured: the policy cannot be used.
    """
    policy = read_policy(Path(settings.witnesses)) if settings.witnesses else None
    witnesses = [witness for witness in policy.witnesses.values() if witness.url] if policy else []
    threads = [
        threading.Thread(
            target=_look_after, args=(settings, witness, stop), name=f"witness {witness.name}", daemon=True
        )
        for witness in witnesses
    ]
    for thread in threads:
        thread.start()
    return threads


def tend(url: str, witness: PolicyWitness, *, again: bool = False) -> str | None:
    """Submit a checkpoint to a witness, if one is new to it.

    Args:
        url: the database, as the app role.
        witness: of the policy, with an address.
        again: submit it whatever the witness agreed to before; an older database put in this one's place shows so.

    Returns:
        What is wrong afterwards, empty for nothing; None when there was nothing to submit.
    """
    with transaction(url) as session:
        row = _row(session, witness)
        known, problem = row.size, row.problem
        size = _submitted(session, known, leading=bool(problem) or again)
    if not size or (known == size and not problem and not again):
        return None
    asked = _ask(url, witness, min(known, size), size)
    if asked.reply.status == 409 and asked.its_size <= asked.size:
        asked = _ask(url, witness, asked.its_size, size)
    with transaction(url) as session:
        return _record(session, witness, asked)


def _look_after(settings: Settings, witness: PolicyWitness, stop: threading.Event) -> None:
    pause, again = 0.0, True
    while not stop.wait(pause):
        try:
            problem = tend(settings.app_database_url, witness, again=again)
        except Exception:  # whatever it is, this witness is asked again, and nothing else stops for it
            _log.exception("The witness %s could not be asked; trying again.", witness.name)
            problem = AWAY
        again = again and problem == AWAY
        pause = min(LONGEST_PAUSE, max(PAUSE_SECONDS, pause * 2)) if problem else PAUSE_SECONDS


def _submitted(session: Session, known: int, *, leading: bool) -> int:
    """The checkpoint that a witness gets next: one that another cosigned already, so that cosignatures come together on
    the same checkpoints, otherwise the last that is published. What is in no store yet could be lost with the
    database, and the witness would then know more than anybody could continue.

    Args:
        known: the size that it cosigned last.
        leading: whether the last is asked for, whatever others cosigned.
    """
    followed = select(LogCosignature.size).where(LogCosignature.size > known).order_by(LogCosignature.size.desc())
    size = None if leading else session.scalar(followed.limit(1))
    if size is not None and session.get(LogCheckpoint, size) is not None:
        return size
    published = session.get(LogStore, ONE)
    sizes = select(LogCheckpoint.size).order_by(LogCheckpoint.size.desc()).limit(1)
    return session.scalar(sizes.where(LogCheckpoint.size <= published.size) if published else sizes) or 0


def _ask(url: str, witness: PolicyWitness, old: int, size: int) -> Asked:
    with transaction(url) as session:
        note = session.get_one(LogCheckpoint, size).note
        try:
            proof = tuple(_proof(session, old, size))
        except (LookupError, ValueError):  # tiles that were damaged prove nothing; the witness then says so
            proof = ()
    reply = call(witness.url, str(Submission(old, proof, note)))
    return Asked(size, note, _understood(reply, old, size), reply.its_size or 0)


def _understood(reply: Reply, old: int, size: int) -> Reply:
    """A 409 says that the witness knows another size, which it names. One to the size that it knows, named or not, says
    that it cosigned another root of that size (C2SP tlog-witness): the log does not continue it. Others say nothing.

    Args:
        old, size: what was submitted.
    """
    its_size = reply.its_size
    if reply.status == 409 and (its_size == old or (its_size is None and old == size)):
        return Reply(422)
    return Reply(0) if reply.status == 409 and its_size is None else reply


def _record(session: Session, witness: PolicyWitness, asked: Asked) -> str:
    row = _row(session, witness)
    if asked.reply.status == 409 and _submitted(session, 0, leading=True) >= asked.its_size:
        return row.problem  # another worker was quicker; the next round sees what it submitted
    line = _cosignature(witness.key, asked) if asked.reply.status == 200 else None
    problem = "" if line else _PROBLEMS.get(asked.reply.status, AWAY)
    if line:
        moment = datetime.fromtimestamp(moment_of(line.value), UTC)
        values = {"size": asked.size, "key_hash": row.key_hash, "line": str(line), "cosigned_at": moment}
        session.execute(insert(LogCosignature).values(values).on_conflict_do_nothing())
        row.size, row.agreed_at = asked.size, moment
    if problem == AWAY and row.problem in CONTRADICTIONS:
        return row.problem  # that it is away now takes nothing back
    if problem != row.problem:
        row.problem, row.problem_since = problem, system_now() if problem else None
        row.its_size = asked.its_size
        _log.warning("The witness %s: %s", witness.name, problem or "agrees")
        if problem in CONTRADICTIONS:
            after = {"problem": problem, "size": asked.size, "its_size": asked.its_size, "agreed_size": row.size}
            append(session, "witness.refused", f"witness/{witness.name}", HUB, outcome="REFUSED", after=after)
    session.flush()
    return problem


def _cosignature(key: VerifierKey, asked: Asked) -> Signature | None:
    """The witness's line on the checkpoint, if it is right and of a moment that can be."""
    try:
        note = Note.parse(f"{asked.note}{asked.reply.body}")
    except InvalidInput:
        return None
    lines = note.lines_of(key)
    right = note.is_signed_by(key) and 0 < moment_of(lines[0].value) <= system_now().timestamp() + 3600
    return lines[0] if right else None


def _row(session: Session, witness: PolicyWitness) -> LogWitness:
    identity = key_hash(witness.key)
    session.execute(insert(LogWitness).values(key_hash=identity, name=witness.name).on_conflict_do_nothing())
    return session.scalars(select(LogWitness).where(LogWitness.key_hash == identity).with_for_update()).one()


def _proof(session: Session, old: int, new: int) -> list[bytes]:
    known: dict[tuple[int, int], bytes] = {}

    def tile(level: int, number: int) -> bytes:
        if (level, number) not in known:
            place = (LogTile.level == level) & (LogTile.number == number)
            known[level, number] = session.scalar(select(LogTile.hashes).where(place)) or b""
        return known[level, number]

    return consistency_proof(old, new, reader(tile))
