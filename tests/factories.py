"""Valid rows for tests of every room, put in directly and flushed: agencies, people, entries, keys."""

import base64
import hashlib
import itertools
import secrets
import uuid
from datetime import date, timedelta
from typing import Any

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyrage import x25519
from sqlalchemy.orm import Session

from adapters.clock import case_now, city_date, system_now
from audit.actor import Actor
from directory.agencies.models import Agency, Office
from directory.catalogue.models import DataItem, Resource, ResourceVersion, Review, SecrecyReview, VersionState
from directory.keys.models import AgencyKey, KeyPurpose
from directory.people.models import Account, ApiClient, Person, RoleAssignment
from schemas.identifiers import credit_code as credit_codes
from schemas.metadata import derive_share_attribute
from schemas.words import ShareAttribute

PASSWORD = "correct horse battery"  # not a secret: accounts of tests alone have it
SEALING_KEY = base64.urlsafe_b64encode(b"0123456789abcdef0123456789abcdef").decode()
CHEAP_HASHES = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_numbers = itertools.count(1)


def credit_code(number: int) -> str:
    """The ``number``-th valid unified social credit code of a series of organs in Shanghai."""
    return credit_codes.make("1", "1", "310000", f"{number:08d}")


def agency(session: Session, name: str | None = None, office: str = Office.MEMBER, **changes: Any) -> Agency:
    """An agency in force; code and short code are new."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "credit_code": credit_code(number),
        "short_code": f"A{number}",
        "name": name or f"第{number}局",
        "office": office,
        "valid_from": date(2016, 3, 1),
    }
    made = Agency(**(values | changes))
    session.add(made)
    session.flush()
    return made


def person(session: Session, of: Agency, *roles: str, name: str | None = None) -> Person:
    """A person of an agency who holds roles since yesterday."""
    made = Person(agency_id=of.id, name=name or f"张{next(_numbers)}")
    session.add(made)
    session.flush()
    since = city_date(system_now()) - timedelta(days=1)
    session.add_all(RoleAssignment(person_id=made.id, role=role, held_from=since) for role in roles)
    session.flush()
    return made


def actor(of: Agency, who: Person, *roles: str) -> Actor:
    """The actor that a person of an agency is with these roles."""
    return Actor(
        person_id=who.id,
        agency_id=of.id,
        agency_code=of.credit_code,
        roles=frozenset(roles),
        address="192.0.2.7",
        name=who.name,
        office=of.office,
    )


def official(session: Session, of: Agency, *roles: str) -> Actor:
    """A new person of an agency with roles, as the actor they are."""
    return actor(of, person(session, of, *roles), *roles)


def account(session: Session, who: Person, login: str | None = None, password: str = PASSWORD) -> Account:
    """An account; its hash is a cheap one, so that tests stay quick."""
    made = Account(person_id=who.id, login=login or f"user{next(_numbers)}", password_hash=CHEAP_HASHES.hash(password))
    session.add(made)
    session.flush()
    return made


def client(session: Session, of: Agency, *roles: str, secret: str = PASSWORD) -> Actor:
    """A new program of an agency, as the actor it is; ``client_id`` and ``secret`` get it a token.

    Args:
        roles: what the official who answers for it holds.
    """
    responsible = person(session, of, *roles)
    name = f"c{next(_numbers):08d}"
    session.add(
        ApiClient(
            agency_id=of.id,
            client_id=name,
            secret_hash=CHEAP_HASHES.hash(secret),
            name="测试程序",
            responsible_id=responsible.id,
        )
    )
    session.flush()
    return Actor(
        agency_id=of.id,
        agency_code=of.credit_code,
        roles=frozenset({"CLIENT"}),
        client_id=name,
        address="192.0.2.8",
        office=of.office,
    )


def entry(**changes: Any) -> dict[str, Any]:
    """Metadata of a catalogue entry that passes ``check_entry``."""
    return {
        "name": "法人登记信息",
        "abstract": "本市登记的法人的基本信息",
        "keywords": ["法人", "登记"],
        "resource_class": "DEPARTMENT",
        "theme": "",
        "classification_code": "307004",
        "system_name": "",
        "format": "DATABASE",
        "update_cycle": "WEEKLY",
        "subject_kind": "OTHER",
        "modes": ["INTERFACE", "FILES", "BROWSE", "OFFLINE"],
        "parallel_approval": False,
        "secrecy_level": "NON_SECRET",
        "network": "GOVERNMENT_EXTRANET",
    } | changes


def item(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A data item that passes ``check_entry``: UNIVERSAL text, the first one being the key."""
    return {
        "position": number,
        "name": f"数据项{'甲乙丙丁戊己庚辛壬癸'[(number - 1) % 10]}{'' if number <= 10 else number}",
        "field_name": f"field_{number}",
        "data_type": "CHARACTER",
        "length": 100,
        "scale": None,
        "nullable": number > 1,
        "description": "",
        "share_attribute": "UNIVERSAL",
        "share_condition": "",
        "basis": None,
        "open_attribute": "NOT_OPEN",
        "sensitivity": "NONE",
        "identifier_kind": None,
        "on_mismatch": "SET_ASIDE",
        "masking": None,
        "code_list": None,
        "is_key": number == 1,
    } | changes


def items(count: int = 3, **changes: Any) -> list[dict[str, Any]]:
    """Several data items, all with the same changes."""
    return [item(number, **changes) for number in range(1, count + 1)]


def on_request(**changes: Any) -> dict[str, Any]:
    """Changes that make an item ON_REQUEST."""
    return {"share_attribute": "ON_REQUEST", "share_condition": "用于依法履行监管职责"} | changes


def not_shared(**changes: Any) -> dict[str, Any]:
    """Changes that make an item NO_SHARING with a basis that can be looked up."""
    basis = {"kind": "LAW", "document": "中华人民共和国反恐怖主义法", "number": "主席令第36号", "article": "第四十八条"}
    return {"share_attribute": "NO_SHARING", "basis": basis} | changes


def version(
    session: Session, of: Agency, state: str, parts: list[dict[str, Any]] | None = None, **changes: Any
) -> ResourceVersion:
    """The first version of a new resource, in a state; an approved or published one has its two passed reviews.

    Args:
        parts: data items as from ``item``; three UNIVERSAL ones by default.
        changes: to the entry, or to columns of the version (``rule_set``, ``compiled_by``, ``published_at``).
    """
    parts = items() if parts is None else parts
    compiler = changes.pop("compiled_by", None) or person(session, of, "COMPILER").id
    described = entry(**changes)
    described.pop("system_name")
    resource = Resource(agency_id=of.id, code=f"{described['classification_code']}/{900_000 + next(_numbers)}")
    session.add(resource)
    session.flush()
    now = case_now(session)
    columns = {
        "rule_set": "shanghai-2016",
        "submitted_at": None if state == VersionState.DRAFT else now,
        "published_at": now if state in (VersionState.PUBLISHED, VersionState.SUPERSEDED) else None,
        "share_attribute": derive_share_attribute(parts) if parts else ShareAttribute.UNIVERSAL,
        "search_text": "\n".join(
            [described["name"], *(part["name"] for part in parts), *(part["field_name"] for part in parts)]
        ).casefold(),
    }
    made = ResourceVersion(
        resource_id=resource.id,
        number=1,
        state=state,
        revision=1,
        compiled_by=compiler,
        compilers=[str(compiler)],
        **(columns | described),
    )
    made.items = [DataItem(**part) for part in parts]
    session.add(made)
    session.flush()
    if state in (VersionState.APPROVED, VersionState.PUBLISHED, VersionState.SUPERSEDED):
        _reviews(session, of, made)
    return made


def _reviews(session: Session, of: Agency, made: ResourceVersion) -> None:
    reviewer = person(session, of, "REVIEWER", "SECRECY_REVIEWER").id
    made.reviews.append(Review(reviewer_id=reviewer, revision=1, accurate=True, complete=True, compliant=True))
    made.secrecy_reviews.append(
        SecrecyReview(reviewer_id=reviewer, revision=1, passed=True, document="保审〔2026〕1号")
    )
    session.flush()


def published_resource(
    session: Session, of: Agency, parts: list[dict[str, Any]] | None = None, **changes: Any
) -> ResourceVersion:
    """A published version of a new resource, ``version.resource`` being the resource."""
    return version(session, of, VersionState.PUBLISHED, parts, **changes)


def signing_key(session: Session, of: Agency, by: uuid.UUID | None = None) -> tuple[AgencyKey, Ed25519PrivateKey]:
    """A registered signing key of an agency, with its private half."""
    private = Ed25519PrivateKey.generate()
    public = base64.b64encode(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    return _key(session, of, KeyPurpose.SIGN, public, by), private


def receiving_key(session: Session, of: Agency, by: uuid.UUID | None = None) -> tuple[AgencyKey, x25519.Identity]:
    """A registered receiving key of an agency, with its age identity."""
    identity = x25519.Identity.generate()
    return _key(session, of, KeyPurpose.RECEIVE, str(identity.to_public()), by), identity


def _key(session: Session, of: Agency, purpose: str, public: str, by: uuid.UUID | None) -> AgencyKey:
    made = AgencyKey(
        agency_id=of.id,
        purpose=purpose,
        public_key=public,
        fingerprint=hashlib.sha256(public.encode()).hexdigest(),
        registered_by=by or person(session, of, "SIGNATORY").id,
    )
    session.add(made)
    session.flush()
    return made


def random_token() -> str:
    """A token that nobody has."""
    return secrets.token_urlsafe(32)
