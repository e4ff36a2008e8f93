"""The signatory's desk: agreements that wait for my agency's signature."""

from collections.abc import Sequence

from flask import url_for
from sqlalchemy.orm import Session

from audit.actor import Actor
from directory.people.roles import Role
from exchange.agreements.models import Agreement
from exchange.desk import to_sign
from portal.languages import N_
from portal.pages.frame import DeskItem, DeskSection


def desk_sections(actor: Actor, session: Session) -> Sequence[DeskSection]:
    """What a signatory finds on the desk."""
    if not actor.has(Role.SIGNATORY):
        return []
    heap = to_sign(session, actor)
    return [
        DeskSection(
            title=N_("Agreements to sign"),
            items=[
                DeskItem(
                    href=url_for("agreements.show", agreement_id=each.id),
                    title=each.document["resource"]["name"],
                    detail=f"{each.number} · {_sides(each)}",
                    state=each.state,
                    kind="AgreementState",
                    since=each.created_at,
                )
                for each in heap.items
            ],
            total=heap.total,
            more=url_for("agreements.index"),
            empty=N_("No agreement waits for your agency's signature."),
            order=15,
        )
    ]


def _sides(agreement: Agreement) -> str:
    document = agreement.document
    return f"{document['provider']['name']} ⇄ {document['requester']['name']}"
