"""What evidence tells of the settings: every one is declared, and nothing that opens a door is told."""

import hashlib
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from adapters.settings import Settings
from portal import public_settings
from portal.public_settings import ADDRESSES, DATABASES, FILES, PLAIN, SECRET, UNREADABLE, public
from portal.starts import DIGEST

GROUPS = (PLAIN, FILES, DATABASES, ADDRESSES, SECRET)
CANARY = "canary-4711"


def test_every_setting_belongs_to_one_group() -> None:
    names = [name for group in GROUPS for name in group]
    assert sorted(names) == sorted(field.name for field in fields(Settings))
    assert DIGEST not in names


def test_a_setting_that_nobody_declared_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert public(Settings(Path("/x"), city_name="江城市"))["city_name"] == "江城市"
    monkeypatch.setattr(public_settings, "PLAIN", PLAIN - {"city_name"})
    assert "city_name" not in public(Settings(Path("/x"), city_name="江城市"))


def test_no_secret_is_told() -> None:
    secrets: dict[str, Any] = dict.fromkeys(SECRET, CANARY)
    at = f"{CANARY}:{CANARY}@db.example"
    secrets |= {name: f"postgresql+psycopg://{at}:5432/city?password={CANARY}" for name in DATABASES}
    secrets |= {name: f"https://{at}:444/path?token={CANARY}#{CANARY}" for name in ADDRESSES}
    told = public(replace(Settings(Path("/x")), **secrets))
    assert CANARY not in json.dumps(told)
    assert {told[name] for name in DATABASES} == {"db.example:5432/city"}
    assert {told[name] for name in ADDRESSES} == {"https://db.example:444/path"}


def test_an_exchanged_secret_has_another_id_that_nobody_guesses_without_the_sealing_key() -> None:
    one = Settings(
        Path("/x"), sealing_key="a" * 44, hub_key=CANARY, log_key=CANARY, database_url="postgresql://u:p@h/d"
    )
    told = public(one)
    assert public(replace(one, city_name="江城市"))["hub_key_id"] == told["hub_key_id"] != told["log_key_id"]
    assert len(told["hub_key_id"]) == 32
    assert told["promise_key_id"] == told["s3_url_id"] == ""
    another: list[dict[str, Any]] = [
        {"hub_key": "another"},
        {"database_url": "postgresql://u:another@h/d"},
        {"sealing_key": "b" * 44},
    ]
    for exchanged in another:
        now = public(replace(one, **exchanged))
        changed = {name for name in now if now[name] != told[name]}
        assert {f"{name}_id" for name in exchanged} <= changed
        assert all(name.endswith("_id") for name in changed)
        assert "sealing_key" in exchanged or len(changed) == 1
    assert {value for name, value in public(replace(one, sealing_key="")).items() if name.endswith("_id")} == {""}


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://{CANARY}",
        f"{CANARY}",
        f"{CANARY}://",
        f"postgresql+psycopg://u:{CANARY}@h:port/db",
        f"https://u:{CANARY}@h:port/",
        f"https://u:{CANARY}@[h/",
        f"u:{CANARY}@h/",
    ],
)
def test_an_address_that_cannot_be_read_is_not_told(address: str) -> None:
    told = public(Settings(Path("/x"), s3_url=address, tsa_url=address))
    assert told["s3_url"] == told["tsa_url"] == (f"postgresql://{CANARY}" if "postgresql://" in address else UNREADABLE)
    if "postgresql" in address and "@" not in address:
        return
    database = public(Settings(Path("/x"), app_database_url=address))["app_database_url"]
    assert CANARY not in database


def test_a_database_on_a_socket_is_told_by_its_folder() -> None:
    settings = Settings(Path("/x"), app_database_url="postgresql+psycopg://u:p@/city?host=/run/postgresql")
    assert public(settings)["app_database_url"] == "/run/postgresql:/city"


def test_a_file_is_told_by_what_lies_there(tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    settings = Settings(tmp_path, witnesses=str(policy))
    assert public(settings)["witnesses"] == {"path": str(policy), "sha256": UNREADABLE}
    policy.write_bytes(b"quorum none\n")
    assert public(settings)["witnesses"]["sha256"] == hashlib.sha256(b"quorum none\n").hexdigest()
    assert public(settings)["tsa_certificates"] == ""
