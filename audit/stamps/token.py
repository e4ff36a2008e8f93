"""Asking for a time-stamp and checking one (RFC 3161): the SHA-256 of a checkpoint under an authority's signature.

What is stamped is the note with the log's own signatures and no others, so that it is the same bytes for everybody.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import urllib3
from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from adapters.errors import InvalidInput, Misconfigured, Transient
from adapters.settings import Settings
from audit.log_keys import LogKeys
from audit.note import Note

LARGEST_ANSWER = 64 * 1024
_TIMEOUT = urllib3.Timeout(connect=5, read=15)
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"


@dataclass(frozen=True)
class Authority:
    """A time-stamping authority that is trusted.

    Attributes:
        roots: certificates that its own is signed by, in the end.
        policy: the policy (object identifier) that its stamps must be under; empty for any.
        url: where it takes requests; empty where stamps are only checked.
    """

    roots: tuple[x509.Certificate, ...]
    policy: str = ""
    url: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "Authority | None":
        """The site's authority; None when it has none.

        Raises:
            Misconfigured: its certificates are not set, or cannot be read, or the policy is no object identifier.
        """
        if not settings.tsa_url and not settings.tsa_certificates:
            return None
        settings.require("tsa_certificates")
        return cls.trusting(Path(settings.tsa_certificates), settings.tsa_policy, settings.tsa_url)

    @classmethod
    def trusting(cls, certificates: Path, policy: str = "", url: str = "") -> "Authority":
        """An authority whose certificate is signed by those of a file (PEM).

        Raises:
            Misconfigured: the file cannot be read, or the policy is no object identifier.
        """
        try:
            roots = x509.load_pem_x509_certificates(certificates.read_bytes())
            if policy:
                x509.ObjectIdentifier(policy)
        except (OSError, ValueError) as error:
            raise Misconfigured(
                "stamps.bad_authority",
                "The time-stamping authority's certificates in {path} or its policy {policy} cannot be used: {reason}",
                path=str(certificates),
                policy=policy or "(none)",
                reason=str(error),
            ) from error
        return cls(tuple(roots), policy, url)

    def checked(self, token: bytes, message: bytes, nonce: int | None = None) -> datetime:
        """The moment that a stamp states for a message.

        Args:
            token: the authority's answer (TimeStampResp, DER).
            message: what was stamped.
            nonce: that of the request, where it is known.

        Raises:
            InvalidInput: it is no stamp of this authority on this message.
        """
        try:
            response = decode_timestamp_response(token)
            policy = x509.ObjectIdentifier(self.policy) if self.policy else None
            verifier = VerifierBuilder(policy_id=policy, roots=list(self.roots), nonce=nonce).build()
            verifier.verify_message(response, message)
        except (ValueError, VerificationError) as error:
            raise InvalidInput(
                "stamps.wrong", "This is not the authority's time-stamp on this checkpoint: {reason}", reason=str(error)
            ) from error
        return _moment(response)

    def asked(self, message: bytes) -> tuple[bytes, datetime]:
        """Have a message stamped: the token and its moment. No redirect is followed and no proxy is used.

        Raises:
            Transient: the authority does not answer, or with what is no stamp of it on this message.
        """
        request = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256).build()
        try:
            with (
                urllib3.PoolManager(timeout=_TIMEOUT, retries=False) as pool,
                pool.request(
                    "POST",
                    self.url,
                    body=request.as_bytes(),
                    headers={"Content-Type": _QUERY, "Accept": _REPLY},
                    preload_content=False,
                ) as answer,
            ):
                token = answer.read(LARGEST_ANSWER + 1)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise _silent(type(error).__name__) from error
        if answer.status != 200 or len(token) > LARGEST_ANSWER:
            raise _silent(f"status {answer.status}")
        try:
            return token, self.checked(token, message, request.nonce)
        except InvalidInput as error:
            raise _silent(str(error)) from error


def stamped_text(note: str, keys: LogKeys) -> bytes:
    """What is stamped of a checkpoint: its text, and the log's own signatures."""
    parsed = Note.parse(note)
    lines = tuple(line for key in keys.checkpoint_keys for line in parsed.lines_of(key))
    return str(Note(parsed.text, lines)).encode()


def _moment(response: TimeStampResponse) -> datetime:
    moment: datetime = response.tst_info.gen_time
    return moment


def _silent(reason: str) -> Transient:
    return Transient(
        "stamps.no_answer", "The time-stamping authority gave no stamp ({reason}). It is asked again.", reason=reason
    )
