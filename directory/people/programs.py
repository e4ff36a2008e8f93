"""What a program may prepare for its agency: what the official who answers for it may (R51)."""

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.actor import Actor
from directory.people.models import ApiClient
from directory.people.queries import roles_of
from directory.people.roles import Role

DUTIES = frozenset({Role.COMPILER, Role.REQUESTER})
"""Roles whose preparing work a program can do; which acts that is, ``directory.permissions`` says."""


def with_duties(session: Session, actor: Actor) -> Actor:
    """A program with those roles of its responsible official that it may work under; anybody else as they are.

    The roles are the official's of now: when they end, or the official leaves, the program can prepare nothing more.
    """
    if not actor.client_id:
        return actor
    answers = session.scalar(select(ApiClient.responsible_id).where(ApiClient.client_id == actor.client_id))
    if answers is None:
        return actor
    return replace(actor, roles=actor.roles | (roles_of(session, answers) & DUTIES), responsible_id=answers)
