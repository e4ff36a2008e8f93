"""Exports: what a search of the evidence found, as a zip that the hub signs and anybody can check offline (R51).

    statement     signed note: a context line, the log, and in one line of canonical JSON what was asked, by whom and
                  when, how many rows there are, the entry that records the export, and each other file's SHA-256
    checkpoint    the log's newest, signed: the export rests on it
    rows.csv      the rows, or rows.xlsx

Nothing in the zip is compressed, and the same files give the same bytes, so that a change of any byte shows, in the
zip's own records too. The context line keeps a statement from being taken for a checkpoint, a promise or a manifest.
"""

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any, Self

import orjson

from adapters.errors import InvalidInput
from audit.keys import SigningKey
from audit.log_keys import PROMISES, LogKeys
from audit.note import Note
from audit.witness.policy import Policy
from audit.witness.quorum import trusted_checkpoint
from schemas.canonical import canonical_bytes

CONTEXT = "shuniu evidence export, version 1"
STATEMENT, CHECKPOINT = "statement", "checkpoint"
ROWS = ("rows.csv", "rows.xlsx")
LARGEST_EXPORT = 256 << 20
_PIECE = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
_NAME_AT = 30
"""Where a zip's first record has its name."""


@dataclass(frozen=True)
class Statement:
    """What an export says of itself.

    Attributes:
        origin: the log's name.
        facts: JSON; ``files`` has the SHA-256 of each other file by name, in hex.
    """

    origin: str
    facts: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{CONTEXT}\n{self.origin}\n{canonical_bytes(self.facts).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a statement.

        Raises:
            InvalidInput: it is not formed as one.
        """
        context, _, rest = text.partition("\n")
        origin, _, facts = rest.partition("\n")
        try:
            found = orjson.loads(facts)
        except ValueError:
            found = None
        if context != CONTEXT or not isinstance(found, dict) or not isinstance(found.get("files"), dict):
            raise wrong(STATEMENT, "is not the statement of an export")
        statement = cls(origin, found)
        if str(statement) != text:
            raise wrong(STATEMENT, "is not written as a statement is")
        return statement


def write_export(
    out: IO[bytes], facts: Mapping[str, Any], rows: IO[bytes], name: str, note: str, key: SigningKey
) -> None:
    """Write an export.

    Args:
        out: an empty file.
        facts: of the statement, without ``files``.
        rows: the rows' file, read from its beginning.
        name: of the rows in the zip.
        note: the log's newest checkpoint.
        key: the hub's for promises and exports.
    """
    files = {name: digest_of(rows), CHECKPOINT: hashlib.sha256(note.encode()).hexdigest()}
    origin = key.verifier.name.removesuffix(PROMISES)
    statement = str(Note(str(Statement(origin, {**facts, "files": files}))).signed(key))
    rows.seek(0)
    _zip(out, statement.encode(), note.encode(), name, lambda: rows.read(_PIECE))


def is_export(data: bytes) -> bool:
    """Whether a zip is an export, by its first record."""
    return data[_NAME_AT : _NAME_AT + len(STATEMENT)] == STATEMENT.encode()


def check_export(data: bytes, keys: LogKeys, policy: Policy | None = None) -> str:
    """Check an export: the zip, the statement's signature, each file's digest, the checkpoint.

    Args:
        data: the zip.
        keys: the log's public keys.
        policy: which witnesses must have cosigned the checkpoint; None asks for none.

    Returns:
        what holds, one sentence.

    Raises:
        InvalidInput: it does not hold; the sentence names the first part that is wrong.
    """
    files = _unpacked(data)
    try:
        note = Note.parse(files[STATEMENT].decode())
    except (UnicodeDecodeError, InvalidInput) as error:
        raise wrong(STATEMENT, "is not a signed note") from error
    if not note.is_signed_by(keys.promise_key):
        raise wrong(STATEMENT, f"is not signed by the key {keys.promise_key}")
    statement = Statement.parse(note.text)
    if statement.origin != keys.log.name:
        raise wrong(STATEMENT, f"is of the log {statement.origin}")
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name != STATEMENT}
    for name in sorted({*digests, *statement.facts["files"]}):
        if digests.get(name) != statement.facts["files"].get(name):
            raise wrong(name, "is not as the statement has it")
    try:
        checkpoint = trusted_checkpoint(files[CHECKPOINT].decode(errors="replace"), keys, policy)
    except InvalidInput as error:
        raise wrong(CHECKPOINT, f"is not the log's ({error})") from error
    _require_same(data, files)
    told = statement.facts
    return (
        f"the export holds: {told.get('rows')} rows of {told.get('what')}, asked"
        f" {canonical_bytes(told.get('asked')).decode()}, exported at {told.get('exported_at')} by"
        f" {told.get('name') or told.get('person')} of {told.get('agency') or 'the hub'} (entry {told.get('entry')});"
        f" the log {keys.log.name} had {checkpoint.size} entries."
        + (" There are more rows than an export holds." if told.get("more") else "")
    )


def digest_of(file: IO[bytes]) -> str:
    """SHA-256 of a whole file, hex."""
    file.seek(0)
    found = hashlib.sha256()
    while piece := file.read(_PIECE):
        found.update(piece)
    return found.hexdigest()


def wrong(part: str, reason: str) -> InvalidInput:
    """The error of an export that does not hold: the first part that is wrong, and in what."""
    return InvalidInput(
        "evidence.export_does_not_hold",
        "The export does not hold: {part} {reason}. Ask who gave it to you for the file as the hub handed it out.",
        part=part,
        reason=reason,
    )


def _zip(out: IO[bytes], statement: bytes, note: bytes, name: str, more: Callable[[], bytes]) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for part, content in ((STATEMENT, statement), (CHECKPOINT, note)):
            archive.writestr(_record(part), content)
        with archive.open(_record(name), "w") as member:
            while piece := more():
                member.write(piece)


def _record(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.external_attr, info.create_system = 0o644 << 16, 3
    return info


def _unpacked(data: bytes) -> dict[str, bytes]:
    """The files of an export by name; nothing is written anywhere."""
    if len(data) > LARGEST_EXPORT:
        raise wrong("the file", "is larger than an export may be")
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
            names = [each.orig_filename for each in members]
            stored = all(each.compress_type == zipfile.ZIP_STORED and not each.flag_bits & 1 for each in members)
            if names[:2] != [STATEMENT, CHECKPOINT] or len(names) != 3 or names[2] not in ROWS or not stored:
                raise wrong("the file", "has other parts than an export has")
            return {each.orig_filename: archive.read(each) for each in members}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise wrong("the file", "is not a whole zip") from error


def _require_same(data: bytes, files: Mapping[str, bytes]) -> None:
    """Nothing but the files is in the zip: packed again they give the same bytes."""
    again = BytesIO()
    *_, name = files
    pieces = iter((files[name], b""))
    _zip(again, files[STATEMENT], files[CHECKPOINT], name, lambda: next(pieces))
    if again.getvalue() != data:
        raise wrong("the zip around the files", "is not as the hub made it")
