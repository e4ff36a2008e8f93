"""Check files that somebody was given, without the hub: proofs of entries, promises, bundles, exports.

What a file is follows from its content. Nothing is believed but the log's public keys and, where a
policy is given, the witnesses that it names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.errors import InvalidInput
from audit.bundle_check import check_bundle
from audit.checkpoint import Checkpoint
from audit.dated import dated
from audit.export import check_export, is_export
from audit.leaves import CHECKPOINT, COSIGNED, Source, look_for
from audit.log_keys import LogKeys
from audit.merkle import leaf_hash, verify_inclusion
from audit.note import Note
from audit.promise import Kept, is_promise, judged, open_promise
from audit.proof import HEADER, Proof, check
from audit.stamps.check import is_checkpoint
from audit.witness.policy import Policy
from audit.witness.quorum import agreeing, trusted_checkpoint

ZIP = b"PK\x03\x04"
HOLDS, BROKEN, NOT_YET = 0, 1, 3
"""Exit statuses; 2 is a command line's own."""


@dataclass(frozen=True)
class Trust:
    """What is believed.

    Attributes:
        keys: the log's public keys; what is signed with one must be right.
        policy: which witnesses must have cosigned every checkpoint; None asks for none.
    """

    keys: LogKeys
    policy: Policy | None = None

    def checkpoint(self, note: str) -> Checkpoint:
        """A checkpoint that is signed and cosigned as it must be.

        Raises:
            InvalidInput: it is not.
        """
        return trusted_checkpoint(note, self.keys, self.policy)

    def cosigners(self, note: str) -> str:
        """Who cosigned a checkpoint, to go on a sentence; empty without a policy."""
        names = agreeing(Note.parse(note), self.policy) if self.policy else []
        return f", cosigned by {', '.join(names)}" if names else ""


@dataclass(frozen=True)
class Checked:
    """What was found: a sentence for each file that was judged, and the worst status of all."""

    lines: tuple[str, ...]
    status: int


@dataclass(frozen=True)
class _Sorted:
    """Files by what they are, each with its name."""

    promises: list[tuple[str, bytes]]
    proofs: list[tuple[str, Proof]]
    entries: list[tuple[str, bytes]]
    checkpoints: list[tuple[str, bytes]]


def check_files(
    files: Mapping[str, bytes],
    trust: Trust,
    now: datetime,
    source: Source | None = None,
) -> Checked:
    """Check files together.

    Args:
        files: content by name; a proof goes with the entry that comes in the same place among entries, checkpoints with
            promises, to show whether these were kept in time.
        trust: the keys, and who must have cosigned.
        now: when a promise is judged.
        source: the log to look for promised entries in; without it the proofs among the files must show them.

    Raises:
        InvalidInput: a file is not what it seems to be, does not hold, or what it needs is not among the files.
    """
    bundles = {name: data for name, data in files.items() if data.startswith(ZIP)}
    if bundles:
        lines = [f"{name}: {_zip_holds(data, trust)}" for name, data in bundles.items()]
        if len(bundles) == len(files):
            return Checked(tuple(lines), HOLDS)
        rest = check_files({name: data for name, data in files.items() if name not in bundles}, trust, now, source)
        return Checked((*lines, *rest.lines), rest.status)
    given = _sorted(files, trust.keys)
    if given.promises:
        return _promises(given, trust, now, source)
    return _proofs(given, trust)


def _zip_holds(data: bytes, trust: Trust) -> str:
    judge = check_export if is_export(data) else check_bundle
    return judge(data, trust.keys, trust.policy)


def _sorted(files: Mapping[str, bytes], keys: LogKeys) -> _Sorted:
    given = _Sorted([], [], [], [])
    promised = any(map(is_promise, files.values()))
    for name, data in files.items():
        if is_promise(data):
            given.promises.append((name, data))
        elif data.startswith(HEADER.encode()):
            given.proofs.append((name, Proof.parse(data.decode(errors="replace"))))
        elif promised and is_checkpoint(data, keys):
            given.checkpoints.append((name, data))
        else:
            given.entries.append((name, data))
    return given


def _proofs(given: _Sorted, trust: Trust) -> Checked:
    if not given.proofs or len(given.proofs) != len(given.entries):
        raise InvalidInput(
            "evidence.not_a_pair",
            "There are {proofs} proofs and {entries} entries. Give each proof with the entry that it proves.",
            proofs=len(given.proofs),
            entries=len(given.entries),
        )
    lines = []
    for (_, proof), (_, entry) in zip(given.proofs, given.entries, strict=True):
        checkpoint = check(proof, entry, trust.keys, trust.policy)
        cosigned = trust.cosigners(proof.checkpoint)
        lines.append(f"Entry {proof.index} is in the log {checkpoint.origin} of {checkpoint.size} entries{cosigned}.")
    return Checked(tuple(lines), HOLDS)


def _promises(given: _Sorted, trust: Trust, now: datetime, source: Source | None) -> Checked:
    keys = trust.keys
    opened = [(name, open_promise(data, keys.promise_key, keys.log.name)) for name, data in given.promises]
    leaves = {leaf for _, promise in opened for leaf in promise.leaves}
    strange = [name for name, entry in given.entries if leaf_hash(entry) not in leaves]
    if strange:
        raise InvalidInput(
            "evidence.not_promised", "The promise is not about the entry in {file}.", file=", ".join(strange)
        )
    found = _proved(given.proofs, leaves, trust)
    notes = [data.decode() for _, data in given.checkpoints] + [proof.checkpoint for _, proof in given.proofs]
    if source is None and not found:
        raise InvalidInput(
            "evidence.promise_alone",
            "The promise is the log's own; whether it was kept does not show from these files. Give the proof of its"
            " entry, or name the log with --log: the hub's address, or a folder with its checkpoint and tiles.",
        )
    if source is not None:
        for name in (COSIGNED, CHECKPOINT) if trust.policy else (CHECKPOINT,):
            if leaves - found.keys():
                seen = look_for(source, leaves - found.keys(), trust.checkpoint, name)
                found |= seen.numbers
                notes.append(seen.note)
    checkpoints = [dated(note, keys, trust.policy) for note in notes]
    judgements = [(name, judged(promise, found, now, checkpoints)) for name, promise in opened]
    lines = [_told(name, kept, exact=source is not None) for name, kept in judgements]
    states = {kept.state for _, kept in judgements}
    status = BROKEN if states & {"broken", "late"} else NOT_YET if "not due" in states else HOLDS
    return Checked(tuple(lines), status)


def _proved(proofs: Sequence[tuple[str, Proof]], leaves: set[bytes], trust: Trust) -> dict[bytes, int]:
    """The promised leaves that the proofs show to be in the log; a proof of no promised leaf is refused."""
    found = {}
    for name, proof in proofs:
        checkpoint = trust.checkpoint(proof.checkpoint)
        shown = [
            leaf for leaf in leaves if verify_inclusion(leaf, proof.index, checkpoint.size, proof.path, checkpoint.root)
        ]
        if not shown:
            raise InvalidInput(
                "evidence.proof_of_another", "The proof in {file} shows no entry that was promised.", file=name
            )
        found[shown[0]] = proof.index
    return found


def _told(name: str, kept: Kept, *, exact: bool) -> str:
    due = kept.due_by.isoformat(timespec="seconds")
    if not kept.missing:
        return f"{name}: {_told_kept(kept, due)}"
    missing = f"{len(kept.missing)} of {len(kept.missing) + len(kept.found)} promised entries"
    if not kept.due:
        return f"{name}: not due yet. The log has until {due}; {missing} are still to come. Check again then."
    where = "in this log" if exact else "shown by these proofs"
    listed = "\n".join(f"  leaf {leaf.hex()}" for leaf in kept.missing)
    return f"{name}: BROKEN. {missing} were due by {due} and are not {where}.\n{listed}"


def _told_kept(kept: Kept, due: str) -> str:
    numbers = ", ".join(str(number) for number in sorted(kept.found.values()))
    there = f"What was promised is in the log, as number {numbers}"
    signed = kept.late.signed_after(kept.due_by) if kept.late else None
    if kept.late and signed:
        without = f"the log's checkpoint of {kept.late.size} entries, signed at {signed.isoformat()}, is without it"
        return f"KEPT LATE. {there}, but was due by {due}: {without}."
    if kept.in_time:
        return f"kept. {there}; it was there by {due}, as promised."
    return f"kept. {there}. Whether it was there by {due} does not show from these checkpoints."
