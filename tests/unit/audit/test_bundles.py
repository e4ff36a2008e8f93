"""Evidence bundles: what holds, the part that is named when one was changed, and zips that are refused."""

import contextlib
import io
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from tests.bundles import DELIVERY_ID, LOG, MOMENT, PROMISES, PUBLIC, Document, Made, made, made_parts, proved

NAMES = sorted(made().files)
ENTRIES = [name for name in NAMES if name.startswith("entries/")]
SALTS: Document = orjson.loads(made().files[DELIVERY])["salts"]


Act = Callable[[dict[str, bytes]], None]


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
    assert "the bundle of delivery JF-1 holds: 13 entries" in said
    assert "agreement signed with 2 keys; receipt signed with the key" in said
    parts = made()
    assert parts.packed() == parts.packed()


@pytest.mark.parametrize("name", [MANIFEST, *NAMES])
def test_a_part_that_was_changed_added_or_taken_away_is_named(name: str) -> None:
    good = unpack(made().packed())
    for changed in (good[name] + b"\n", b"", good[name][:-9] + bytes([good[name][-9] ^ 1]) + good[name][-8:]):
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

    assert "holds: 13 entries" in check_bundle(cosigned(witnesses[0], witnesses[2]), PUBLIC, policy)
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


def test_a_manifest_of_another_log_is_refused() -> None:
    parts = pack("other.example/log", DELIVERY_ID, made().files, PROMISES)
    assert "manifest is of the log other.example/log" in rejected(parts)


def test_every_proof_is_of_its_own_number_and_under_the_one_checkpoint() -> None:
    wrong = "is of another number, or under another checkpoint"
    files, entries = made_parts()
    told = [canonical_bytes(each) for each in entries]
    parts = Made(files | proved(told))
    parts.files[proof_name(300)] = proved([*told, b"{}"])[proof_name(300)]
    assert f"{proof_name(300)} {wrong}" in rejected(parts.packed()), "under a later checkpoint of the same log"
    parts = Made(files | proved(told))
    parts.files |= {entry_name(400): parts.files[entry_name(300)], proof_name(400): parts.files[proof_name(300)]}
    assert f"{proof_name(400)} {wrong}" in rejected(parts.packed()), "an entry that is there twice"


def change(name: str, **values: object) -> Act:
    def act(files: dict[str, bytes]) -> None:
        files[name] = canonical_bytes(orjson.loads(files[name]) | values)

    return act


def without(*names: str) -> Act:
    def act(files: dict[str, bytes]) -> None:
        for name in names:
            del files[name]

    return act


def put(name: str, data: Callable[[dict[str, bytes]], bytes]) -> Act:
    def act(files: dict[str, bytes]) -> None:
        files[name] = data(files)

    return act


def swap_signatures(files: dict[str, bytes]) -> None:
    document: Document = orjson.loads(files[SIGNATURES])
    first, second = document["signatures"]
    first["signature"], second["signature"] = second["signature"], first["signature"]
    files[SIGNATURES] = canonical_bytes(document)


def rename(old: str, new: str) -> Act:
    def act(files: dict[str, bytes]) -> None:
        for one, other in ((old, new), (old.replace("entries", "proofs").replace(".json", ".tlog-proof"), "")):
            data = files.pop(one)
            files[other or new.replace("entries", "proofs").replace(".json", ".tlog-proof")] = data

    return act


def dropped(kind: str) -> Act:
    """Take the entries whose kind begins so out, with their proofs."""

    def act(files: dict[str, bytes]) -> None:
        for name in [name for name in files if name.startswith("entries/")]:
            if orjson.loads(files[name])["type"].startswith(f"cn.shuniu.{kind}"):
                del files[name], files[name.replace("entries/", "proofs/").replace(".json", ".tlog-proof")]

    return act


def left_out(name: str, field: str) -> Act:
    def act(files: dict[str, bytes]) -> None:
        read: Document = orjson.loads(files[name])
        del read[field]
        files[name] = canonical_bytes(read)

    return act


def no_agreement(files: dict[str, bytes]) -> None:
    without(AGREEMENT, SIGNATURES)(files)
    dropped("agreement.")(files)
    change(GRANT, agreement=None)(files)


def one_side_twice(files: dict[str, bytes]) -> None:
    document: Document = orjson.loads(files[SIGNATURES])
    document["signatures"][1] = document["signatures"][0]
    files[SIGNATURES] = canonical_bytes(document)


def renamed_agencies(files: dict[str, bytes]) -> None:
    document: Document = orjson.loads(files[KEYS])
    document["agencies"] = [each | {"name": "另一单位"} for each in document["agencies"]]
    files[KEYS] = canonical_bytes(document)


def each_field(name: str) -> list[tuple[Act, str]]:
    """Each field of a document becomes an x; in some nothing can be read from that."""
    malformed = {"prepared_at", "requested_at", "acknowledged_at", "row_condition", "salt", "salts"}
    said = "one of its documents or entries is not written"
    fields = orjson.loads(made().files[name])
    return [(change(name, **{field: "x"}), said if field in malformed else name) for field in fields]


FALSIFIED: list[tuple[Act, str]] = [
    (put(CHECKPOINT, lambda files: files[CHECKPOINT].replace(b"\n313\n", b"\n314\n")), "checkpoint cannot be trusted"),
    (put(CHECKPOINT, lambda _: b"\xff"), "checkpoint cannot be trusted"),
    (put(entry_name(300), lambda files: files[entry_name(300)] + b" "), f"{proof_name(300)} does not prove"),
    (put(entry_name(300), lambda files: files[entry_name(301)]), f"{proof_name(300)} does not prove"),
    (put(proof_name(300), lambda files: files[proof_name(301)]), f"{proof_name(300)} does not prove"),
    (without(entry_name(300)), entry_name(300)),
    (without(proof_name(300)), entry_name(300)),
    (rename(entry_name(300), "entries/00000000300.json"), "entries/00000000300.json is not numbered"),
    (change(DELIVERY, id="1"), DELIVERY),
    *each_field(DELIVERY),
    (change(DELIVERY, rows=4), DELIVERY),
    (change(DELIVERY, requested_at="2026-03-02T08:00:00+00:00"), f"{DELIVERY} is of another time"),
    (change(DELIVERY, more=1), f"{DELIVERY} is not written"),
    (change(DELIVERY, sha256="00" * 32), f"{DELIVERY} is not the one whose digest"),
    (left_out(DELIVERY, "salts"), f"{DELIVERY} is not the one whose digest"),
    (change(DELIVERY, salts=SALTS | {"another": "5a" * 32}), f"{DELIVERY} has a salt of no entry"),
    *((change(DELIVERY, salts=SALTS | {each: "a5" * 32}), f"{DELIVERY} is not the one") for each in SALTS),
    (dropped("delivery.requested"), f"{DELIVERY} has no entry that it was asked for"),
    (dropped("delivery.prepared"), DELIVERY),
    (dropped("release."), f"{DELIVERY} has no entries of its release/1"),
    (dropped("release.completed"), f"{DELIVERY} has no entries of its release/1"),
    (dropped("grant.opened"), GRANT),
    (dropped("key."), KEYS),
    (dropped("agreement.proposed"), AGREEMENT),
    (dropped("agreement.signed"), SIGNATURES),
    (dropped("agreement.in_force"), AGREEMENT),
    (dropped("application.answered"), ANSWER),
    (dropped("delivery.acknowledged"), f"{DELIVERY} is in another state"),
    *each_field(GRANT),
    (change(GRANT, items=["a", "b"]), f"{GRANT} differs in items"),
    (change(GRANT, quota_rows=None), f"{GRANT} is not the one whose digest"),
    (
        change(GRANT, row_condition={"field": "a", "operator": "eq", "values": ["1"]}),
        f"{GRANT} differs in row_condition",
    ),
    (left_out(GRANT, "salt"), f"{GRANT} is not the one whose digest"),
    (without(GRANT), GRANT),
    *each_field(ANSWER),
    (
        change(ANSWER, items=[{"field_name": "a", "decision": "REFUSED"}]),
        f"{ANSWER} is of another application or decides",
    ),
    (change(ANSWER, items=5), ANSWER),
    (without(ANSWER), f"{ANSWER} is missing"),
    (put(AGREEMENT, lambda _: canonical_bytes({"number": "XY-1", "clauses": []})), AGREEMENT),
    (change(AGREEMENT, clauses=["公开"]), f"{SIGNATURES} has a signature that is not right"),
    (without(AGREEMENT), AGREEMENT),
    (without(SIGNATURES), SIGNATURES),
    (no_agreement, f"{GRANT} is not the one whose digest"),
    (swap_signatures, SIGNATURES),
    (change(SIGNATURES, signatures=[]), SIGNATURES),
    (change(SIGNATURES, signatures=[{"key": 1}]), SIGNATURES),
    (change(SIGNATURES, signatures=[{"key": ["x"], "signature": "", "signed_at": MOMENT}]), SIGNATURES),
    (one_side_twice, f"{SIGNATURES} are not those of the grant's two sides"),
    (change(KEYS, agencies=[]), SIGNATURES),
    (change(KEYS, agencies=[{"public_key": "AAAA", "fingerprint": "0"}]), KEYS),
    (change(KEYS, agencies=["x"]), KEYS),
    (renamed_agencies, f"{KEYS} is not written as a bundle has it"),
    (change(KEYS, log=["other.example/log+00000000+AAAA"]), f"{KEYS} has other keys of the log"),
    *each_field(RECEIPT),
    (change(RECEIPT, sha256="00" * 32), f"{RECEIPT} is not the one whose digest"),
    (left_out(RECEIPT, "salt"), f"{RECEIPT} is not the one whose digest"),
    (change(RECEIPT, receipt={"verdict": "REJECTED"}), RECEIPT),
    (without(RECEIPT), RECEIPT),
    (put(RECEIPT, lambda _: b"[]"), RECEIPT),
    (put(DELIVERY, lambda _: b"{"), DELIVERY),
]


@pytest.mark.parametrize(("act", "said"), FALSIFIED)
def test_a_hub_that_signs_what_its_log_does_not_say_is_caught(act: Act, said: str) -> None:
    parts = made()
    act(parts.files)
    answer = rejected(parts.packed())
    assert f"does not hold: {said}" in answer, answer


def test_another_grant_with_its_own_proven_entry_is_not_that_of_the_delivery() -> None:
    files, entries = made_parts()
    other = orjson.loads(files[GRANT]) | {"number": "SX-2"}
    opened = next(each for each in entries if each["type"] == "cn.shuniu.grant.opened")
    opened["data"]["after"]["number"] = "SX-2"
    files[GRANT] = canonical_bytes(other)
    parts = Made(files | proved([canonical_bytes(each) for each in entries]))
    assert f"{GRANT} is another than the delivery's" in rejected(parts.packed())
    parts.files[DELIVERY] = canonical_bytes(orjson.loads(files[DELIVERY]) | {"grant": "SX-2"})
    assert f"{DELIVERY} is under another grant" in rejected(parts.packed())


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_hub_signed_bundle_of_any_shape_holds_or_is_refused(data: st.DataObject) -> None:
    parts = made()
    name = data.draw(st.sampled_from(sorted(one for one in parts.files if one.endswith(".json") and "/0" not in one)))
    read = orjson.loads(parts.files[name])
    holder: Any = read
    while True:
        keys = sorted(holder) if isinstance(holder, dict) else range(len(holder))
        at = data.draw(st.sampled_from(list(keys)))
        if isinstance(holder[at], dict | list) and holder[at] and data.draw(st.booleans()):
            holder = holder[at]
            continue
        break
    value = data.draw(st.one_of(st.none(), st.integers(), st.text(), st.just([]), st.just({}), st.just([[1]])))
    holder[at] = value
    parts.files[name] = orjson.dumps(read, option=orjson.OPT_SORT_KEYS) if _writable(read) else b"{}"
    with contextlib.suppress(InvalidInput):
        check(parts.packed())
        assert orjson.loads(parts.files[name]) == orjson.loads(made().files[name])


def _writable(read: object) -> bool:
    try:
        orjson.dumps(read)
    except TypeError:
        return False
    return True


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
