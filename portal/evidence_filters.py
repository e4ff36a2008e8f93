"""What the address of the page of evidence asks for: the search itself, and how each condition reads."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from flask import request
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock import CITY_ZONE
from audit.actor import Actor
from audit.search import About, Search
from directory.agencies.models import Agency
from directory.people.models import Person
from directory.people.roles import Role
from portal.agency_field import agencies_typed
from portal.evidence_about import grant_about, resource_about
from portal.evidence_kinds import EVIDENCE_KINDS
from portal.labels import label
from portal.names import AT, agency_offered
from portal.own_evidence import agency_to_search, codes_of_case
from portal.pages.subjects import as_named, as_written, in_words, names_nobody

READERS = (Role.AUDITOR, Role.AUDIT_ADMINISTRATOR)
NOBODY = uuid.UUID(int=0)
OUTCOMES = ("DONE", "REFUSED", "FAILED")
MOST_NAMESAKES = 20


@dataclass(frozen=True)
class Condition:
    """One condition of a search.

    Attributes:
        name: query field.
        title: translated name of the field.
        words: how its value reads.
        value: what it is in the search; empty when what was typed is nobody's name or number.
    """

    name: str
    title: str
    words: str
    value: str


@dataclass(frozen=True)
class Asked:
    """A search as it was asked for.

    Attributes:
        search: what to look for.
        conditions: in the order of the page.
        namesakes: people who have the name that was typed, when there are several: id, name and agency.
        agencies: those that what was typed may mean, when there are several.
    """

    search: Search
    conditions: tuple[Condition, ...]
    namesakes: tuple[tuple[uuid.UUID, str], ...] = ()
    agencies: tuple[Agency, ...] = ()

    @property
    def stated(self) -> dict[str, str]:
        """The conditions as an entry of evidence states them: what names nothing known is left out."""
        return {each.name: each.value for each in self.conditions if each.value}

    @property
    def cut_off(self) -> bool:
        """Whether a resource or grant has more cases and other things than the search follows."""
        return any(about is not None and about.cut_off for about in (self.search.resource, self.search.grant))

    @property
    def unknown(self) -> dict[str, str]:
        """What was typed and names nothing known; it may be personal."""
        return {each.name: each.words for each in self.conditions if not each.value}


def asked(session: Session, actor: Actor, fields: Mapping[str, str] | None = None) -> Asked:
    """Read the query fields of this request.

    Args:
        fields: to be read in place of the request's.

    Raises:
        NotAllowed: they ask for the case of others.
    """
    given = {name: value.strip()[:200] for name, value in (fields or request.args).items()}
    person_id, people = _person(session, given.get("person", ""))
    subject, matter = as_written(session, given.get("subject", "")), as_written(session, given.get("matter", ""))
    agency_code, agencies = given.get("agency", ""), list[Agency]()
    everything = actor.has(*READERS)
    if everything:
        subject = as_named(session, subject)
        agencies = agencies_typed(session, agency_code)
        if len(agencies) == 1:
            agency_code = _recorded_code(agencies[0], agency_code)
    else:
        agency_code = agency_to_search(session, actor, matter if codes_of_case(session, matter) else "")
    wanted = Search(
        kind=given.get("kind", "")[:100],
        outcome=given.get("outcome", "") if given.get("outcome") in OUTCOMES else "",
        agency_code=agency_code,
        person_id=person_id,
        subject=subject,
        matter=matter,
        since=day_begins(given.get("since", "")),
        until=day_begins(given.get("until", ""), days=1),
        resource=resource_about(session, given["resource"][:64]) if given.get("resource") else None,
        grant=grant_about(session, given["grant"][:64]) if given.get("grant") else None,
    )
    conditions = _conditions(session, wanted, given, people, agencies, everything=everything)
    namesakes = tuple(people) if len(people) > 1 else ()
    return Asked(wanted, tuple(conditions), namesakes, tuple(agencies) if len(agencies) > 1 else ())


def day_begins(text: str, days: int = 0) -> datetime | None:
    """The beginning of a day in the city, UTC; None when it is no day."""
    try:
        day = date.fromisoformat(text.strip())
        return datetime.combine(day, time(), CITY_ZONE).astimezone(UTC) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None


def _person(session: Session, text: str) -> tuple[uuid.UUID | None, list[tuple[uuid.UUID, str]]]:
    """Whom a text means: an id, a name, or a name and an agency as the page offers them; and everybody of that name."""
    if not text:
        return None, []
    statement = select(Person.id, Person.name, Agency.name).join(Agency, Agency.id == Person.agency_id)
    try:
        statement = statement.where(Person.id == uuid.UUID(text))
    except ValueError:
        name, _at, agency = text.partition(AT.strip())
        statement = statement.where(Person.name == name.strip())
        if agency:
            statement = statement.where(Agency.name == agency.strip())
    rows = session.execute(statement.order_by(Agency.name, Person.id).limit(MOST_NAMESAKES)).all()
    people = [(row[0], f"{row[1]}{AT}{row[2]}") for row in rows]
    return (people[0][0] if len(people) == 1 else NOBODY), people


def _recorded_code(agency: Agency, text: str) -> str:
    """Under which credit code an agency's entries are looked for: a former one where that was typed."""
    return text if text in {each.credit_code for each in agency.former} else agency.credit_code


def _conditions(
    session: Session,
    wanted: Search,
    given: Mapping[str, str],
    people: list[tuple[uuid.UUID, str]],
    agencies: list[Agency],
    *,
    everything: bool,
) -> list[Condition]:
    known = in_words(session, (wanted.subject, wanted.matter))
    code = wanted.agency_code if everything else ""
    agency = agency_offered(agencies[0]) if len(agencies) == 1 else ""
    kind, outcome = wanted.kind, wanted.outcome
    person = dict(people).get(wanted.person_id, "") if wanted.person_id else ""
    named = kind in EVIDENCE_KINDS or kind in {f"{noun}." for noun in nouns()}
    resource, resource_value = _named(wanted.resource)
    grant, grant_value = _named(wanted.grant)
    every = [
        Condition("kind", _("What happened"), kind_words(kind) if kind else "", kind if named else ""),
        Condition("outcome", _("Outcome"), label(outcome, "EvidenceOutcome") if outcome else "", outcome),
        Condition("agency", _("Agency"), agency or code, code if agency else ""),
        Condition("person", _("Person"), person or given.get("person", ""), str(wanted.person_id) if person else ""),
        Condition("resource", _("Catalogue entry"), resource, resource_value),
        Condition("grant", _("Grant"), grant, grant_value),
        _about("subject", _("Subject"), wanted.subject, known),
        _about("matter", _("Case"), wanted.matter, known),
        *_days(wanted, given),
    ]
    return [each for each in every if each.words]


def _named(about: About | None) -> tuple[str, str]:
    """How a resource or grant reads, and its value where there is one."""
    return (about.names[0], about.names[0] if about.subjects else "") if about else ("", "")


def _about(name: str, title: str, value: str, known: Mapping[str, str]) -> Condition:
    return Condition(name, title, known.get(value, ""), value if names_nobody(value) else "")


def _days(wanted: Search, given: Mapping[str, str]) -> Iterator[Condition]:
    for name, title, moment in (("since", _("From"), wanted.since), ("until", _("To"), wanted.until)):
        if moment:
            yield Condition(name, title, given[name], given[name])


def nouns() -> list[str]:
    """Beginnings of kinds, before their dot."""
    return sorted({kind.partition(".")[0] for kind in EVIDENCE_KINDS})


def noun_words(noun: str) -> str:
    """How all kinds of a noun read together."""
    return label(noun, "KindGroup")


def kind_words(kind: str) -> str:
    """How a kind reads, or all kinds of a noun."""
    if kind.endswith("."):
        return str(_("Everything about: %(what)s", what=noun_words(kind[:-1])))
    return label(kind, "EvidenceKind")


def kind_groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Kinds to choose from, by their noun."""
    return [
        (
            noun_words(noun),
            [
                (f"{noun}.", kind_words(f"{noun}.")),
                *((kind, label(kind, "EvidenceKind")) for kind in EVIDENCE_KINDS if kind.startswith(f"{noun}.")),
            ],
        )
        for noun in nouns()
    ]
