"""Finds the sentences that rooms say through errors, findings and denials, by reading their source.

A sentence is the second argument of a call of an error class or of ``Denied``, the third of ``Finding``, the value of
``"message"`` in a literal, or a value of a module's table named ``..._MESSAGES`` or ``SENTENCES``.
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOMS = ("adapters", "audit", "directory", "exchange", "oversight", "pipelines", "portal", "schemas")
_OTHERS = {"Denied": 1, "Finding": 2}
_KEYWORDS = {"sentence", "message", "reason"}


def sentences(root: Path) -> set[str]:
    """All such sentences below a source tree's rooms."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in _sources(root)]
    positions = dict.fromkeys(_error_classes(trees), 1) | _OTHERS
    return {text for tree in trees for text in _of_module(tree, positions) if " " in text}


def unreadable(root: Path) -> list[str]:
    """Places where an error's sentence is neither a literal nor a name for one, so that nobody could translate it."""
    found = []
    paths = list(_sources(root))
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    positions = dict.fromkeys(_error_classes(trees), 1)
    for path, tree in zip(paths, trees, strict=True):
        named = _named_texts(tree)
        for call, argument in _said(tree, positions):
            if not list(_texts(argument, named)):
                found.append(f"{path.relative_to(root)}:{call.lineno}")
    return found


def _sources(root: Path) -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((root / room).rglob("*.py"))


def _error_classes(trees: Iterable[ast.Module]) -> set[str]:
    bases = {
        node.name: {_name(base) for base in node.bases}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    known, size = {"ShuniuError"}, 0
    while len(known) > size:
        size = len(known)
        known |= {name for name, of in bases.items() if of & known}
    return known


def _of_module(tree: ast.Module, positions: dict[str, int]) -> Iterator[str]:
    named = _named_texts(tree)
    for _, argument in _said(tree, positions):
        yield from _texts(argument, named)
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "message":
                    yield from _texts(value, named)
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(_name(target).endswith(("MESSAGES", "SENTENCES")) for target in targets):
                for value in node.value.values:
                    yield from _texts(value, named)


def _said(tree: ast.Module, positions: dict[str, int]) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Calls that say something, with the argument that is the sentence."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or _name(node.func) not in positions:
            continue
        position = positions[_name(node.func)]
        by_name = [keyword.value for keyword in node.keywords if keyword.arg in _KEYWORDS]
        if len(node.args) > position:
            yield node, node.args[position]
        elif by_name:
            yield node, by_name[0]


def _named_texts(tree: ast.Module) -> dict[str, list[ast.expr]]:
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    named.setdefault(target.id, []).append(node.value)
    return named


def _texts(node: ast.expr, named: dict[str, list[ast.expr]], depth: int = 0) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, named, depth)
        yield from _texts(node.orelse, named, depth)
    elif isinstance(node, ast.Call) and _name(node.func) == "N_" and node.args:
        yield from _texts(node.args[0], named, depth)
    elif isinstance(node, ast.Name) and depth == 0:
        for value in named.get(node.id, []):
            yield from _texts(value, named, 1)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
