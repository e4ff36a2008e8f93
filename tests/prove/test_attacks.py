"""Attacks on a copy of the log's database and of its objects, and by what each is seen.

Whoever attacks has the rights that each attack names: the database's owner, the object store's, the thief of the log's
key, or several of them together. What is asserted here stands as a table in ``docs/evidence.md``.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from audit.keys import SigningKey
from audit.log_keys import log_keys
from audit.merkle import HASH_SIZE, leaf_hash
from audit.note import Note
from audit.promise import open_promise, promised
from audit.store.place import CHECKPOINT
from audit.witness.call import Reply, call
from audit.witness.submission import Submission
from tests.prove.attacked import ANOTHER_ROOT, City, Copy, Seen, city_of

DATABASE, STORE, KEY = "database", "store", "log key"
DB, EVERYTHING = (DATABASE,), (DATABASE, STORE, KEY)
VICTIM = 40
COLUMNS = "recorded_at, kind, outcome, subject, matter, agency_code, person_id, grant_number, resource_code"
TABLE = Path(__file__).parents[2] / "docs" / "evidence.md"


@dataclass(frozen=True)
class Attack:
    """One attack: what is done, with which rights, and who sees it."""

    name: str
    rights: tuple[str, ...]
    act: Callable[[Copy], None]
    seen: Seen
    backup: bool = False
    locked: bool = True

    def row(self) -> str:
        """The attack's row of the table."""
        found = [f"`{code}`" if code else "-" for code in (self.seen.verify, self.seen.store)]
        told = [self.name, ", ".join(self.rights), *found, self.seen.witness, self.seen.promise]
        return f"| {' | '.join(told)} |"


def changed(copy: Copy) -> None:
    copy.change(VICTIM)


def changed_with_its_tile(copy: Copy) -> None:
    copy.change(VICTIM)
    copy.run(
        "UPDATE log_tile SET hashes = overlay(hashes PLACING (SELECT leaf_hash FROM evidence WHERE id = :id)"
        " FROM :place) WHERE level = 0 AND number = 0",
        id=copy.entry_id(VICTIM),
        place=VICTIM * HASH_SIZE + 1,
    )


def deleted(copy: Copy) -> None:
    copy.unfetter()
    copy.erase("SELECT evidence_id FROM log_leaf WHERE leaf_index = :index", index=VICTIM)
    copy.run("DELETE FROM log_leaf WHERE leaf_index = :index", index=VICTIM)


def deleted_before_it_was_numbered(copy: Copy) -> None:
    [waiting] = copy.log.write(1)
    [(leaf,)] = copy.run("SELECT leaf_hash FROM evidence WHERE id = :id", id=waiting)
    settings = copy.log.settings
    answered = promised(settings, [leaf]).encode()
    copy.promises.append(open_promise(answered, log_keys(settings).promise_key, settings.log_origin))
    copy.unfetter()
    copy.erase("SELECT CAST(:id AS uuid)", id=waiting)
    copy.log.write(1)
    assert copy.log.sequence() == 1


def inserted(copy: Copy) -> None:
    copy.unfetter()
    forged = _forged(copy)
    copy.run("UPDATE log_leaf SET leaf_index = leaf_index + 10000 WHERE leaf_index >= :index", index=VICTIM)
    copy.run("UPDATE log_leaf SET leaf_index = leaf_index - 9999 WHERE leaf_index >= 10000")
    copy.run("INSERT INTO log_leaf VALUES (:index, :id)", index=VICTIM, id=forged)


def inserted_at_the_end(copy: Copy) -> None:
    copy.run("INSERT INTO log_leaf VALUES (:index, :id)", index=copy.city.size, id=_forged(copy))


def _forged(copy: Copy) -> uuid.UUID:
    """An entry that nobody wrote, made after another one."""
    forged, model = uuid.uuid4(), copy.entry_id(VICTIM)
    [(body,)] = copy.run("SELECT body FROM evidence_text WHERE evidence_id = :id", id=model)
    body = body.replace(str(model).encode(), str(forged).encode())
    copy.run(
        f"INSERT INTO evidence (id, leaf_hash, {COLUMNS}) SELECT :id, :leaf, {COLUMNS} FROM evidence WHERE id = :model",
        **{"id": forged, "leaf": leaf_hash(body), "model": model},
    )
    copy.run(
        "INSERT INTO evidence_text SELECT recorded_at, :id, :body FROM evidence_text WHERE evidence_id = :model",
        **{"id": forged, "body": body, "model": model},
    )
    return forged


def renumbered(*indices: int) -> Callable[[Copy], None]:
    """The numbers go round among these entries."""

    def attack(copy: Copy) -> None:
        copy.unfetter()
        entries = [copy.entry_id(index) for index in indices]
        for index, entry in zip(indices, [*entries[1:], entries[0]], strict=True):
            copy.run("UPDATE log_leaf SET evidence_id = :id WHERE leaf_index = :index", id=entry, index=index)

    return attack


def cut_off(copy: Copy) -> None:
    copy.cut(copy.city.old)


def nothing_more(copy: Copy) -> None:
    """The old backup stands in the database's place; that is all."""


def grown_again(copy: Copy) -> None:
    while copy.log.sequence():
        pass
    copy.log.write(copy.city.size - copy.city.old + 10)
    while copy.log.sequence():
        pass
    copy.run("UPDATE log_store SET size = (SELECT max(size) FROM log_checkpoint)")


def store_put_back_too(copy: Copy) -> None:
    tiles_put_back(copy)
    copy.place.write(CHECKPOINT, copy.city.objects[CHECKPOINT])


def tiles_put_back(copy: Copy) -> None:
    for name in list(copy.place.names("tile/")):
        copy.place.remove(name)
    for name, data in copy.city.objects.items():
        if name != CHECKPOINT:
            copy.place.write(name, data)


def old_checkpoint_published(copy: Copy) -> None:
    copy.place.write(CHECKPOINT, copy.city.objects[CHECKPOINT])


def new_checkpoints_deleted(copy: Copy) -> None:
    for table in ("log_checkpoint", "log_cosignature"):
        copy.run(f"DELETE FROM {table} WHERE size > :size", size=copy.city.old)


def stored_tiles_cut(copy: Copy) -> None:
    full, rest = divmod(copy.city.old, 256)
    copy.run("DELETE FROM log_tile WHERE level = 0 AND number > :number", number=full)
    copy.run(
        "UPDATE log_tile SET hashes = substr(hashes, 1, :width) WHERE level = 0 AND number = :number",
        width=rest * HASH_SIZE,
        number=full,
    )


def forked(copy: Copy) -> None:
    leaves = [hashlib.sha256(bytes([number % 256])).digest() for number in range(copy.city.size)]
    copy.place.write(CHECKPOINT, copy.signed(copy.city.size, leaves).encode())


def rewritten(copy: Copy) -> None:
    copy.change(VICTIM)
    copy.recompute(sign=True)


def rewritten_and_published(copy: Copy) -> None:
    rewritten(copy)
    copy.publish_over()


def all_rewritten(copy: Copy) -> None:
    """Nothing is left that contradicts: the kept checkpoints are deleted, for this store has no object lock."""
    rewritten(copy)
    for kept in list(copy.place.locked.versions(copy.place.key("kept/"))):
        copy.place.locked.remove_version(kept.key, kept.version)
    copy.run("DELETE FROM log_kept_checkpoint")
    copy.publish_over()


def promised_entry_rewritten(copy: Copy) -> None:
    copy.change(copy.city.promised)
    all_rewritten(copy)


ATTACKS = [
    Attack("change an entry's text, and its hash beside it", DB, changed, Seen("entry_changed")),
    Attack(
        "the same, and the hash in its tile",
        DB,
        changed_with_its_tile,
        Seen("checkpoint_contradicted", "store_tile_differs", "200", "tiles_of_another_log"),
    ),
    Attack("delete an entry with its number", DB, deleted, Seen("number_missing")),
    Attack("delete an entry before it is numbered", DB, deleted_before_it_was_numbered, Seen(promise="broken")),
    Attack("insert an entry between others", DB, inserted, Seen("entry_changed")),
    Attack("insert an entry at the end", DB, inserted_at_the_end, Seen("tile_missing")),
    Attack("reorder three entries", DB, renumbered(10, 20, 30), Seen("entry_changed")),
    Attack("swap two entries", DB, renumbered(10, 20), Seen("entry_changed")),
    Attack("truncate the tail, with all that belongs to it", DB, cut_off, Seen("", "store_ahead", "409", "broken")),
    Attack("restore an old backup", DB, nothing_more, Seen("", "store_ahead", "409", "broken"), True),
    Attack("the same, and go on with it", DB, grown_again, Seen("", "store_contradicted", "422", "broken"), True),
    Attack(
        "restore an old backup of database and store",
        (DATABASE, STORE),
        store_put_back_too,
        Seen("", "store_ahead", "409", "broken"),
        True,
    ),
    Attack(
        "replay an old checkpoint in the database",
        DB,
        new_checkpoints_deleted,
        Seen("unsigned_entries", "store_ahead", "409", "broken"),
    ),
    Attack("replay an old checkpoint in the store", (STORE,), old_checkpoint_published, Seen("", "store_rolled_back")),
    Attack(
        "roll back the tiles in the database",
        DB,
        stored_tiles_cut,
        Seen("tile_missing", "store_tile_differs", "200", "tile_missing"),
    ),
    Attack("roll back the tiles in the store", (STORE,), tiles_put_back, Seen("", "store_tile_missing")),
    Attack("publish a forked checkpoint", (STORE, KEY), forked, Seen("", "store_contradicted")),
    Attack(
        "change an entry, and sign all that follows again",
        (DATABASE, KEY),
        rewritten,
        Seen("", "store_contradicted", ANOTHER_ROOT),
    ),
    Attack(
        "the same, and publish it", EVERYTHING, rewritten_and_published, Seen("", "store_contradicted", ANOTHER_ROOT)
    ),
    Attack(
        "the same, where the store has no object lock",
        EVERYTHING,
        all_rewritten,
        Seen("", "", ANOTHER_ROOT),
        locked=False,
    ),
    Attack(
        "the same, with an entry that was promised",
        EVERYTHING,
        promised_entry_rewritten,
        Seen("", "", ANOTHER_ROOT, "broken"),
        locked=False,
    ),
]


@pytest.fixture(scope="module")
def city(services: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with city_of(services, tmp_path_factory.mktemp("city") / "witness") as made:
        yield made


def test_nothing_is_seen_in_a_copy_that_nobody_touched(city: City, tmp_path: Path) -> None:
    with city.copied(tmp_path) as copy:
        assert copy.seen() == Seen()
    assert {"release-completed", "release-content", "grant-used"} <= city.reconcilers.keys()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_seen(city: City, attack: Attack, tmp_path: Path) -> None:
    with city.copied(tmp_path, backup=attack.backup, locked=attack.locked) as copy:
        attack.act(copy)
        assert copy.seen() == attack.seen


def test_a_witness_refuses_an_old_checkpoint_and_a_fork(city: City, tmp_path: Path) -> None:
    with city.copied(tmp_path) as copy:
        old = city.objects[CHECKPOINT].decode()
        assert call(copy.witness.url, str(Submission(0, (), old))) == Reply(409, f"{city.size}\n")
        fork = copy.signed(city.size, [hashlib.sha256(b"another").digest()] * city.size)
        assert call(copy.witness.url, str(Submission(city.size, (), fork))).status == 409
        thief = SigningKey(copy.log.settings.log_origin, bytes(32))
        stranger = str(Note(Note.parse(old).text).signed(thief))
        assert call(copy.witness.url, str(Submission(0, (), stranger))).status == 403


def test_the_table_in_the_documents_is_what_was_seen() -> None:
    rows = [line for line in TABLE.read_text().splitlines() if line.startswith("| ")]
    assert [row for row in rows if row in {attack.row() for attack in ATTACKS}] == [attack.row() for attack in ATTACKS]
