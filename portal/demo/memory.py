"""What a demo remembers between two runs: what was made in the story, and everybody's password."""

import json
import secrets
from pathlib import Path
from typing import Any

from adapters.services.secrets import write_private

ACCOUNTS = Path("secrets") / "demo-accounts.json"
MADE = Path("secrets") / "demo-made.json"


class Memory:
    """A file of names and JSON values, written at every change; only its owner can read it.

    Args:
        path: the file; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._values[name] = value
        write_private(self._path, json.dumps(self._values, ensure_ascii=False, indent=2) + "\n")


def password(accounts: Memory, login: str) -> str:
    """The password of an account of this home; made at first use, 16 random letters and digits."""
    if login not in accounts:
        accounts[login] = secrets.token_hex(8)
    made: str = accounts[login]
    return made
