"""Needs beside the evidence log: what was asked for, and its answer (R34, R120)."""

from exchange.needs.models import Need, NeedState
from exchange.needs.raise_need import content
from schemas.canonical import digest

STEPS = ("need.raised", "need.answered", "need.withdrawn")
UNANSWERED = {"basis": None, "state": NeedState.RAISED}
"""What a need says before an entry says otherwise."""


def need_facts(need: Need) -> dict[str, object]:
    """What a need says, as its entries record it."""
    return {
        "number": need.number,
        "state": need.state,
        "digest": digest(content(need)),
        "answer": need.answer,
        "basis": need.answer_basis,
    }
