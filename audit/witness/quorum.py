"""Whether a checkpoint carries the cosignatures that a policy asks for (C2SP tlog-policy): without hub and database."""

from adapters.errors import InvalidInput
from audit.checkpoint import Checkpoint, open_checkpoint
from audit.log_keys import LogKeys
from audit.note import Note
from audit.witness.policy import Policy


def agreeing(note: Note, policy: Policy) -> list[str]:
    """Names of the policy's witnesses whose cosignatures the checkpoint carries; a wrong one counts for nothing."""
    return [name for name, witness in policy.witnesses.items() if note.is_signed_by(witness.key)]


def trusted_checkpoint(note: str, keys: LogKeys, policy: Policy | None = None) -> Checkpoint:
    """Read a checkpoint and trust it: signed by the log, and cosigned as the policy says.

    Args:
        note: the signed note.
        keys: the log's public keys.
        policy: which witnesses must have cosigned; None asks for none.

    Raises:
        InvalidInput: it is not signed by the log, the policy does not know the log, or too few cosigned it.
    """
    checkpoint = open_checkpoint(note, keys.log, keys.log.name, keys.second)
    if policy is None:
        return checkpoint
    if policy.logs and keys.log not in policy.logs and keys.second not in policy.logs:
        raise InvalidInput(
            "witness.log_not_in_policy",
            "The policy does not name the key {key}. Take the policy that is for this log.",
            key=str(keys.log),
        )
    names = agreeing(Note.parse(note), policy)
    if not policy.agreed(names):
        raise InvalidInput(
            "witness.too_few",
            "The checkpoint of {size} entries is cosigned by {count} of the policy's witnesses ({names}), and that is"
            " not enough for {quorum}. Fetch the proof again later: it then carries what the witnesses cosigned since.",
            size=checkpoint.size,
            count=len(names),
            names=", ".join(names) or "none",
            quorum=policy.quorum,
        )
    return checkpoint
