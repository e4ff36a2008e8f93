"""Every command in the documents works, or is the very one that another test runs from end to end.

A command that appears in a document and is not known here fails a test.
"""

import base64
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import click
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from adapters.clock import system_now
from adapters.settings import Settings
from audit.keys import ED25519_COSIGNATURE, ML_DSA_44, SigningKey, VerifierKey
from audit.sequence import sequence
from directory.keys.signing import proof_text, public_text, verifies
from exchange.modes.offline import pack_files
from exchange.modes.package import PackageFacts
from portal.cli.main import shuniu as command

ROOT = Path(__file__).parents[3]
DOCUMENTS = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
ELSEWHERE = {
    "make demo": ("integration/hub/test_demo.py", "test_every_step_of_the_story_does_what_it_should"),
    "make bench": ("unit/bench/test_figures.py", ""),
    "make test": ("../.ci/run", ""),
    "shuniu up": ("integration/hub/test_up.py", "test_own_services_replace_the_embedded_ones"),
    "shuniu witness --folder witness --log log-keys.txt": (
        "prove/test_witness_process.py",
        "test_a_killed_witness_keeps_its_promise",
    ),
    "shuniu down": ("integration/hub/test_up.py", "test_own_services_replace_the_embedded_ones"),
}
"""Commands that take long, and the tests that run what they run."""


def lines() -> list[str]:
    """Every command of every fenced `sh` block, continued lines joined, each once."""
    blocks = [block for path in DOCUMENTS for block in FENCE.findall(path.read_text(encoding="utf-8"))]
    found = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return list(dict.fromkeys(line for line in found if line))


def inline(word: str) -> set[str]:
    """Commands inside sentences: `make lint`, `shuniu audit verify --kept`."""
    texts = [path.read_text(encoding="utf-8") for path in DOCUMENTS]
    return {found for text in texts for found in re.findall(rf"`({word} [^`]+)`", text)}


def run(folder: Path, environ: dict[str, str], line: str, status: int = 0) -> str:
    """Run one documented line in a folder, and return what it printed."""
    done = subprocess.run(
        ["/bin/bash", "-euc", line],
        cwd=folder,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == status, (line, done.stdout, done.stderr)
    return done.stdout


def test_every_command_of_the_documents_is_tested() -> None:
    known: list[Callable[[str], bool]] = [
        ELSEWHERE.__contains__,
        lambda line: line.startswith("export "),
        lambda line: line.startswith(("shuniu setup ", "shuniu audit ", "shuniu key ", "shuniu offline ")),
        "shuniu status --json".__eq__,
        lambda line: line.startswith("shuniu witness ") and line.endswith(" --keys"),
    ]
    assert [line for line in lines() if not any(knows(line) for knows in known)] == []


def test_tests_that_stand_in_for_a_command_exist() -> None:
    for line, (path, name) in ELSEWHERE.items():
        assert line in lines(), f"{line} is in no document any more"
        text = (ROOT / "tests" / path).read_text(encoding="utf-8")
        assert not name or f"def {name}(" in text, line
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "calls"),
    [
        ("make demo", [".venv/bin/shuniu demo "]),
        ("make demo ONCE=1", [".venv/bin/shuniu demo --once"]),
        ("make up", [".venv/bin/shuniu up"]),
        (
            "make test",
            [
                "ruff check",
                "ruff format --check",
                "mypy",
                "lint-imports",
                ".venv/bin/pytest ",
                " tests/unit tests/integration tests/e2e",
            ],
        ),
        ("make prove", [".venv/bin/pytest tests/prove"]),
        ("make bench", [".venv/bin/python -m bench"]),
    ],
)
def test_make_calls_what_it_says(line: str, calls: list[str]) -> None:
    planned = run(ROOT, {}, f"{line} --dry-run") + " "
    for call in calls:
        assert call in planned.replace("\n", " ")


def test_every_target_that_a_document_names_is_listed_by_make_help() -> None:
    named = {shlex.split(line)[1] for line in inline("make")} | {"help"}
    listed = run(ROOT, {}, "make help")
    assert {name for name in named if f"make {name} " not in listed} == set()


def test_every_shuniu_command_that_a_document_names_exists() -> None:
    context = click.Context(command)
    for line in sorted({*inline("shuniu"), *(line for line in lines() if line.startswith("shuniu "))}):
        words = shlex.split(line)[1:]
        here: click.Command | None = command
        while isinstance(here, click.Group) and words and not words[0].startswith("-"):
            here = here.get_command(context, words.pop(0))
        assert here is not None, line
        options = {option for parameter in here.params for option in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= options, line


def test_help_names_every_command(tmp_path: Path) -> None:
    said = run(tmp_path, {}, "shuniu --help")
    assert all(
        name in said for name in ("audit", "demo", "down", "key", "offline", "setup", "status", "step", "up", "witness")
    )
    assert "PACKAGE" in run(tmp_path, {}, "shuniu offline open --help")


def test_status_without_a_hub_says_so(tmp_path: Path) -> None:
    run(tmp_path, {}, "shuniu status --json", status=3)
    assert "shuniu status --json" in lines()


def test_a_witness_makes_its_keys_without_a_hub(tmp_path: Path) -> None:
    [line] = [line for line in lines() if line.startswith("shuniu witness ") and line.endswith(" --keys")]
    first, second = map(VerifierKey.parse, run(tmp_path, {}, line).split())
    assert (first.name, first.kind, second.kind) == ("witness.agency.example", ED25519_COSIGNATURE, ML_DSA_44)


def test_exported_settings_are_the_ones_that_the_hub_reads(tmp_path: Path) -> None:
    exports = "\n".join(line for line in lines() if line.startswith("export "))
    given = dict(line.split("=", 1) for line in run(tmp_path, {}, f"{exports}\nenv").splitlines() if "=" in line)
    settings = Settings.load(given)
    settings.require("database_url", "s3_url", "s3_access_key", "s3_secret_key", "airflow_url", "airflow_token")


def test_first_people_and_the_evidence_log(fresh: dict[str, str], tmp_path: Path) -> None:
    settings = Settings.load(fresh)
    setup = [line for line in lines() if line.startswith("shuniu setup ")]
    [said] = [run(tmp_path, fresh, line) for line in setup]
    assert all(login in said for login in ("tangjie", "jiangmin", "hanxue"))

    key = SigningKey.from_setting(settings.log_origin, settings.log_key)
    with Session(create_engine(settings.sequencer_database_url, poolclass=NullPool)) as session:
        assert sequence(session, key, settings.log_origin) > 0
        session.commit()
    said_by = {line: run(tmp_path, fresh, line) for line in lines() if line.startswith("shuniu audit ")}
    assert {" ".join(line.split()[:3]) for line in said_by} == {
        f"shuniu audit {verb}" for verb in ("state", "key", "verify", "proof", "check")
    }
    assert str(key.verifier) in said_by["shuniu audit key"]
    assert (tmp_path / "0.tlog-proof").exists()


def test_what_an_agency_runs_on_its_own_machine(tmp_path: Path) -> None:
    known = {tuple(line.split()[:3]): line for line in lines() if line.startswith(("shuniu key", "shuniu offline"))}
    run(tmp_path, {}, known.pop(("shuniu", "key", "new")))
    public = dict(line.split() for line in (tmp_path / "keys" / "public.txt").read_text().splitlines())

    challenge = proof_text("11319900DM9000001U", "SIGN", public["SIGN"], "r" * 43)
    (tmp_path / "challenge.txt").write_text(challenge)
    answer = run(tmp_path, {}, known.pop(("shuniu", "key", "prove")))
    assert verifies(public["SIGN"], challenge.encode(), base64.b64decode(answer))

    (tmp_path / "agreement.json").write_bytes(b"{}")
    signature = run(tmp_path, {}, known.pop(("shuniu", "key", "sign")))
    assert verifies(public["SIGN"], b"{}", base64.b64decode(signature))

    hub = Ed25519PrivateKey.generate()
    (tmp_path / "hub-key.txt").write_text(public_text(hub))
    (tmp_path / "package.shuniu").write_bytes(_package(tmp_path, public["RECEIVE"], hub))
    said = run(tmp_path, {}, known.pop(("shuniu", "offline", "open")))
    assert "3 rows" in said
    receipt = orjson.loads((tmp_path / "package.receipt.json").read_bytes())
    assert receipt["signature"]
    assert known == {}


def _package(folder: Path, recipient: str, hub: Ed25519PrivateKey) -> bytes:
    data = folder / "data.parquet"
    pq.write_table(pa.table({"code": ["1", "2", "3"]}), data)
    scratch = folder / "scratch"
    scratch.mkdir()
    facts = PackageFacts(
        delivery="d",
        number="JF-1",
        sender="hub",
        receiver="11319900DM9000001U",
        recipient=recipient,
        sequence=1,
        previous="",
        grant="SX-1",
        resource="307/000001",
        dataset_version=1,
        items=("code",),
        purpose="p",
        created="2026-01-01T00:00:00Z",
        not_after=(system_now() + timedelta(days=1)).date().isoformat(),
    )
    sink = io.BytesIO()
    pack_files({data: 3}, sink, facts, hub, scratch)
    return sink.getvalue()
