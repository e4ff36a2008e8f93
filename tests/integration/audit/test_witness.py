"""A witness as an agency runs it: a process of its own, killed and started again."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.checkpoint import Checkpoint
from audit.keys import SigningKey
from audit.merkle import consistency_proof, leaf_hash, root
from audit.note import Note
from audit.tiles import extend, reader
from audit.witness.keeping import origin_hash
from audit.witness.submission import LARGEST_BODY, Submission

ORIGIN = "hub.example/log"
KEY = SigningKey(ORIGIN, bytes(range(32)))
LEAVES = [leaf_hash(bytes([number])) for number in range(100)]
TILES = extend({}, 0, LEAVES)


class Running:
    """A witness's process in a folder, with nothing of a hub in its environment."""

    def __init__(self, folder: Path, keys: str) -> None:
        self.folder = folder
        (folder / "log-keys.txt").write_text(keys)
        self.port = 0
        self.start()

    def start(self) -> None:
        """Start it, on the port that it had, and wait until it listens."""
        given = f"--folder w --name witness.example/w1 --log log-keys.txt --port {self.port}".split()
        environ = {"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parents[3])}
        command = [sys.executable, "-m", "portal.cli.main", "witness", *given]
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self.process.stdout
        found = re.search(r"listens on port (\d+) of 127\.0\.0\.1", self.process.stdout.readline())
        assert found
        self.port = int(found[1])

    def end(self, number: signal.Signals) -> int:
        """End it with a signal; its exit status."""
        self.process.send_signal(number)
        status = self.process.wait(10)
        assert self.process.stdout
        self.process.stdout.close()
        return status

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def submit(self, body: bytes) -> tuple[int, str]:
        """Status and body that it answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/add-checkpoint", body, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    witness = Running(tmp_path, f"{KEY.verifier}\n{KEY.second.verifier}\n")
    yield witness
    if witness.process.poll() is None:
        assert witness.end(signal.SIGTERM) == 0


def submission(old: int, new: int, leaves: list[bytes] = LEAVES) -> bytes:
    tiles = extend({}, 0, leaves)
    proof = consistency_proof(old, new, reader(lambda level, number: tiles[level, number]))
    note = Note(str(Checkpoint(ORIGIN, new, root(leaves[:new])))).signed(KEY)
    return str(Submission(old, tuple(proof), str(note))).encode()


def test_it_answers_many_times_on_one_connection_and_outlives_bad_requests(running: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    answers = []
    for method, path, body in (
        ("POST", "/add-checkpoint", b"old"),
        ("POST", "/elsewhere", b""),
        ("GET", "/x/checkpoint", None),
        ("GET", f"/{origin_hash(ORIGIN)}/checkpoint", None),
        ("PUT", "/add-checkpoint", b""),
    ):
        connection.request(method, path, body)
        answer = connection.getresponse()
        answer.read()
        answers.append(answer.status)
    assert answers == [400, 404, 404, 404, 501]
    assert running.submit(b"x" * (LARGEST_BODY + 1))[0] == 400
    with socket.create_connection(("127.0.0.1", running.port)) as raw:
        raw.sendall(b"\x00\xff nonsense\r\n\r\n")
    assert running.submit(submission(0, 1))[0] == 200
