"""The JSON files that come with this room."""

import json
from importlib.resources import files
from typing import Any


def read_json(folder: str, name: str) -> Any:
    """The content of ``schemas/FOLDER/NAME.json``.

    Raises:
        KeyError: there is no such file.
    """
    if name not in names(folder):
        raise KeyError(name)
    return json.loads(files("schemas").joinpath(folder, f"{name}.json").read_text("utf-8"))


def names(folder: str) -> tuple[str, ...]:
    """The names of a folder's JSON files, without their ending, in order."""
    entries = files("schemas").joinpath(folder).iterdir()
    return tuple(sorted(entry.name.removesuffix(".json") for entry in entries if entry.name.endswith(".json")))
