"""Evidence bundles: what holds, the part that is named when one was changed, and zips that are refused."""

import io
import zipfile
import zlib
from collections.abc import Callable

import orjson
import pytest

from adapters.errors import InvalidInput
from audit.bundle import (
    AGREEMENT,
    ANSWER,
    CHECKPOINT,
    DELIVERY,
    GRANT,
    KEYS,
    LARGEST_FILE,
    MANIFEST,
    RECEIPT,
    SIGNATURES,
    Manifest,
    entry_name,
    pack,
    proof_name,
    unpack,
)
from audit.bundle_check import check_bundle
from audit.keys import Cosigner, SigningKey
from audit.note import Note
from audit.witness.policy import Policy
from schemas.canonical import canonical_bytes
from tests.bundles import LOG, PROMISES, PUBLIC, Document, made

NAMES = sorted(made().files)
ENTRIES = [name for name in NAMES if name.startswith("entries/")]


def check(data: bytes) -> str:
    return check_bundle(data, PUBLIC)


def rejected(data: bytes) -> str:
    """What is said of a bundle that does not hold."""
    with pytest.raises(InvalidInput) as caught:
        check(data)
    assert caught.value.code == "evidence.bundle_does_not_hold", caught.value
    return str(caught.value)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return written.getvalue()


def test_a_bundle_holds_and_the_same_parts_give_the_same_bytes() -> None:
    said = check(made().packed())
    assert "the bundle of delivery JF-1 holds: 7 entries" in said
    assert "agreement signed with 2 keys; receipt signed with the key" in said
    parts = made()
    assert parts.packed() == parts.packed()


@pytest.mark.parametrize("name", [MANIFEST, *NAMES])
def test_a_part_that_was_changed_added_or_taken_away_is_named(name: str) -> None:
    good = unpack(made().packed())
    for changed in (good[name] + b"\n", b"", good[name][:-9] + b"x" + good[name][-8:]):
        assert f"does not hold: {name}" in rejected(zipped(good | {name: changed}))
    assert f"does not hold: {name}" in rejected(zipped({one: data for one, data in good.items() if one != name}))
    assert "entries/0000000001.json" in rejected(zipped(good | {entry_name(1): b"{}"}))


def test_a_policy_asks_for_the_witnesses_of_the_checkpoint() -> None:
    witnesses = [Cosigner.beside(f"w{number}.example", bytes([number]) * 32) for number in range(3)]
    lines = [f"witness w{number} {each.verifier}" for number, each in enumerate(witnesses)]
    policy = Policy.parse("\n".join([*lines, "group two 2 w0 w1 w2", "quorum two", ""]))
    parts, plain = made(), dict[str, bytes]()
    plain.update(parts.files)

    def cosigned(*those: Cosigner) -> bytes:
        note = Note.parse(plain[CHECKPOINT].decode())
        for each in those:
            note = note.cosigned(each, 1_800_000_000)
        for name, data in plain.items():
            if name == CHECKPOINT or name.startswith("proofs/"):
                parts.files[name] = data.replace(plain[CHECKPOINT], str(note).encode())
        return parts.packed()

    assert "holds: 7 entries" in check_bundle(cosigned(witnesses[0], witnesses[2]), PUBLIC, policy)
    for too_few in ((), witnesses[:1], (witnesses[0], witnesses[0]), (Cosigner.beside("w1.example", b"x" * 32),)):
        with pytest.raises(InvalidInput, match="checkpoint cannot be trusted .*is not enough for two"):
            check_bundle(cosigned(*too_few), PUBLIC, policy)
    policy.logs.append(PROMISES.verifier)
    with pytest.raises(InvalidInput, match="The policy does not name the key"):
        check_bundle(cosigned(*witnesses), PUBLIC, policy)


def test_a_bundle_signed_by_another_is_refused() -> None:
    assert "manifest is not signed" in rejected(made().packed(SigningKey(PROMISES.verifier.name, bytes(32))))
    assert "manifest is not signed" in rejected(made().packed(LOG)), "the log's own key makes no bundle"
    assert "manifest is not signed" in rejected(made().packed(SigningKey("other.example/log", bytes(range(32)))))


def change(name: str, **values: object) -> Callable[[dict[str, bytes]], None]:
    def act(files: dict[str, bytes]) -> None:
        files[name] = canonical_bytes(orjson.loads(files[name]) | values)

    return act


def without(*names: str) -> Callable[[dict[str, bytes]], None]:
    def act(files: dict[str, bytes]) -> None:
        for name in names:
            del files[name]

    return act


def put(name: str, data: Callable[[dict[str, bytes]], bytes]) -> Callable[[dict[str, bytes]], None]:
    def act(files: dict[str, bytes]) -> None:
        files[name] = data(files)

    return act


def swap_signatures(files: dict[str, bytes]) -> None:
    document: Document = orjson.loads(files[SIGNATURES])
    first, second = document["signatures"]
    first["signature"], second["signature"] = second["signature"], first["signature"]
    files[SIGNATURES] = canonical_bytes(document)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (
            put(CHECKPOINT, lambda files: files[CHECKPOINT].replace(b"\n307\n", b"\n308\n")),
            "checkpoint cannot be trusted",
        ),
        (put(CHECKPOINT, lambda _: b"\xff"), "checkpoint cannot be trusted"),
        (put(entry_name(300), lambda files: files[entry_name(300)] + b" "), f"{proof_name(300)} does not prove"),
        (put(entry_name(300), lambda files: files[entry_name(301)]), f"{proof_name(300)} does not prove"),
        (put(proof_name(300), lambda files: files[proof_name(301)]), f"{proof_name(300)} does not prove"),
        (without(entry_name(300)), entry_name(300)),
        (without(proof_name(300)), entry_name(300)),
        (change(DELIVERY, id="1"), DELIVERY),
        (change(DELIVERY, number="JF-2"), DELIVERY),
        (change(DELIVERY, rows=4), DELIVERY),
        (change(DELIVERY, sha256="00"), DELIVERY),
        (without(entry_name(304), proof_name(304)), f"{DELIVERY} has no entry that it was asked for"),
        (without(entry_name(305), proof_name(305)), f"{DELIVERY} has no entry that it was prepared"),
        (change(GRANT, number="SX-2"), GRANT),
        (change(GRANT, items=["a", "b"]), f"{GRANT} differs in items"),
        (without(GRANT), GRANT),
        (change(ANSWER, round=2), ANSWER),
        (put(AGREEMENT, lambda _: canonical_bytes({"number": "XY-1", "clauses": []})), SIGNATURES),
        (without(AGREEMENT), AGREEMENT),
        (without(SIGNATURES), AGREEMENT),
        (swap_signatures, SIGNATURES),
        (change(SIGNATURES, signatures=[]), SIGNATURES),
        (change(SIGNATURES, signatures=[{"key": 1}]), SIGNATURES),
        (change(KEYS, agencies=[]), SIGNATURES),
        (change(KEYS, agencies=[{"public_key": "AAAA", "fingerprint": "0"}]), KEYS),
        (change(KEYS, agencies=["x"]), KEYS),
        (change(RECEIPT, sha256="00" * 32), RECEIPT),
        (change(RECEIPT, receipt={"verdict": "REJECTED"}), RECEIPT),
        (without(RECEIPT), RECEIPT),
        (put(RECEIPT, lambda _: b"[]"), RECEIPT),
        (put(DELIVERY, lambda _: b"{"), DELIVERY),
    ],
)
def test_a_hub_that_signs_what_its_log_does_not_say_is_caught(
    act: Callable[[dict[str, bytes]], None], said: str
) -> None:
    parts = made()
    act(parts.files)
    assert f"does not hold: {said}" in rejected(parts.packed())


def test_a_receipt_that_another_signed_is_caught_though_the_log_has_it() -> None:
    assert f"{RECEIPT} has a signature that is not right" in rejected(made(receipt_signed_by="gives").packed())


def test_names_that_no_bundle_has_are_refused() -> None:
    good = unpack(made().packed())
    for name in ("../x", "/etc/passwd", "entries/../../x.json", "entries/", "a\\b", "documents/x.json"):
        assert "has no place in a bundle" in rejected(zipped(good | {name: b""})), name
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr(MANIFEST, b"")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(MANIFEST, b"")
    assert "has no place in a bundle" in rejected(twice.getvalue())
    assert "manifest is missing" in rejected(zipped(made().files))


def test_bombs_are_not_unpacked() -> None:
    good = unpack(made().packed())
    assert f"{GRANT} unpacks to more" in rejected(zipped(good | {GRANT: bytes(LARGEST_FILE + 1)}))
    lying = bytearray(zipped({DELIVERY: bytes(LARGEST_FILE * 4)} | {one: good[one] for one in good if one != DELIVERY}))
    size = (LARGEST_FILE * 4).to_bytes(4, "little")
    assert lying.count(size) == 2
    assert "does not hold" in rejected(bytes(lying.replace(size, (10).to_bytes(4, "little"))))
    many = good | {entry_name(number): b"" for number in range(2_000)}
    assert "more parts than" in rejected(zipped(many))
    whole = {entry_name(number): bytes(LARGEST_FILE) for number in range(9)}
    assert "unpacks to more" in rejected(zipped(good | whole))
    assert "packed in a way" in rejected(zipped(good, zipfile.ZIP_BZIP2))


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"PK\x03\x04" + bytes(100), zlib.compress(b"x")])
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    assert "the file is not a whole zip" in rejected(data)


def test_each_cut_and_each_flipped_byte_is_refused_or_changes_nothing() -> None:
    good = made().packed()
    parts = unpack(good)
    for place in range(0, len(good), 97):
        changed = good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :]
        for data in (good[:place], changed):
            try:
                check(data)
            except InvalidInput:
                continue
            assert unpack(data) == parts


def test_a_manifest_is_no_other_signed_text() -> None:
    text = str(Manifest("hub.example/log", "1", {"a": "0" * 64, "b": "1" * 64}))
    assert Manifest.parse(text).digests == {"a": "0" * 64, "b": "1" * 64}
    for bad in (
        text.replace("version 1", "version 2"),
        text.replace("delivery 1", "grant 1"),
        text + "x\n",
        text.replace("0" * 64, "0" * 63),
        "\n".join(text.split("\n")[:3]),
        "",
    ):
        with pytest.raises(InvalidInput):
            Manifest.parse(bad)
    assert pack("log", "1", {"a": b"x"}, LOG)
