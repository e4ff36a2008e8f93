"""The page of evidence shows which witnesses agree, and says in red when one contradicts the log."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.clock import system_now
from adapters.database import transaction
from audit.keys import Cosigner
from audit.witness import standing
from audit.witness.collect import key_hash
from audit.witness.models import LogWitness
from directory.people.roles import Role
from portal.edge import Portal
from tests.integration.portal.conftest import Browser, People

Opened = Callable[..., Browser]
KEYS = [Cosigner("w", Ed25519PrivateKey.from_private_bytes(bytes([place] * 32))).verifier for place in (1, 2)]


@pytest.fixture
def policy(tmp_path: Path) -> Iterator[None]:
    path = tmp_path / "policy"
    path.write_text(f"witness water {KEYS[0]}\nwitness court {KEYS[1]}\ngroup one any water court\nquorum one\n")
    standing.configure(str(path))
    yield
    standing.configure("")


def say(portal: Portal, place: int, size: int, problem: str) -> None:
    """Put down what a witness said."""
    now = system_now()
    with transaction(portal.settings.app_database_url) as session:
        row = LogWitness(key_hash=key_hash(KEYS[place]), name="w", size=size, agreed_at=now, problem=problem)
        row.problem_since = now if problem else None
        session.merge(row)


def test_agreement_and_contradiction_are_shown(portal: Portal, people: People, browser: Opened, policy: None) -> None:
    auditor = browser(people.logins[Role.AUDITOR])
    auditor.post("/language", {"language": "en"})
    assert "has not agreed yet" in auditor.get("/evidence/").get_data(as_text=True)
    say(portal, 0, 4_321, "")
    say(portal, 1, 4_000, "AWAY")
    page = auditor.get("/evidence/").get_data(as_text=True)
    assert "Enough witnesses agree to the first 4,321 entries" in page
    assert "agrees to 4,321 entries since" in page
    assert "does not answer" in page
    assert "text-danger" not in page
    assert "alert-danger" not in page
    say(portal, 0, 4_321, "REFUSED")
    page = auditor.get("/evidence/").get_data(as_text=True)
    assert "Enough witnesses agree to the first 4,000 entries" in page
    assert "alert-danger" in page
    assert "contradicts the log since" in page
    assert "contradicts the log since" in auditor.get("/").get_data(as_text=True)
    auditor.post("/language", {"language": "zh_Hans_CN"})
    assert "见证" in auditor.get("/evidence/").get_data(as_text=True)


def test_without_a_policy_the_panel_says_that_no_witness_watches(people: People, browser: Opened) -> None:
    shown = browser(people.logins[Role.AUDITOR]).get("/evidence/").get_data(as_text=True)
    assert "没有见证方监督本日志。" in shown
    assert "足够多的见证" not in shown
