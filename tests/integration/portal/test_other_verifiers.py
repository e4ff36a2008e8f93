"""Verifiers that others wrote agree with ours: on checkpoints, tiles, and the proofs of a bundle.

One is tlog-scales; the second is pymerkle for the tree and openssl for the signature.
"""

import base64
import subprocess
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
from audit.bundle import CHECKPOINT, unpack
from audit.keys import SigningKey, VerifierKey
from audit.models import EvidenceText, LogLeaf
from audit.proof import prove
from exchange.deliveries.models import FileFormat
from exchange.deliveries.request import request
from schemas.words import Mode
from tests.integration.portal.test_api_evidence import numbered
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


def test_both_agree_with_the_hubs_tiles_and_with_a_bundle(world: World, tmp_path: Path) -> None:
    the_tiles_that_the_hub_serves_give_its_checkpoint_and_every_proof(world)
    files = the_proofs_of_a_bundle_hold_for_their_entries_alone(world)
    tree = a_second_tree_of_the_entries_is_that_of_the_tiles(world, Checkpoint.from_text(files[CHECKPOINT].decode()))
    a_second_verifier_accepts_the_bundle_and_none_with_a_change(files, tree)
    openssl_verifies_the_checkpoint(log_key(world).verifier, files[CHECKPOINT].decode(), tmp_path)


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


def the_proofs_of_a_bundle_hold_for_their_entries_alone(world: World) -> dict[str, bytes]:
    asked = {"purpose": world.granted.purpose, "matter": "办件-17"}
    grant_id = world.granted.id
    made = request(world.session, world.case.asks, grant_id=grant_id, mode=Mode.FILES, format=FileFormat.CSV, **asked)
    world.session.commit()
    numbered(world)
    files = unpack(world.asks.get(f"/api/v1/deliveries/{made.id}/evidence").get_data())
    checkpoint = Checkpoint.from_text(files[CHECKPOINT].decode())
    for key in keys_of(world):
        checkpoint.verify(key)
    for entry, proof in proven(files, checkpoint.size):
        proof.check(leaf_hash(entry), checkpoint.root_hash)
        with pytest.raises(InclusionProofInvalid):
            proof.check(leaf_hash(entry + b" "), checkpoint.root_hash)
    return files


def proven(files: dict[str, bytes], size: int) -> Iterator[tuple[bytes, InclusionProof]]:
    """The three entries of a bundle, each with its proof."""
    entries = {name: data for name, data in files.items() if name.startswith("entries/")}
    assert len(entries) == 3
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


def openssl_verifies_the_checkpoint(key: VerifierKey, note: str, folder: Path) -> None:
    """The log's Ed25519 signature holds for the note's text, and for no other."""
    text, _, signatures = note.partition("\n\n")
    own = next(line for line in signatures.splitlines() if base64.b64decode(line.split(" ")[2])[:4] == key.identity)
    (folder / "signature").write_bytes(base64.b64decode(own.split(" ")[2])[4:])
    (folder / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + key.public)
    for body, status in ((f"{text}\n", 0), (f"{text}\nmore\n", 1)):
        (folder / "text").write_text(body)
        command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in text -sigfile signature"
        done = subprocess.run(command.split(), cwd=folder, capture_output=True, check=False, timeout=60)
        assert done.returncode == status, done.stderr
