"""Counting wrong passwords and secrets, and locking out after too many of them."""

from datetime import datetime, timedelta

from adapters.clock import system_now
from adapters.settings import Settings
from directory.people.models import Account, ApiClient


def is_locked(who: Account | ApiClient, now: datetime) -> bool:
    """Whether a lock is on."""
    return who.locked_until is not None and who.locked_until > now


def count_failure(who: Account | ApiClient, settings: Settings) -> bool:
    """Count one wrong password on a row that the caller has locked.

    Returns:
        whether this one locked it out, for ``settings.lockout_seconds``.
    """
    who.failures += 1
    if who.failures < settings.lockout_failures:
        return False
    who.failures = 0
    who.locked_until = system_now() + timedelta(seconds=settings.lockout_seconds)
    return True


def forget_failures(who: Account | ApiClient) -> None:
    """Start counting anew after a success."""
    who.failures, who.locked_until = 0, None
