"""The message catalogue's tool: what has to be translated, and filling it in.

``python -m portal.messages update``       adds missing message ids at the end of the .po file, empty
``python -m portal.messages missing``      prints those without Chinese, as JSON to fill in
``python -m portal.messages fill FILE``    puts {"English": "中文"} from a JSON file (or - for standard input) into it
``python -m portal.messages prune``        takes out what nothing says any more

Message ids come from templates, from ``gettext``, ``_`` and ``N_`` in ``portal``, and from the sentences of errors,
findings and denials in all rooms.
"""

import fcntl
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import gettempdir

import click
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from portal.i18n import CATALOGUE
from portal.languages import CHINESE
from portal.sentences import sentences

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "portal" / CATALOGUE
_METHODS = [("portal/templates/**.html", "jinja2"), ("portal/**.py", "python")]
_KEYWORDS = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}
_PLACES = re.compile(r"%\((\w+)\)[sd]|\{(\w+)(?:[^{}]*)\}")


def wanted() -> set[str]:
    """Every message id the product can say."""
    found = {
        message if isinstance(message, str) else message[0]
        for _, _, message, _, _ in extract_from_dir(
            ROOT / "portal", [(pattern.removeprefix("portal/"), name) for pattern, name in _METHODS], keywords=_KEYWORDS
        )
    }
    return {message for message in found | sentences(ROOT) if message}


def catalogue() -> Catalog:
    """The catalogue as it is."""
    if not FILE.exists():
        return Catalog(locale=CHINESE, fuzzy=False)
    with FILE.open("rb") as source:
        return read_po(source, locale=CHINESE)


def untranslated(known: Catalog) -> list[str]:
    """Message ids without Chinese."""
    filled = {str(message.id) for message in known if message.string}
    return sorted(wanted() - filled)


def differing(known: Catalog) -> list[str]:
    """Message ids whose Chinese has other places to fill in than the English."""
    return [str(m.id) for m in known if m.id and m.string and places(str(m.id)) != places(str(m.string))]


def places(text: str) -> set[str]:
    """Names of the places to fill in, of both kinds: ``%(name)s`` and ``{name}``."""
    return {one or other for one, other in _PLACES.findall(text)}


@contextmanager
def changing() -> Iterator[Catalog]:
    """The catalogue for a change, nobody else's at the same time; written in one go, without line numbers."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    with (Path(gettempdir()) / "shuniu-messages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = catalogue()
        yield known
        known.project, known.version, known.msgid_bugs_address = "Shuniu", "1", ""
        known.last_translator, known.language_team = "", ""
        known.header_comment = "# Chinese of the hub. Fill with: python -m portal.messages fill FILE"
        fresh = FILE.with_suffix(".new")
        fresh.write_bytes(written(known))
        os.replace(fresh, FILE)


def written(known: Catalog) -> bytes:
    """The .po file of a catalogue: every entry keeps its place, and another can be put after the last."""
    target = BytesIO()
    write_po(target, known, width=0, no_location=True, include_previous=False)
    return target.getvalue().rstrip() + b"\n"


def update() -> int:
    """Add what is missing; how many were added."""
    with changing() as known:
        new = sorted(message for message in wanted() if message not in known)
        for message in new:
            known.add(message, "")
    return len(new)


def fill(translations: dict[str, str]) -> int:
    """Put translations in; how many."""
    wrong = [english for english, chinese in translations.items() if places(english) != places(chinese)]
    if wrong:
        raise SystemExit("other places to fill in than the English:\n" + "\n".join(wrong))
    with changing() as known:
        for english, chinese in translations.items():
            (known.get(english) or known.add(english)).string = chinese
    return len(translations)


def prune() -> int:
    """Take out what nothing says any more; how many."""
    with changing() as known:
        gone = {str(message.id) for message in known if message.id} - wanted()
        for message in gone:
            known.delete(message)
    return len(gone)


def main(arguments: list[str]) -> None:
    """Run one of the four commands."""
    match arguments:
        case ["update"]:
            click.echo(f"{update()} added, {len(untranslated(catalogue()))} without Chinese")
        case ["missing"]:
            click.echo(json.dumps(dict.fromkeys(untranslated(catalogue()), ""), ensure_ascii=False, indent=1))
        case ["fill", name]:
            text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
            click.echo(f"{fill({k: v for k, v in json.loads(text).items() if v})} filled in")
        case ["prune"]:
            click.echo(f"{prune()} taken out")
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
