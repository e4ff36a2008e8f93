"""A log that is worth attacking, and copies of it: real entries, object store, witness, promises; who sees what."""

import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.database import engine, single_statements
from adapters.errors import InvalidInput
from adapters.services.databases import connect
from audit.append import configure
from audit.checkpoint import Checkpoint
from audit.leaves import look_for
from audit.log_keys import log_keys
from audit.merkle import leaf_hash
from audit.note import Note
from audit.personal import Seal
from audit.promise import Promise, judged, open_promise
from audit.queries import log_state, tile
from audit.reconcile import Reconciler, registered
from audit.report import Report
from audit.store.place import CHECKPOINT, Place
from audit.store.run import Publisher
from audit.store.verify import verify_store
from audit.tiles import Key, extend, named, tree_root
from audit.verify import verify_log
from audit.witness.call import Reply, call
from audit.witness.collect import tend
from audit.witness.cosign import Witness
from audit.witness.models import BEHIND, REFUSED
from audit.witness.policy import PolicyWitness
from audit.witness.quorum import trusted_checkpoint
from audit.witness.serve import Server
from portal.app import create_app
from tests.integration.audit.conftest import ROLES, Log
from tests.integration.conftest import drop_database
from tests.integration.portal.world import World, made

ANOTHER_ROOT = "409 another root"
ANSWERS = {("", 200): "200", (BEHIND, 409): "409", (REFUSED, 409): ANOTHER_ROOT, (REFUSED, 422): "422"}
"""What the hub makes of a witness's status, and how the table has both."""
FILLING = 300


@dataclass(frozen=True)
class Seen:
    """By what an attack is seen: the first finding of each, "" for none; the witness's answer; how promises stand."""

    verify: str = ""
    store: str = ""
    witness: str = "200"
    promise: str = "kept"


@dataclass
class Copy:
    """A copy of the log's database and of its objects, for one attack."""

    log: Log
    city: "City"
    witness: PolicyWitness
    promises: list[Promise]

    @property
    def place(self) -> Place:
        return Place.of(self.log.settings)

    def run(self, statement: str, **values: Any) -> Any:
        """What the database's owner does."""
        with self.log.session("owner") as session:
            result = session.execute(text(statement), values)
            found = result.all() if result.returns_rows else []  # type: ignore[attr-defined]  # a cursor's result
            session.commit()
        return found

    def entry_id(self, index: int) -> uuid.UUID:
        [(found,)] = self.run("SELECT evidence_id FROM log_leaf WHERE leaf_index = :index", index=index)
        assert isinstance(found, uuid.UUID)
        return found

    def unfetter(self) -> None:
        """What an administrator does first: no constraint of the log holds any more."""
        named_ones = self.run(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint"
            " WHERE contype = 'f' AND confrelid = 'evidence'::regclass OR conname = 'uq_log_leaf_evidence_id'"
        )
        for table, constraint in named_ones:
            self.run(f'ALTER TABLE {table} DROP CONSTRAINT "{constraint}"')

    def change(self, index: int) -> None:
        """Falsify the text of an entry, and its hash beside it."""
        entry_id = self.entry_id(index)
        [(body,)] = self.run("SELECT body FROM evidence_text WHERE evidence_id = :id", id=entry_id)
        forged = body.replace(b'"specversion":"1.0"', b'"specversion":"1.1"')
        assert forged != body
        self.run("UPDATE evidence_text SET body = :body WHERE evidence_id = :id", body=forged, id=entry_id)
        self.run("UPDATE evidence SET leaf_hash = :leaf WHERE id = :id", leaf=leaf_hash(forged), id=entry_id)

    def erase(self, entry_ids: str, **values: Any) -> None:
        """Delete entries with all that lies beside them, as a query names their ids."""
        self.run(f"DELETE FROM release WHERE evidence_id IN ({entry_ids})", **values)
        for table in ("evidence_queue", "evidence_personal", "evidence_text"):
            self.run(f"DELETE FROM {table} WHERE evidence_id IN ({entry_ids})", **values)
        self.run(f"DELETE FROM evidence WHERE id IN ({entry_ids})", **values)

    def cut(self, size: int) -> None:
        """Cut the log back to a checkpoint as if nothing had come after: entries, numbers, tiles, releases."""
        self.unfetter()
        gone = "SELECT evidence_id FROM log_leaf WHERE leaf_index >= :size"
        self.erase(gone, size=size)
        self.run("DELETE FROM log_leaf WHERE leaf_index >= :size", size=size)
        self.recompute(sign=False)
        for table in ("log_checkpoint", "log_cosignature"):
            self.run(f"DELETE FROM {table} WHERE size > :size", size=size)
        self.run("UPDATE log_store SET size = :size", size=size)
        self.run("DELETE FROM log_kept_checkpoint WHERE size > :size", size=size)

    def recompute(self, *, sign: bool) -> None:
        """Compute all tiles anew from the entries, and sign every checkpoint anew with the log's own keys."""
        leaves = [
            leaf
            for (leaf,) in self.run(
                "SELECT leaf_hash FROM log_leaf JOIN evidence ON id = evidence_id ORDER BY leaf_index"
            )
        ]
        self.run("DELETE FROM log_tile")
        for (level, number), hashes in extend({}, 0, leaves).items():
            self.run(
                "INSERT INTO log_tile VALUES (:level, :number, :hashes)", level=level, number=number, hashes=hashes
            )
        for size, signed_at in self.run("SELECT size, signed_at FROM log_checkpoint") if sign else ():
            forged = self.signed(size, leaves, int(signed_at.timestamp()))
            root = Checkpoint.parse(Note.parse(forged).text).root
            self.run(
                "UPDATE log_checkpoint SET root = :root, note = :note WHERE size = :size",
                root=root,
                note=forged,
                size=size,
            )
            self.run("DELETE FROM log_cosignature WHERE size = :size", size=size)

    def signed(self, size: int, leaves: list[bytes], moment: int = 1) -> str:
        """A checkpoint over these leaves, as the thief of the log's key signs it."""
        tiles: dict[Key, bytes] = extend({}, 0, leaves[:size])
        key = self.log.key
        forged = Checkpoint(key.verifier.name, size, tree_root(size, lambda *where: tiles[where]))
        return str(Note(str(forged)).signed(key).cosigned(key.second, moment))

    def publish_over(self) -> None:
        """Put the database's tiles and checkpoint in the place of the published ones, as the store's owner can."""
        for name in list(self.place.names()):
            self.place.remove(name)
        self.run("UPDATE log_store SET size = 0")
        Publisher(self.log.settings, self.place).step()

    def seen(self) -> Seen:
        """Run all that could see something."""
        return Seen(self.city.verified(self.log), self._store(), self._witness(), self._promise())

    def _store(self) -> str:
        report = Report("")
        with self.log.session("app") as session:
            verify_store(session, self.place, self.log.key.verifier, report)
        return report.first.code if report.first else ""

    def _witness(self) -> str:
        replies: list[int] = []

        def noted(url: str, body: str) -> Reply:
            reply = call(url, body)
            replies.append(reply.status)
            return reply

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("audit.witness.collect.call", noted)
            said = tend(self.log.environment[ROLES["app"]], self.witness, again=True)
        return ANSWERS[said or "", replies[-1]]

    def _promise(self) -> str:
        """How those who were answered find their promises, once they are due, in the log that the hub serves."""
        keys = log_keys(self.log.settings)
        with self.log.session("app") as session:

            def served(path: str) -> bytes | None:
                if path == CHECKPOINT:
                    return log_state(session).checkpoint.encode()
                place = named(path.removeprefix("tile/"))
                return tile(session, *place) or None if place else None

            wanted = {leaf for promise in self.promises for leaf in promise.leaves}
            try:
                found = look_for(served, wanted, partial(trusted_checkpoint, keys=keys, policy=None)).numbers
            except InvalidInput as error:
                return error.code.removeprefix("evidence.")
        later = max(promise.due_by for promise in self.promises) + timedelta(seconds=1)
        states = {judged(promise, found, later).state for promise in self.promises}
        return "broken" if "broken" in states else states.pop()


@dataclass
class City:
    """The log that stands: what its copies are made of.

    Attributes:
        folder: of the witness, which has cosigned the log as it is.
        backup: the database as it was when it had ``old`` entries; what was published then is in ``objects``.
        size: entries now; all of them are published and cosigned, and a checkpoint of each size is kept under lock.
        promised: number of an entry that somebody was promised, before the backup.
        promises: of that entry, and of one after the backup.
        reconcilers: those that find nothing to say about these business tables.
    """

    log: Log
    folder: Path
    old: int = 0
    size: int = 0
    promised: int = 0
    promises: list[Promise] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    reconcilers: dict[str, Reconciler] = field(default_factory=dict)
    backup: Log | None = None

    def verified(self, log: Log) -> str:
        """What ``shuniu audit verify`` finds first in the database alone."""
        settings, key = log.settings, log.key
        seal, second = Seal(settings.sealing_key), key.second.verifier
        with log.session("app") as session:
            report = verify_log(session, key.verifier, settings.log_origin, self.reconcilers, seal=seal, second=second)
        return report.first.code if report.first else ""

    def live(self, world: World, answers: int) -> bytes:
        """Some work of a city: calls of the interface and other entries; the promise that came with the last answer."""
        for _ in range(answers):
            answer = world.look_up(world.asks)
        self.log.write(FILLING // 2)
        self._grow()
        return bytes(answer.headers["Shuniu-Promise"], "ascii")

    def _grow(self) -> None:
        """Number, publish and keep what was written, and have it cosigned."""
        while self.log.sequence():
            pass
        with self.log.session("owner") as session:
            session.execute(text("DELETE FROM log_kept_checkpoint"))  # so that this hour's is kept once more
            session.commit()
            self.size = log_state(session).size
        publisher = Publisher(self.log.settings, Place.of(self.log.settings))
        while publisher.step():
            pass
        with witnessing(self.folder, self.log) as witness:
            assert tend(self.log.environment[ROLES["app"]], witness) == ""

    @contextmanager
    def copied(self, folder: Path, *, backup: bool = False, locked: bool = True) -> Iterator[Copy]:
        """A copy to attack; with ``backup`` of the old database; without ``locked`` in a store without object lock."""
        name = f"test_{uuid.uuid4().hex}"
        source = self.backup if backup and self.backup else self.log
        shutil.copytree(self.folder, folder / "witness")
        changes = {"SHUNIU_LOG_PREFIX": name} | ({} if locked else {"SHUNIU_LOCK_BUCKET": "shuniu"})
        with cloned(source, name, changes) as log, witnessing(folder / "witness", log) as witness:
            copy = Copy(log, self, witness, list(self.promises))
            _copy_objects(Place.of(self.log.settings), copy, locked=locked)
            yield copy


@contextmanager
def city_of(services: dict[str, str], folder: Path) -> Iterator[City]:
    """A city with a past, a backup, and a present."""
    name = f"test_{uuid.uuid4().hex}"
    empty = Log(services | {ROLES["owner"]: _at(services[ROLES["owner"]], "shuniu_template")})
    with cloned(empty, name, {"SHUNIU_LOG_PREFIX": name}) as log, _portal(log) as world:
        city = City(log, folder)
        first = city.live(world, 5)
        city.old, city.objects = city.size, _objects(Place.of(log.settings))
        with cloned(log, f"{name}_old", {}) as city.backup:
            second = city.live(world, 5)
            key, origin = log_keys(log.settings).promise_key, log.settings.log_origin
            city.promises = [open_promise(each, key, origin) for each in (first, second)]
            city.promised = _number_of(log, city.promises[0].leaves[0])
            city.reconcilers = _content(log)
            yield city


@contextmanager
def cloned(source: Log, name: str, changes: dict[str, str]) -> Iterator[Log]:
    """A copy of a log's database, with changes of the environment."""
    owner = make_url(source.environment[ROLES["owner"]])
    moved = {role: _at(source.environment[role], name) for role in ROLES.values()}
    log = Log(source.environment | moved | changes)
    with connect(_at(source.environment[ROLES["owner"]], "postgres")) as connection:
        _disconnect(source)
        names = (Identifier(name), Identifier(owner.database or ""))
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        configure(log.settings.log_origin, log.settings.sealing_key)
        yield log
        _disconnect(log)
        drop_database(connection, name)


@contextmanager
def witnessing(folder: Path, log: Log) -> Iterator[PolicyWitness]:
    """A witness that serves from a folder while the block lasts."""
    trusted = [log.key.verifier, log.key.second.verifier]
    witness = Witness(folder, "witness.example/water", trusted)
    with Server(("127.0.0.1", 0), witness) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield PolicyWitness("water", witness.cosigners[1].verifier, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()
    witness.close()


@contextmanager
def _portal(log: Log) -> Iterator[World]:
    """The portal over the log's database, with agencies that have a grant."""
    own = create_engine(log.environment[ROLES["app"]], poolclass=NullPool)
    with Session(own, expire_on_commit=False) as session:
        yield made(create_app(log.settings), session)
    own.dispose()
    _disconnect(log)


def _content(log: Log) -> dict[str, Reconciler]:
    """The reconcilers that hold for tables that the tests' own factories filled in part."""
    with log.session("app") as session:
        return {name: reconciler for name, reconciler in registered().items() if not list(reconciler(session))}


def _number_of(log: Log, leaf: bytes) -> int:
    found = text("SELECT leaf_index FROM log_leaf JOIN evidence ON id = evidence_id WHERE leaf_hash = :leaf")
    with log.session("app") as session:
        return int(session.scalars(found, {"leaf": leaf}).one())


def _objects(place: Place) -> dict[str, bytes]:
    return {name: place.read(name) or b"" for name in place.names()}


def _copy_objects(place: Place, copy: Copy, *, locked: bool) -> None:
    """Published objects and kept ones, with the rows that know of the kept."""
    for name, data in _objects(place).items():
        copy.place.write(name, data)
    known = {
        (key, version): hour for key, version, hour in copy.run("SELECT key, version, hour FROM log_kept_checkpoint")
    }
    for kept in reversed(list(place.locked.versions(place.key("kept/")))):
        key = copy.place.key(kept.key.removeprefix(f"{place.prefix}/"))
        until = place.locked.retained_until(kept.key, kept.version) if locked else None
        version = copy.place.locked.put_held(key, place.locked.read(kept.key, kept.version), until)
        if (kept.key, kept.version) in known:
            copy.run(
                "UPDATE log_kept_checkpoint SET key = :key, version = :version, retain_until = :until",
                **{"key": key, "version": version, "until": until},
            )


def _at(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _disconnect(log: Log) -> None:
    for role in ROLES.values():
        engine(log.environment[role]).dispose()
    single_statements(log.environment[ROLES["app"]]).dispose()
