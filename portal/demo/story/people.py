"""Point 1: the operator, seven more agencies, their people with roles and accounts, their keys, and one program."""

import secrets
import uuid
from datetime import date
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.database import transaction
from audit.actor import Actor
from directory.agencies.register import register_agency
from directory.keys.register import challenge, presented, register_key
from directory.people.accounts import change_password, open_account
from directory.people.appointments import appoint, file
from directory.people.assign import assign_role
from directory.people.clients import NewClient, register_client
from directory.people.models import Account
from directory.people.queries import actor_of_person
from directory.people.register import register_person
from directory.people.roles import SEPARATED, Role
from portal.demo.cast import (
    ADMINISTRATORS,
    BUREAUS,
    CIVIL_AFFAIRS,
    MARKET,
    PUBLIC_SECURITY,
    RECORDED_FROM,
    REGULATOR,
    SECURITY_ADMINISTRATOR,
    SYSTEM_ADMINISTRATOR,
    TAX,
    Bureau,
    Official,
    everybody,
)
from portal.demo.commands import shuniu
from portal.demo.stage import Stage, expect
from portal.first_people import Newcomer, enter_operator

BEGINNING = date(2026, 9, 14)
"""The day on which the story begins, two weeks before the long holiday of 2026."""


def enter_first_people(stage: Stage) -> str:
    """`shuniu setup`: the operator and the three administrators, without whom nobody can sign in."""
    if "agency.regulator" not in stage.made:
        newcomers = [
            Newcomer(official.login, official.name, official.roles[0], stage.password(official.login))
            for official in ADMINISTRATORS
        ]
        with transaction(stage.settings.app_database_url) as session:
            agency_id = enter_operator(
                session,
                credit_code=REGULATOR.credit_code,
                short_code=REGULATOR.short_code,
                name=REGULATOR.name,
                name_en=REGULATOR.name_en,
                administrators=newcomers,
                valid_from=date.fromisoformat(RECORDED_FROM),
            )
        stage.made["agency.regulator"] = str(agency_id)
    return f"{REGULATOR.name} with its three administrators"


def turn_to_the_beginning(stage: Stage) -> str:
    """The case clock goes to the day on which the story begins; the system clock, and so the evidence, does not."""
    if "beginning" not in stage.made:
        stage.turn_clock(BEGINNING)
        stage.made["beginning"] = True
    return f"the case clock shows {stage.today()}"


def register_agencies(stage: Stage) -> str:
    """The system administrator enters the other agencies; a wrong code is turned away."""
    mistyped = CIVIL_AFFAIRS.credit_code[:-1] + ("A" if CIVIL_AFFAIRS.credit_code[-1] != "A" else "B")
    stage.refused(
        SYSTEM_ADMINISTRATOR,
        lambda session, actor: register_agency(session, actor, credit_code=mistyped, short_code="XX", name="错码局"),
        "agency.credit_code",
    )
    for bureau in BUREAUS:
        if bureau is not REGULATOR:
            _register(stage, bureau)
    return f"{len(BUREAUS)} agencies in the register; a mistyped credit code turned away"


def _register(stage: Stage, bureau: Bureau) -> None:
    stage.make(
        f"agency.{bureau.key}",
        SYSTEM_ADMINISTRATOR,
        lambda session, actor: register_agency(
            session,
            actor,
            credit_code=bureau.credit_code,
            short_code=bureau.short_code,
            name=bureau.name,
            name_en=bureau.name_en,
            office=bureau.office,
            valid_from=date.fromisoformat(RECORDED_FROM),
        ),
    )


def enter_people(stage: Stage) -> str:
    """The security administrator enters everybody else, with roles and accounts; nobody is two administrators."""
    for bureau, official in everybody():
        if official not in ADMINISTRATORS:
            _enter(stage, bureau, official)
    stage.refused(
        SECURITY_ADMINISTRATOR,
        lambda session, actor: assign_role(
            session, actor, agency_person(stage, SYSTEM_ADMINISTRATOR), Role.AUDIT_ADMINISTRATOR
        ),
        "person.roles_separated",
    )
    people = len(list(everybody()))
    return f"{people} people; being two of the {len(SEPARATED)} administrators refused"


def _enter(stage: Stage, bureau: Bureau, official: Official) -> None:
    of = agency_id(stage, bureau)
    person_id = stage.make(
        f"person.{official.login}",
        SECURITY_ADMINISTRATOR,
        lambda session, actor: register_person(session, actor, of, official.name),
    )
    for role in official.roles:
        assign = partial(assign_role, person_id=person_id, role=role)
        stage.once(f"role.{official.login}.{role}", SECURITY_ADMINISTRATOR, assign)
    stage.once(
        f"account.{official.login}",
        SECURITY_ADMINISTRATOR,
        lambda session, actor: _open(session, actor, person_id, official.login, stage.password(official.login)),
    )


def _open(session: Session, actor: Actor, person_id: uuid.UUID, login: str, password: str) -> Account:
    """Open an account with a first password, which its owner changes at once."""
    first = secrets.token_urlsafe(18)
    open_account(session, actor, person_id, login, first)
    return change_password(session, actor_of_person(session, person_id), first, password)


def agency_id(stage: Stage, bureau: Bureau) -> uuid.UUID:
    """Id of an agency that the story registered."""
    return uuid.UUID(stage.made[f"agency.{bureau.key}"])


def agency_person(stage: Stage, login: str) -> uuid.UUID:
    """Id of the person with an account of this login."""
    return stage.read(
        lambda session: session.execute(select(Account.person_id).where(Account.login == login)).scalar_one()
    )


def appoint_administrators(stage: Stage) -> str:
    """Each provider names its data administrator and a deputy, and the regulator takes them on file ([M] Art. 21)."""
    providers = (CIVIL_AFFAIRS, MARKET, PUBLIC_SECURITY)
    for bureau in providers:
        named, deputy = (agency_person(stage, official.login) for official in bureau.officials[:2])
        appointment = stage.make(
            f"appointment.{bureau.key}",
            SECURITY_ADMINISTRATOR,
            partial(appoint, agency_id=agency_id(stage, bureau), person_id=named, deputy_id=deputy),
        )
        stage.once(f"appointment.{bureau.key}.filed", "caoyang", partial(file, appointment_id=appointment))
    return f"{len(providers)} data administrators with deputies on file with {REGULATOR.name}"


def register_keys(stage: Stage) -> str:
    """The two sides of the later agreement make their keys themselves and prove that they hold them."""
    for bureau, login in ((MARKET, "qianyong"), (TAX, "heming")):
        folder = keys_of(stage, bureau)
        if not (folder / "public.txt").exists():
            shuniu(folder, "key", "new", "--out", str(folder))
        lines = dict(line.split(" ", 1) for line in (folder / "public.txt").read_text().splitlines())
        for purpose, file_name in (("SIGN", "sign.pem"), ("RECEIVE", "receive.age")):
            _register_key(stage, login, purpose, lines[purpose], folder / file_name)
    return f"keys of {MARKET.name} and {TAX.name} made with `shuniu key new`, their possession proven"


def _register_key(stage: Stage, login: str, purpose: str, public: str, private: Path) -> None:
    name = f"key.{login}.{purpose}"
    if name in stage.made:
        return

    def ask(session: Session, actor: Actor) -> tuple[uuid.UUID, str]:
        asked = challenge(session, actor, purpose, public)
        return asked.id, presented(asked)

    challenge_id, text = stage.act(login, ask)
    asked = private.with_suffix(".challenge")
    asked.write_text(text, encoding="utf-8")
    answer = shuniu(private.parent, "key", "prove", str(asked), "--key", str(private))
    stage.make(name, login, lambda session, actor: register_key(session, actor, challenge_id, answer))


def keys_of(stage: Stage, bureau: Bureau) -> Path:
    """The folder that stands for the agency's own machine; the hub never reads it."""
    folder = stage.settings.home / "demo" / "keys" / bureau.key
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def register_program(stage: Stage) -> str:
    """The tax bureau's own administrator registers its program; the operator could not."""
    if "client.id" not in stage.made:
        tax, responsible = agency_id(stage, TAX), agency_person(stage, "linjia")
        stage.refused(
            SECURITY_ADMINISTRATOR,
            lambda session, actor: register_client(session, actor, tax, "冒名程序", responsible),
            "permission.agency",
        )
        client_id, secret = stage.act(
            "luoyan",
            lambda session, actor: _credentials(register_client(session, actor, tax, "金税办案", responsible)),
        )
        stage.made["client.secret"] = secret
        stage.made["client.id"] = client_id
    expect(len(stage.made["client.secret"]) >= 32, "the program's secret to be long")
    return f"{TAX.name}'s program registered by its own administrator; the operator was refused"


def _credentials(made: NewClient) -> tuple[str, str]:
    return made.client.client_id, made.secret
