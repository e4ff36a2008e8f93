"""What evidence is about, in words: "application SWJ-SQ-2026-0001" in place of a noun and an identifier."""

import uuid
from collections.abc import Iterable, Mapping

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Select, String, cast, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from audit.correction.declared import named
from audit.cosigned import shown_moment
from directory.agencies.models import Agency
from directory.catalogue.models import CatalogueChange, Resource, ResourceVersion
from directory.datasets.models import DatasetVersion
from directory.people.models import Account, ApiClient, DataAdministrator, Person
from directory.sources.models import Source
from directory.systems.models import System
from exchange.agreements.models import Agreement
from exchange.applications.models import Application
from exchange.deliveries.models import Delivery
from exchange.disputes.models import Dispute
from exchange.grants.models import Grant, ReleaseRecord
from exchange.needs.models import Need
from oversight.anomalies.models import Anomaly
from portal.filters import moment
from portal.labels import LABELS, label
from portal.page_titles import page_called

Number = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]

NUMBERED: Mapping[str, tuple[InstrumentedAttribute[uuid.UUID], Number]] = {
    "application": (Application.id, Application.number),
    "agreement": (Agreement.id, Agreement.number),
    "grant": (Grant.id, Grant.number),
    "delivery": (Delivery.id, Delivery.number),
    "dispute": (Dispute.id, Dispute.number),
    "need": (Need.id, Need.number),
    "resource": (Resource.id, Resource.code),
}
"""Noun → identity and the number by which people call it."""
_ONLY = ("case_clock", "log_stall", "log_store")
"""What there is one of."""

_NAMES: Mapping[str, Select[uuid.UUID, str]] = {
    "account": select(Account.id, Person.name).join(Person, Person.id == Account.person_id),
    "agency": select(Agency.id, Agency.name),
    "anomaly": select(Anomaly.id, Anomaly.rule),
    "appointment": select(DataAdministrator.id, Person.name).join(Person, Person.id == DataAdministrator.person_id),
    "catalogue_change": select(CatalogueChange.id, Resource.code).join(Resource),
    "client": select(ApiClient.id, ApiClient.name),
    "dataset_version": select(
        DatasetVersion.id, Resource.code + literal(" #") + cast(DatasetVersion.number, String)
    ).join(Resource),
    "person": select(Person.id, Person.name),
    "release": select(ReleaseRecord.id, Grant.number).join(Grant, Grant.id == ReleaseRecord.grant_id),
    "resource_version": select(
        ResourceVersion.id, ResourceVersion.name + literal(" #") + cast(ResourceVersion.number, String)
    ),
    "source": select(Source.id, Resource.code).join(Resource),
    "system": select(System.id, System.name),
} | {noun: select(identity, number) for noun, (identity, number) in NUMBERED.items()}


def in_words(session: Session, subjects: Iterable[str]) -> dict[str, str]:
    """How subjects and matters of evidence read, by how they are written.

    Args:
        subjects: ``noun/identifier`` each, at most a page of them; empty ones are left out.
    """
    by_noun: dict[str, dict[uuid.UUID, str]] = {}
    found: dict[str, str] = {}
    for subject in {one for one in subjects if one}:
        noun, _slash, key = subject.partition("/")
        identity = _identity(key)
        bare = identity or noun in _ONLY
        found[subject] = page_called(key) if noun == "route" else _titled(noun, "" if bare else _key(subject, key))
        if identity and noun in _NAMES:
            by_noun.setdefault(noun, {})[identity] = subject
    for noun, wanted in by_noun.items():
        statement = _NAMES[noun]
        rows = session.execute(statement.where(statement.selected_columns[0].in_(wanted)))
        for identity, name in rows:
            called = label(name, "Rule") if noun == "anomaly" else name
            found[wanted[identity]] = _titled(noun, called or _("Draft"))
    return found


def names_nobody(subject: str) -> bool:
    """Whether it is written as evidence writes what it is about, and so is no name that somebody typed."""
    noun, _slash, key = subject.partition("/")
    if noun == "route":
        return key in current_app.view_functions
    return noun in LABELS["Subject"] and (_identity(key) is not None or (noun in _ONLY and key == "1"))


def as_written(session: Session, text: str) -> str:
    """The subject that somebody calls by its number (SWJ-SQ-2026-0001) or code; any other text as it is."""
    for noun, (identity, number) in NUMBERED.items():
        key = session.scalar(select(identity).where(number == text)) if text else None
        if key is not None:
            return f"{noun}/{key}"
    return text


def as_named(session: Session, text: str) -> str:
    """The one person of a login or name, or the one agency of a code or name; any other text as it is."""
    if not text or "/" in text:
        return text
    accounts = select(Account.person_id).where(Account.login == text)
    people = select(Person.id).where(or_(Person.name == text, Person.id.in_(accounts)))
    agencies = select(Agency.id).where(or_(Agency.credit_code == text, Agency.name == text, Agency.name_en == text))
    found = [
        f"{noun}/{identity}"
        for noun, statement in (("person", people), ("agency", agencies))
        for identity in session.scalars(statement.limit(2))
    ]
    return found[0] if len(found) == 1 else text


def as_called(session: Session, subject: str) -> str:
    """The number or code that people call a subject by, which ``as_written`` takes; what has none stays as it is."""
    noun, _slash, key = subject.partition("/")
    identity = _identity(key)
    if identity is None or noun not in NUMBERED:
        return subject
    column, number = NUMBERED[noun]
    return session.scalar(select(number).where(column == identity)) or subject


def _key(subject: str, key: str) -> str:
    """The key itself, or the checkpoint that it names in words."""
    which = named(subject)
    if which is None:
        return key
    return str(_("of %(size)s entries, signed at %(moment)s", size=which[0], moment=moment(shown_moment(which[1]))))


def _titled(noun: str, name: str) -> str:
    known = noun in LABELS["Subject"]
    return f"{label(noun, 'Subject') if known else noun} {name}".strip()


def _identity(key: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(key)
    except ValueError:
        return None
