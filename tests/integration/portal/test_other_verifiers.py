"""Verifiers that others wrote agree with ours: on checkpoints, tiles, and all of a bundle.

One is tlog-scales; the second is pymerkle for the tree, hashlib for digests and openssl for every Ed25519 signature: on
manifest, checkpoint, agreement and receipt, and a witness's.
"""

import base64
import hashlib
import io
import json
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from flask.testing import FlaskClient
from pymerkle import InclusionProof as SecondProof
from pymerkle import InmemoryTree, InvalidProof, verify_inclusion
from sqlalchemy import select
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash
from tlog_scales.tlog import Checkpoint, InclusionProof, InclusionProofInvalid

from audit.actor import HUB
from audit.append import append
from audit.bundle import AGREEMENT, ANSWER, CHECKPOINT, DELIVERY, GRANT, KEYS, MANIFEST, RECEIPT, SIGNATURES
from audit.keys import SigningKey
from audit.log_keys import log_keys
from audit.models import EvidenceText, LogLeaf
from audit.proof import prove
from audit.witness import collect, standing
from audit.witness.call import Reply
from audit.witness.cosign import Witness
from audit.witness.policy import PolicyWitness
from tests.integration.portal.test_api_evidence import numbered
from tests.integration.portal.test_bundles import delivered, received
from tests.integration.portal.world import World


class Served:
    """The log as the hub serves it to everybody, for their reader."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, *path: str) -> bytes | None:
        """What lies at a path of C2SP tlog-tiles."""
        answer = self.client.get(f"/api/v1/log/{'/'.join(path)}")
        return answer.get_data() if answer.status_code == 200 else None


def log_key(world: World) -> SigningKey:
    settings = world.portal.settings
    return SigningKey.from_setting(settings.log_origin, settings.log_key)


def keys_of(world: World) -> list[Vkey]:
    key = log_key(world)
    return [Vkey.from_string(str(each)) for each in (key.verifier, key.second.verifier)]


def their_proof(text: bytes, size: int) -> InclusionProof:
    """A tlog-proof file, taken apart without our code."""
    lines = text.decode().partition("\n\n")[0].split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    return InclusionProof(int(lines[1].removeprefix("index ")), size, [base64.b64decode(line) for line in lines[2:]])


@pytest.fixture
def witness(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Witness]:
    """A witness that the site's policy asks for; it answers without a network."""
    keys = log_keys(world.portal.settings)
    made = Witness(tmp_path / "witness", "witness.example/w1", keys.checkpoint_keys)

    def answered(url: str, body: str) -> Reply:
        answer = made.add_checkpoint(body.encode())
        return Reply(answer.status, answer.body)

    monkeypatch.setattr(collect, "call", answered)
    policy = tmp_path / "policy"
    policy.write_text(f"witness w {made.cosigners[0].verifier}\nquorum w\n")
    standing.configure(str(policy))
    yield made
    standing.configure("")
    made.close()


def test_both_agree_with_the_hubs_tiles_and_with_a_bundle(world: World, witness: Witness, tmp_path: Path) -> None:
    the_tiles_that_the_hub_serves_give_its_checkpoint_and_every_proof(world)
    files = the_files_of_a_full_bundle(world, witness)
    the_proofs_of_a_bundle_hold_for_their_entries_alone(world, files)
    tree = a_second_tree_of_the_entries_is_that_of_the_tiles(world, Checkpoint.from_text(files[CHECKPOINT].decode()))
    a_second_verifier_accepts_the_bundle_and_none_with_a_change(files, tree)
    the_manifest_lists_each_file_with_its_digest(files, world.portal.settings.log_origin)
    who_holds_the_file_proves_it_by_the_salts_alone(files)
    openssl = OpenSsl(tmp_path)
    openssl_verifies_manifest_and_checkpoint_by_the_logs_keys_and_the_witness(world, witness, files, openssl)
    openssl_verifies_what_the_agencies_signed(files, openssl)


def the_tiles_that_the_hub_serves_give_its_checkpoint_and_every_proof(world: World) -> None:
    for number in range(300):
        append(world.session, "test.written", f"test/{number}", HUB)
    world.session.commit()
    numbered(world)
    reader = TilesReader(Served(world.portal.test_client()))
    checkpoint = reader.get_checkpoint()
    for key in keys_of(world):
        checkpoint.verify(key)
    assert checkpoint.size > 300
    assert reader.calculate_root_hash() == checkpoint.root_hash
    with pytest.raises(InvalidSignature):
        replace(checkpoint, size=checkpoint.size + 1).verify(keys_of(world)[0])


def the_files_of_a_full_bundle(world: World, witness: Witness) -> dict[str, bytes]:
    """A delivery's bundle with agreement and receipt, under a checkpoint that the witness cosigned."""
    delivery = delivered(world)
    received(world, delivery)
    numbered(world)
    named = PolicyWitness("w", witness.cosigners[0].verifier, "http://witness.example")
    assert collect.tend(world.portal.settings.app_database_url, named) == ""
    taken = world.asks.get(f"/api/v1/deliveries/{delivery.id}/evidence")
    with zipfile.ZipFile(io.BytesIO(taken.get_data())) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert {MANIFEST, CHECKPOINT, KEYS, DELIVERY, GRANT, AGREEMENT, SIGNATURES, ANSWER, RECEIPT} <= files.keys()
    return files


def the_proofs_of_a_bundle_hold_for_their_entries_alone(world: World, files: dict[str, bytes]) -> None:
    checkpoint = Checkpoint.from_text(files[CHECKPOINT].decode())
    for key in keys_of(world):
        checkpoint.verify(key)
    kinds = set()
    for entry, proof in proven(files, checkpoint.size):
        proof.check(leaf_hash(entry), checkpoint.root_hash)
        with pytest.raises(InclusionProofInvalid):
            proof.check(leaf_hash(entry + b" "), checkpoint.root_hash)
        kinds.add(json.loads(entry)["type"].removeprefix("cn.shuniu."))
    assert {"agreement.signed", "grant.opened", "release.completed", "delivery.acknowledged", "key.registered"} <= kinds


def proven(files: dict[str, bytes], size: int) -> Iterator[tuple[bytes, InclusionProof]]:
    """All entries of a bundle, each with its proof."""
    entries = {name: data for name, data in files.items() if name.startswith("entries/")}
    assert len(entries) == sum(name.startswith("proofs/") for name in files) > 10
    for name, entry in entries.items():
        yield entry, their_proof(files[name.replace("entries/", "proofs/").replace(".json", ".tlog-proof")], size)


def a_second_tree_of_the_entries_is_that_of_the_tiles(world: World, checkpoint: Checkpoint) -> InmemoryTree:
    """Their tree, grown from the entries' texts alone, has the checkpoint's root, our tiles' hashes and our proofs."""
    texts = (
        select(EvidenceText.body)
        .join(LogLeaf, LogLeaf.evidence_id == EvidenceText.evidence_id)
        .where(LogLeaf.leaf_index < checkpoint.size)
        .order_by(LogLeaf.leaf_index)
    )
    tree = InmemoryTree(algorithm="sha256")
    for body in world.session.scalars(texts):
        tree.append_entry(body)
    assert tree.get_size() == checkpoint.size
    assert tree.get_root() == checkpoint.root_hash
    tile = Served(world.portal.test_client()).get("tile", "0", "000")
    assert tile == b"".join(tree.get_leaf(number) for number in range(1, 257))
    for index in (0, 1, 255, 256, checkpoint.size - 1):
        assert list(prove(world.session, index).path) == tree.prove_inclusion(index + 1).path[1:]
    return tree


def a_second_verifier_accepts_the_bundle_and_none_with_a_change(files: dict[str, bytes], tree: InmemoryTree) -> None:
    checkpoint = Checkpoint.from_text(files[CHECKPOINT].decode())
    for entry, proof in proven(files, checkpoint.size):
        number, leaf = proof.leaf_index + 1, leaf_hash(entry)
        rule = tree.prove_inclusion(number, checkpoint.size).rule
        held = SecondProof("sha256", True, checkpoint.size, number, rule, [leaf, *proof.node_hashes])
        verify_inclusion(leaf, checkpoint.root_hash, held, index=number, size=checkpoint.size)
        other = leaf_hash(entry + b" ")
        changed = SecondProof("sha256", True, checkpoint.size, number, rule, [other, *proof.node_hashes])
        with pytest.raises(InvalidProof):
            verify_inclusion(other, checkpoint.root_hash, changed, index=number, size=checkpoint.size)


def the_manifest_lists_each_file_with_its_digest(files: dict[str, bytes], origin: str) -> None:
    text = files[MANIFEST].decode().partition("\n\n")[0]
    context, log, delivery, *listed = text.split("\n")
    known = json.loads(files[DELIVERY])["id"]
    assert (context, log, delivery) == ("shuniu evidence bundle, version 1", origin, f"delivery {known}")
    others = {name: data for name, data in files.items() if name != MANIFEST}
    assert listed == [f"{hashlib.sha256(data).hexdigest()} {name}" for name, data in sorted(others.items())]


def who_holds_the_file_proves_it_by_the_salts_alone(files: dict[str, bytes]) -> None:
    delivery = json.loads(files[DELIVERY])
    said = [json.loads(data) for name, data in files.items() if name.startswith("entries/")]
    stated = {each["id"]: each["data"]["after"]["content"] for each in said if each["id"] in delivery["salts"]}
    document = f'{{"sha256":"{delivery["sha256"]}"}}'.encode()
    found = {one: hashlib.sha256(bytes.fromhex(salt) + document) for one, salt in delivery["salts"].items()}
    assert {one: each.hexdigest() for one, each in found.items()} == stated
    assert len({*stated.values()}) == len(stated) == 2, "equal files do not look alike"
    assert not any(delivery["sha256"] in json.dumps(each) for each in said)


class OpenSsl:
    """The openssl command, which verifies Ed25519 signatures."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def holds(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """Whether a signature (64 bytes) is a key's (32 bytes) on a message."""
        header = bytes.fromhex("302a300506032b6570032100")
        for name, data in (("key.der", header + public), ("text", message), ("signature", signature)):
            (self.folder / name).write_bytes(data)
        command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in text -sigfile signature"
        done = subprocess.run(command.split(), cwd=self.folder, capture_output=True, check=False, timeout=60)
        assert done.returncode in {0, 1}, done.stderr
        return done.returncode == 0

    def holds_for_this_alone(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """The same, and for no other message."""
        return self.holds(public, message, signature) and not self.holds(public, message + b"\n", signature)


def line_of(note: str, verifier: str) -> tuple[bytes, bytes, bytes]:
    """A note's text, the public key that a verifier key states, and what the key's one line on the note carries."""
    name, stated, encoded = verifier.split("+", 2)
    key = base64.b64decode(encoded)
    identity = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    assert identity.hex() == stated
    text, _, lines = note.partition("\n\n")
    carried = [base64.b64decode(line.split(" ")[2]) for line in lines.splitlines() if line.split(" ")[1] == name]
    [value] = [each[4:] for each in carried if each[:4] == identity]
    return f"{text}\n".encode(), key[1:], value


def openssl_verifies_manifest_and_checkpoint_by_the_logs_keys_and_the_witness(
    world: World, witness: Witness, files: dict[str, bytes], openssl: OpenSsl
) -> None:
    ours, second, promises = str(log_keys(world.portal.settings)).splitlines()
    assert {ours, second, promises} <= set(json.loads(files[KEYS])["log"])
    for name, verifier in ((MANIFEST, promises), (CHECKPOINT, ours)):
        text, public, signature = line_of(files[name].decode(), verifier)
        assert openssl.holds_for_this_alone(public, text, signature)
    text, public, value = line_of(files[CHECKPOINT].decode(), str(witness.cosigners[0].verifier))
    moment, signature = int.from_bytes(value[:8], "big"), value[8:]
    message = f"cosignature/v1\ntime {moment}\n".encode() + text
    assert openssl.holds_for_this_alone(public, message, signature)
    assert not openssl.holds(public, f"cosignature/v1\ntime {moment + 1}\n".encode() + text, signature)


def openssl_verifies_what_the_agencies_signed(files: dict[str, bytes], openssl: OpenSsl) -> None:
    """Agreement and receipt; that a key is an agency's is said by a proven entry."""
    said = [json.loads(data) for name, data in files.items() if name.startswith("entries/")]
    registered = [each["data"]["after"] for each in said if each["type"] == "cn.shuniu.key.registered"]
    keys = {hashlib.sha256(each["public_key"].encode()).hexdigest(): each for each in registered}
    signatures = json.loads(files[SIGNATURES])["signatures"]
    assert len({keys[each["key"]]["agency_id"] for each in signatures}) == 2
    receipt = json.loads(files[RECEIPT])
    stated = json.dumps(receipt["receipt"], ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert receipt["receipt"]["package_sha256"] == json.loads(files[DELIVERY])["sha256"]
    for message, each in [(files[AGREEMENT], one) for one in signatures] + [(stated, receipt)]:
        public = base64.b64decode(keys[each["key"]]["public_key"])
        assert openssl.holds_for_this_alone(public, message, base64.b64decode(each["signature"]))
