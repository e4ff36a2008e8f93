"""Policies: which logs and witnesses are known, and how many of these must agree (C2SP tlog-policy). Files in UTF-8."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from adapters.errors import InvalidInput, Misconfigured
from audit.keys import ED25519, ED25519_COSIGNATURE, ML_DSA_44, VerifierKey

LARGEST_FILE = 1_000_000
MOST_WITNESSES = 64
NONE = "none"


@dataclass(frozen=True)
class PolicyWitness:
    """A witness: its name in the policy, its key, and where it takes checkpoints (empty: nowhere)."""

    name: str
    key: VerifierKey
    url: str = ""


@dataclass
class Policy:
    """A policy.

    Attributes:
        logs: keys of the logs it accepts; none leaves that to others.
        witnesses: by name, in the order of the file.
        groups: name to how many of which names must agree.
        quorum: name of the witness or group that must agree, or ``none``.
    """

    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: dict[str, PolicyWitness] = field(default_factory=dict)
    groups: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    quorum: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a policy.

        Raises:
            InvalidInput: naming the first line that is wrong.
        """
        policy = cls()
        grouped: set[str] = set()
        for number, line in enumerate(text.split("\n"), 1):
            words = line.replace("\t", " ").strip(" ").split()
            if not words or words[0].startswith("#"):
                continue
            try:
                policy._read(words, grouped)
            except (ValueError, InvalidInput):
                raise _wrong(number) from None
        if not policy.quorum:
            raise _wrong(text.count("\n") + 1)
        return policy

    def agreed(self, agreeing: Collection[str]) -> bool:
        """Whether these witnesses, by name, are enough."""
        return self._holds(self.quorum, frozenset(agreeing))

    def agreed_size(self, sizes: dict[str, int]) -> int:
        """The largest size that enough witnesses agree to: who cosigned a size agrees to all smaller ones.

        Args:
            sizes: what each witness cosigned last, by name.
        """
        for size in sorted(set(sizes.values()), reverse=True):
            if self.agreed([name for name, agreed in sizes.items() if agreed >= size]):
                return size
        return 0

    def _holds(self, name: str, agreeing: frozenset[str]) -> bool:
        if name in self.groups:
            least, members = self.groups[name]
            return sum(self._holds(member, agreeing) for member in members) >= least
        return name in agreeing or name == NONE

    def _read(self, words: list[str], grouped: set[str]) -> None:
        kinds: dict[str, Callable[..., None]] = {"log": self._log, "witness": self._witness, "quorum": self._quorum}
        word, *rest = words
        if word == "group":
            self._group(grouped, *rest)
        elif word in kinds and 1 <= len(rest) <= 3:
            try:
                kinds[word](*rest)
            except TypeError:  # too few or too many words for the line's kind
                raise ValueError from None
        else:
            raise ValueError

    def _log(self, key_text: str, url: str = "") -> None:
        key = VerifierKey.parse(key_text)
        _require(key.kind in {ED25519, ML_DSA_44} and _is_new(key, self.logs) and _is_address(url))
        self.logs.append(key)

    def _witness(self, name: str, key_text: str, url: str = "") -> None:
        key = VerifierKey.parse(key_text)
        known = [witness.key for witness in self.witnesses.values()]
        _require(key.kind in {ED25519_COSIGNATURE, ML_DSA_44} and _is_new(key, known) and _is_address(url))
        _require(self._is_free(name) and len(self.witnesses) < MOST_WITNESSES and len(name) <= 100)
        self.witnesses[name] = PolicyWitness(name, key, url)

    def _group(self, grouped: set[str], name: str = "", least: str = "", *members: str) -> None:
        count = {"all": len(members), "any": 1}.get(least) or (int(least) if least.isdecimal() else 0)
        known = all(member in self.witnesses or member in self.groups for member in members)
        _require(self._is_free(name) and 1 <= count <= len(members) and known)
        _require(len(set(members)) == len(members) and grouped.isdisjoint(members))
        grouped.update(members)
        self.groups[name] = count, members

    def _quorum(self, name: str) -> None:
        _require(not self.quorum and (name == NONE or name in self.witnesses or name in self.groups))
        self.quorum = name

    def _is_free(self, name: str) -> bool:
        return bool(name) and name != NONE and name not in self.witnesses and name not in self.groups


def read_policy(path: Path) -> Policy:
    """The policy of a file.

    Raises:
        Misconfigured: the file cannot be read, or is no policy; the sentence says where.
    """
    try:
        data = path.read_bytes()[: LARGEST_FILE + 1]
        return Policy.parse(data.decode() if len(data) <= LARGEST_FILE else "")
    except (OSError, UnicodeDecodeError, InvalidInput) as error:
        raise Misconfigured(
            "witness.bad_policy_file",
            "The policy of the witnesses, {path}, cannot be used: {reason}",
            path=str(path),
            reason=str(error),
        ) from error


def _require(right: bool) -> None:
    if not right:
        raise ValueError


def _is_new(key: VerifierKey, known: list[VerifierKey]) -> bool:
    return all(other.public != key.public for other in known)


def _is_address(url: str) -> bool:
    parts = urlsplit(url)
    return not url or (
        parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query and parts.port != 0
    )


def _wrong(number: int) -> InvalidInput:
    return InvalidInput(
        "witness.bad_policy",
        "Line {number} is not as c2sp.org/tlog-policy says: log, witness, group or quorum, names defined before they"
        " are used, no key twice, one quorum.",
        number=number,
    )
