"""Check a time-stamp that somebody was given, with the checkpoint that it is on and the authority's certificates."""

from collections.abc import Mapping

from adapters.errors import InvalidInput
from audit.checkpoint import Checkpoint
from audit.log_keys import LogKeys
from audit.note import Note
from audit.stamps.token import Authority, stamped_text
from audit.witness.quorum import trusted_checkpoint

DER = b"\x30"


def is_stamp(data: bytes) -> bool:
    """Whether a file seems to be a time-stamp."""
    return data.startswith(DER)


def check_stamps(files: Mapping[str, bytes], keys: LogKeys, authority: Authority | None) -> list[str]:
    """Check time-stamps, each on one of the checkpoints beside it.

    Args:
        files: time-stamps and signed checkpoints, by name.
        authority: whose stamps they must be.

    Returns:
        What holds, a sentence for each stamp.

    Raises:
        InvalidInput: no authority is named, a checkpoint is not the log's, or a stamp is on none of them.
    """
    if authority is None:
        raise InvalidInput(
            "stamps.no_authority",
            "Name the certificates of the time-stamping authority: {option}.",
            option="--tsa-certificates",
        )
    notes = [data.decode(errors="replace") for data in files.values() if not is_stamp(data)]
    checkpoints = [(trusted_checkpoint(note, keys), stamped_text(note, keys)) for note in notes]
    return [_checked(name, data, checkpoints, authority) for name, data in files.items() if is_stamp(data)]


def _checked(name: str, token: bytes, checkpoints: list[tuple[Checkpoint, bytes]], authority: Authority) -> str:
    reason = "no checkpoint was given with it"
    for checkpoint, text in checkpoints:
        try:
            moment = authority.checked(token, text)
        except InvalidInput as error:
            reason = str(error)
            continue
        return f"{name}: the log had its first {checkpoint.size} entries, as they are, by {moment.isoformat()}."
    raise InvalidInput("stamps.of_nothing", "{name} stamps no checkpoint here: {reason}", name=name, reason=reason)


def is_checkpoint(data: bytes, keys: LogKeys) -> bool:
    """Whether a file seems to be a checkpoint of the log."""
    if not data.startswith(f"{keys.log.name}\n".encode()):
        return False
    try:
        Checkpoint.parse(Note.parse(data.decode()).text)
    except (InvalidInput, UnicodeDecodeError):
        return False
    return True
