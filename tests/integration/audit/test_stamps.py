"""Hourly checkpoints get time-stamps from a real authority (`openssl ts`); what is wrong with one is named."""

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.clock import system_now
from adapters.errors import InvalidInput
from adapters.settings import Settings
from audit.log_keys import log_keys
from audit.report import Report
from audit.stamps.run import stamp
from audit.stamps.token import Authority
from audit.stamps.verify import verify_stamps
from audit.store.place import Place
from audit.store.run import Publisher
from portal.cli.main import shuniu
from tests.integration.audit.conftest import Log

POLICY = "1.2.3.4.1"
CONFIGURATION = f"""
[tsa]
default_tsa = here
[here]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = {POLICY}
digests = sha256
ess_cert_id_alg = sha256
"""
EXTENSIONS = "extendedKeyUsage=critical,timeStamping\nbasicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\n"


class Openssl:
    """An authority in a folder: a root, a certificate for stamping, and a server that answers with `openssl ts`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.status = folder, 200
        (folder / "tsa.conf").write_text(CONFIGURATION)
        (folder / "serial").write_text("01")
        (folder / "extensions").write_text(EXTENSIONS)
        self._run("req -x509 -newkey ed25519 -nodes -keyout root.key -out root.pem -days 30 -subj /CN=root")
        self._run("req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /CN=stamps")
        self._run("x509 -req -in tsa.csr -CA root.pem -CAkey root.key -days 30 -extfile extensions -out tsa.pem")
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/timestamp-query"
                reply = authority.answer(query)
                self.send_response(authority.status)
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "SHUNIU_TSA_URL": f"http://127.0.0.1:{self.server.server_port}/",
            "SHUNIU_TSA_CERTIFICATES": str(self.folder / "root.pem"),
            "SHUNIU_TSA_POLICY": POLICY,
        }

    def answer(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        self._run("ts -reply -queryfile query -config tsa.conf -section here -out reply")
        return (self.folder / "reply").read_bytes()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _run(self, words: str) -> None:
        subprocess.run(["openssl", *words.split()], cwd=self.folder, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Openssl]:
    made = Openssl(tmp_path_factory.mktemp("tsa") / "a")
    yield made
    made.close()


def kept(log: Log, authority: Openssl) -> Settings:
    """A log whose checkpoint of this hour is kept."""
    log.write(5)
    log.sequence()
    settings = Log(log.environment | authority.environment).settings
    Publisher(settings, Place.of(settings)).step()
    return settings


def verified(log: Log, settings: Settings) -> Report:
    report = Report("")
    with log.session("app") as session:
        verify_stamps(session, Authority.of(settings), log_keys(settings), report)
    return report


def test_an_hourly_checkpoint_is_stamped_once_and_its_stamp_verifies_anywhere(
    log: Log, authority: Openssl, tmp_path: Path
) -> None:
    settings = kept(log, authority)
    trusted = Authority.of(settings)
    assert trusted is not None
    before = datetime.now(UTC) - timedelta(seconds=2)
    made = stamp(settings, trusted)
    assert made is not None
    assert made.stamped_at is not None
    assert before < made.stamped_at <= system_now() + timedelta(seconds=2)
    assert stamp(settings, trusted) is None
    report = verified(log, settings)
    assert (report.ok, report.stamps) == (True, 1)
    assert verified(log, replace(settings, tsa_url="", tsa_certificates="")).unchecked_stamps == 1

    locked = Place.of(settings).locked
    files = {
        version.key.rsplit(".", 1)[1]: locked.read(version.key)
        for version in locked.versions(f"{settings.log_prefix}/stamps/")
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    root = authority.environment["SHUNIU_TSA_CERTIFICATES"]
    command = ["openssl", "ts", "-verify", "-data", "checkpoint", "-in", "tsr", "-CAfile", root]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verification: OK" in said.stdout, said.stderr
    given = ["audit", "check", str(tmp_path / "tsr"), str(tmp_path / "checkpoint"), "--key", str(log_keys(settings))]
    done = CliRunner().invoke(shuniu, [*given, "--tsa-certificates", root])
    assert "the log had its first 5 entries, as they are, by 20" in done.output, done.exception
    assert isinstance(CliRunner().invoke(shuniu, given).exception, InvalidInput)
