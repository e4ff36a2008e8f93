"""A verifier that others wrote (tlog-scales) agrees with ours: on checkpoints, tiles, and the proofs of a bundle."""

import base64
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidSignature
from flask.testing import FlaskClient
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash
from tlog_scales.tlog import Checkpoint, InclusionProof, InclusionProofInvalid

from audit.actor import HUB
from audit.append import append
from audit.bundle import CHECKPOINT, unpack
from audit.keys import SigningKey
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


def keys_of(world: World) -> list[Vkey]:
    settings = world.portal.settings
    key = SigningKey.from_setting(settings.log_origin, settings.log_key)
    return [Vkey.from_string(str(each)) for each in (key.verifier, key.second.verifier)]


def their_proof(text: bytes, size: int) -> InclusionProof:
    """A tlog-proof file, taken apart without our code."""
    lines = text.decode().partition("\n\n")[0].split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    return InclusionProof(int(lines[1].removeprefix("index ")), size, [base64.b64decode(line) for line in lines[2:]])


def test_it_agrees_with_the_hubs_tiles_and_with_a_bundle(world: World) -> None:
    the_tiles_that_the_hub_serves_give_its_checkpoint_and_every_proof(world)
    the_proofs_of_a_bundle_hold_for_their_entries_alone(world)


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


def the_proofs_of_a_bundle_hold_for_their_entries_alone(world: World) -> None:
    asked = {"purpose": world.granted.purpose, "matter": "办件-17"}
    grant_id = world.granted.id
    made = request(world.session, world.case.asks, grant_id=grant_id, mode=Mode.FILES, format=FileFormat.CSV, **asked)
    world.session.commit()
    numbered(world)
    files = unpack(world.asks.get(f"/api/v1/deliveries/{made.id}/evidence").get_data())
    checkpoint = Checkpoint.from_text(files[CHECKPOINT].decode())
    for key in keys_of(world):
        checkpoint.verify(key)
    entries = {name: data for name, data in files.items() if name.startswith("entries/")}
    assert len(entries) == 3
    for name, entry in entries.items():
        text = files[name.replace("entries/", "proofs/").replace(".json", ".tlog-proof")]
        proof = their_proof(text, checkpoint.size)
        proof.check(leaf_hash(entry), checkpoint.root_hash)
        with pytest.raises(InclusionProofInvalid):
            proof.check(leaf_hash(entry + b" "), checkpoint.root_hash)
