"""Every link and picture in the documents leads somewhere, anchors included."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCUMENTS = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
ROOMS = "adapters|airflow_dags|audit|directory|docs|exchange|oversight|pipelines|portal|schemas|tests"
PATH = re.compile(rf"`((?:{ROOMS})/[\w./-]*)`")
LARGEST_PICTURE = 300_000


def anchors(document: Path) -> set[str]:
    """The anchors that a forge makes of a document's headings."""
    text = FENCE.sub("", document.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def tracked() -> set[str]:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    return set(listed.stdout.splitlines())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_resolve(document: Path) -> None:
    shipped = tracked()
    for link in LINK.findall(FENCE.sub("", document.read_text(encoding="utf-8"))):
        target, _, anchor = link.partition("#")
        assert not target.startswith("/"), link
        if "://" in target:
            continue
        file = (document.parent / target).resolve() if target else document
        assert str(file.relative_to(ROOT)) in shipped, link
        assert not anchor or anchor in anchors(file), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for name in {*PATH.findall(text)}:
        assert (ROOT / name).exists(), name


def test_pictures_are_small() -> None:
    pictures = [path for path in (ROOT / "docs" / "images").iterdir()]
    assert pictures
    assert all(path.stat().st_size < LARGEST_PICTURE for path in pictures)


def test_both_languages_say_the_same_commands() -> None:
    fences = [FENCE.findall(path.read_text(encoding="utf-8")) for path in DOCUMENTS[:2]]
    assert fences[0] == fences[1]
    links = [
        set(LINK.findall(path.read_text(encoding="utf-8"))) - {"README.md", "README.zh-CN.md"} for path in DOCUMENTS[:2]
    ]
    assert links[0] == links[1]
