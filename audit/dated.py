"""By when a checkpoint was there, as its signers state it: the log with its second key, witnesses with theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from audit.cosigned import moment_of, shown_moment
from audit.log_keys import LogKeys
from audit.note import Note
from audit.witness.policy import Policy
from audit.witness.quorum import agreeing, trusted_checkpoint


@dataclass(frozen=True)
class Dated:
    """A checkpoint that the log signed, with the moments that its signatures state (POSIX seconds).

    Attributes:
        size: entries that it covers.
        signed: when the log signed it, by its own word; empty for one from before the log's second key.
        witnessed: when witnesses of the policy cosigned it, by name.
        policy: whose word counts for what was there in time; the log's own where there is none.
    """

    size: int
    signed: tuple[int, ...] = ()
    witnessed: Mapping[str, int] | None = None
    policy: Policy | None = None

    def signed_after(self, moment: datetime) -> datetime | None:
        """When the log signed it, if that was after a moment. Only the log's own word counts: a witness may cosign an
        older checkpoint when there is a newer one, the log signs no older one."""
        late = [each for each in self.signed if each > moment.timestamp()]
        return shown_moment(min(late)) if late else None

    def was_there_by(self, moment: datetime) -> bool:
        """Whether it was surely there by a moment: enough witnesses had cosigned it, or without a policy the log says
        so. What is stated in whole seconds was there when the second was over."""
        if self.policy:
            early = [name for name, each in (self.witnessed or {}).items() if each + 1 <= moment.timestamp()]
            return self.policy.agreed(early)
        return any(each + 1 <= moment.timestamp() for each in self.signed)


def dated(note: str, keys: LogKeys, policy: Policy | None = None) -> Dated:
    """Read a signed checkpoint and the moments on it; 0 states none.

    Raises:
        InvalidInput: it is not signed by the log.
    """
    checkpoint, parsed = trusted_checkpoint(note, keys), Note.parse(note)
    own = parsed.lines_of(keys.second) if keys.second else ()
    signed = tuple(moment for line in own if (moment := moment_of(line.value)))
    names = agreeing(parsed, policy) if policy else []
    lines = {name: parsed.lines_of(policy.witnesses[name].key)[0] for name in names} if policy else {}
    witnessed = {name: moment for name, line in lines.items() if (moment := moment_of(line.value))}
    return Dated(checkpoint.size, signed, witnessed, policy)
