"""The one root of all errors: a code, a sentence a person can act on, and whether a retry may help."""

from dataclasses import dataclass
from typing import ClassVar, Self


@dataclass(frozen=True)
class Refusal:
    """What a refusal was about; the edge writes it into evidence in a transaction of its own."""

    kind: str
    subject: str
    matter: str = ""


class Sentence(str):
    """An English sentence with its values filled in, which remembers both, so that the portal can say it in Chinese."""

    template: str
    context: dict[str, object]

    def __new__(cls, template: str, **context: object) -> Self:
        """Fill a ``str.format`` template, the key of its translation."""
        made = super().__new__(cls, template.format(**context))
        made.template, made.context = template, context
        return made


class ShuniuError(Exception):
    """Root of every error the product raises on purpose.

    Args:
        code: stable, dotted, lower-case name that programs may branch on, e.g. ``application.no_items``.
        sentence: English sentence, a ``str.format`` template and at the same time the key of its translation; it says
            what happened and what to do.
        context: values for the sentence's placeholders; shown to the caller, so never a secret.
    """

    status: ClassVar[int] = 400
    retry_may_help: ClassVar[bool] = False

    def __init__(self, code: str, sentence: str, **context: object) -> None:
        self.code = code
        self.sentence = sentence
        self.context = context
        self.refusal: Refusal | None = None
        super().__init__(sentence.format(**context))

    def refused(self, kind: str, subject: str, matter: str = "") -> Self:
        """Say that this error refuses something that evidence has to show; use as ``raise Error(...).refused(...)``."""
        self.refusal = Refusal(kind, subject, matter)
        return self


class InvalidInput(ShuniuError):
    """What the caller sent breaks a rule; ``problems`` names each place: ``[{"pointer": ..., "message": ...}]``."""

    status = 422

    def __init__(
        self, code: str, sentence: str, problems: list[dict[str, str]] | None = None, **context: object
    ) -> None:
        super().__init__(code, sentence, **context)
        self.problems = problems or []


class NotAuthenticated(ShuniuError):
    """Nobody known is calling."""

    status = 401


class NotAllowed(ShuniuError):
    """A known caller may not do this; the sentence carries the reason."""

    status = 403


class NotFound(ShuniuError):
    """There is no such thing, or none that the caller may know of."""

    status = 404


class Conflict(ShuniuError):
    """The thing's state does not admit the step, or somebody else changed it first."""

    status = 409


class TooLarge(ShuniuError):
    """The body is over its limit."""

    status = 413


class Throttled(ShuniuError):
    """Too many tries; wait and try again."""

    status = 429
    retry_may_help = True


class Transient(ShuniuError):
    """A service behind the hub did not do its part; the same call may succeed later."""

    status = 503
    retry_may_help = True


class Terminal(ShuniuError):
    """Work that cannot succeed however often it is repeated; a person has to look."""

    status = 422


class Misconfigured(Terminal):
    """A setting is missing or wrong; the sentence names it."""

    status = 500
