"""Evidence bundles: a zip of fixed names with all that shows what a delivery was, and a signed manifest.

    manifest                       signed note: a context line, the log, the delivery, and each file with its SHA-256
    checkpoint                     of the log, signed; every proof is under it
    entries/0000000012.json        an entry's canonical bytes, by its number
    proofs/0000000012.tlog-proof   that this entry is in the log (c2sp.org/tlog-proof)
    documents/….json               delivery, grant, agreement and its signatures, answer, receipt; with a salt where an
                                   entry has the salted digest of it (``audit.salted``), and the delivery with the
                                   salts, by entry, of the digest of what left, which is ``{"sha256": …}``
    keys.json                      public keys; whose an agency's is, the entry of its registration says

The manifest's first line keeps it from being taken for a checkpoint or a promise. ``audit.bundle_check`` checks one.
"""

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from adapters.errors import InvalidInput
from audit.keys import SigningKey
from audit.note import Note

CONTEXT = "shuniu evidence bundle, version 1"
MANIFEST, CHECKPOINT, KEYS = "manifest", "checkpoint", "keys.json"
DELIVERY, GRANT, ANSWER = "documents/delivery.json", "documents/grant.json", "documents/answer.json"
AGREEMENT, SIGNATURES = "documents/agreement.json", "documents/agreement-signatures.json"
RECEIPT = "documents/receipt.json"
DOCUMENTS = (DELIVERY, GRANT, AGREEMENT, SIGNATURES, ANSWER, RECEIPT)
MOST_ENTRIES = 400
LARGEST_FILE = 4 << 20
LARGEST_BUNDLE = 32 << 20
_NUMBERED = re.compile(r"(?:entries/[0-9]{10,19}\.json|proofs/[0-9]{10,19}\.tlog-proof)")
_LISTED = re.compile(r"([0-9a-f]{64}) (\S+)")
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Manifest:
    """What a bundle has.

    Attributes:
        origin: the log's name.
        delivery: the delivery's id.
        digests: SHA-256 in hex of each other file, by name.
    """

    origin: str
    delivery: str
    digests: Mapping[str, str]

    def __str__(self) -> str:
        listed = (f"{digest} {name}" for name, digest in sorted(self.digests.items()))
        return "\n".join([CONTEXT, self.origin, f"delivery {self.delivery}", *listed, ""])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a manifest.

        Raises:
            InvalidInput: it is not formed as one.
        """
        lines = text.split("\n")
        origin, delivery = (*lines, "", "")[1:3]
        found = [_LISTED.fullmatch(line) for line in lines[3:-1]]
        manifest = cls(origin, delivery.removeprefix("delivery "), {line[2]: line[1] for line in found if line})
        if str(manifest) != text:
            raise wrong(MANIFEST, "is not the manifest of an evidence bundle")
        return manifest


def entry_name(index: int) -> str:
    """Where a bundle has the entry of a number."""
    return f"entries/{index:010d}.json"


def proof_name(index: int) -> str:
    """Where a bundle has the proof of the entry of a number."""
    return f"proofs/{index:010d}.tlog-proof"


def pack(origin: str, delivery: str, files: Mapping[str, bytes], key: SigningKey) -> bytes:
    """Make a bundle; the same files give the same bytes.

    Args:
        origin: the log's name.
        delivery: the delivery's id.
        files: content by name, without the manifest.
        key: that promises are signed with; it signs the manifest.
    """
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    manifest = str(Note(str(Manifest(origin, delivery, digests))).signed(key))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in [(MANIFEST, manifest.encode()), *sorted(files.items())]:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    return written.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """The files of a bundle by name, the manifest among them; nothing is written anywhere.

    Raises:
        InvalidInput: it is no zip, has a name that no bundle has or one twice, or is larger than a bundle may be.
    """
    if len(data) > LARGEST_BUNDLE:
        raise wrong("the file", "is larger than a bundle may be")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _require_names(members)
            return _read(archive, members)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise wrong("the file", "is not a whole zip") from error


def _require_names(members: list[zipfile.ZipInfo]) -> None:
    seen = set()
    if len(members) > 2 * MOST_ENTRIES + len(DOCUMENTS) + 3:
        raise wrong("the file", "has more parts than a bundle may have")
    for each in members:
        name = each.orig_filename
        known = name in {MANIFEST, CHECKPOINT, KEYS, *DOCUMENTS} or _NUMBERED.fullmatch(name)
        if not known or name in seen:
            raise wrong(repr(name[:100]), "has no place in a bundle")
        seen.add(name)
        if each.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} or each.flag_bits & 1:
            raise wrong(name, "is packed in a way that no bundle is")
    for name in (MANIFEST, CHECKPOINT, KEYS, DELIVERY):
        if name not in seen:
            raise wrong(name, "is missing")


def _read(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> dict[str, bytes]:
    """Read no more than a bundle may hold, whatever the members say of their sizes."""
    files, left = {}, LARGEST_BUNDLE
    for each in members:
        with archive.open(each) as file:
            data = file.read(min(LARGEST_FILE, left) + 1)
        left -= len(data)
        if len(data) > LARGEST_FILE or left < 0:
            raise wrong(each.filename, "unpacks to more than a bundle may hold")
        files[each.filename] = data
    return files


def wrong(part: str, reason: str) -> InvalidInput:
    """The error of a bundle that does not hold: the first part that is wrong, and in what."""
    return InvalidInput(
        "evidence.bundle_does_not_hold",
        "The bundle does not hold: {part} {reason}. Fetch it again; if that does not help, tell the audit office.",
        part=part,
        reason=reason,
    )
