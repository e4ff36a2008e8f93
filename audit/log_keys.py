"""The keys of a log by what they are for: who holds which secret, and the public texts that others keep.

Checkpoints are signed with the log's key, which the sequencer alone holds. Promises, evidence bundles and exports are
signed by whichever process hands them out, with a key of its own (``SHUNIU_PROMISE_KEY``) under a name of its own
(the log's and ``/promises``): who steals it can make promises, and no checkpoint.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from adapters.errors import InvalidInput
from adapters.settings import Settings
from audit.keys import ED25519, ML_DSA_44, SigningKey, VerifierKey

PROMISES = "/promises"


@dataclass(frozen=True)
class LogKeys:
    """Public keys of a log; `str` gives them a line each, as `shuniu audit key` prints them.

    Attributes:
        log: Ed25519, signs checkpoints; its name is the log's.
        second: ML-DSA-44, beside it; None where it was not kept.
        promises: Ed25519, signs promises, bundles and exports; None where it was not kept.
    """

    log: VerifierKey
    second: VerifierKey | None = None
    promises: VerifierKey | None = None

    @property
    def checkpoint_keys(self) -> list[VerifierKey]:
        """Those that sign checkpoints."""
        return [self.log, self.second] if self.second else [self.log]

    @property
    def promise_key(self) -> VerifierKey:
        """The key that promises, bundles and exports must be signed with.

        Raises:
            InvalidInput: it was not kept.
        """
        if self.promises is None:
            raise InvalidInput(
                "evidence.no_promise_key",
                "Promises, bundles and exports of the log {origin} are signed with a key of its own, {name}, which was"
                " not given. Copy all lines of `shuniu audit key`.",
                origin=self.log.name,
                name=self.log.name + PROMISES,
            )
        return self.promises

    def __str__(self) -> str:
        return "\n".join(str(key) for key in (self.log, self.second, self.promises) if key)


def parse_log_keys(text: str) -> LogKeys:
    """Read the public keys of a log as `shuniu audit key` prints them: the first is the log's, others may be missing.

    Raises:
        InvalidInput: one is no verifier key, they are of two logs, or the first is no Ed25519 key.
    """
    first, *others = [VerifierKey.parse(word) for word in text.split()] or [VerifierKey.parse(text)]
    second = next((key for key in others if (key.kind, key.name) == (ML_DSA_44, first.name)), None)
    promises = next((key for key in others if (key.kind, key.name) == (ED25519, first.name + PROMISES)), None)
    if first.kind != ED25519 or len(others) != (second is not None) + (promises is not None):
        raise InvalidInput(
            "evidence.bad_verifier_key",
            "This is not the public key of a log. It reads name+hash+base64; copy it whole from `shuniu audit key`.",
        )
    return LogKeys(first, second, promises)


def log_keys(settings: Settings) -> LogKeys:
    """The site's public keys: as `shuniu up` published them, or from the secrets of a process that has these.

    Raises:
        Misconfigured: neither the public keys nor the log's key are set, or one is wrong.
    """
    if not settings.log_verifier:
        settings.require("log_key")
    return _read(settings.log_origin, settings.log_verifier, settings.log_key, settings.promise_key)


def log_signer(settings: Settings) -> SigningKey:
    """The key that signs checkpoints; the sequencer's alone.

    Raises:
        Misconfigured: it is not set, or wrong.
    """
    settings.require("log_key")
    return SigningKey.from_setting(settings.log_origin, settings.log_key)


def promise_signer(settings: Settings) -> SigningKey:
    """The key that signs promises, evidence bundles and exports.

    Raises:
        Misconfigured: it is not set, or wrong.
    """
    settings.require("promise_key")
    return _promise_signer(settings.log_origin, settings.promise_key)


def public_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The setting by which processes without the log's key know its public keys.

    Args:
        environ: settings with the secrets.
    """
    secrets = {name: value for name, value in environ.items() if name != "SHUNIU_LOG_VERIFIER"}
    return {"SHUNIU_LOG_VERIFIER": " ".join(str(log_keys(Settings.load(secrets))).split())}


@lru_cache(maxsize=4)
def _read(origin: str, public: str, log_key: str, promise_key: str) -> LogKeys:
    if public:
        return parse_log_keys(public)
    key = SigningKey.from_setting(origin, log_key)
    promises = _promise_signer(origin, promise_key).verifier if promise_key else None
    return LogKeys(key.verifier, key.second.verifier, promises)


@lru_cache(maxsize=4)
def _promise_signer(origin: str, text: str) -> SigningKey:
    """The key, which takes as long to derive as a signature to make."""
    return SigningKey.from_setting(origin, text, PROMISES, "SHUNIU_PROMISE_KEY")
