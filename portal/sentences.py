"""Finds the sentences that rooms say through errors, findings and denials, by reading their source.

A sentence is the second argument of a call of an error class or of ``Denied``, the third of ``Finding``, the value of
``"message"`` in a literal, or the second of a pair of a code and a sentence. A function that hands one of its own
arguments on to such a place says its callers' sentences.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOMS = ("adapters", "audit", "directory", "exchange", "oversight", "pipelines", "portal", "schemas")
_TERMINAL = ("adapters/services/", "portal/cli/", "portal/demo/", "portal/migrations/")
"""What is said on a terminal alone, in English."""
_OTHERS = {"Denied": 1, "Finding": 2, "Problem": 2, "Sentence": 0}
_CODE = re.compile(r"[a-z_.]+")
_KEYWORDS = {"sentence", "message", "reason"}


def sentences(root: Path) -> set[str]:
    """All such sentences below a source tree's rooms."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in _sources(root)]
    positions = dict.fromkeys(_error_classes(trees), 1) | _OTHERS
    formats = ast.parse((root / "schemas" / "formats.py").read_text(encoding="utf-8"))
    found = {text for tree in trees for text in _of_module(tree, positions) if " " in text}
    return found | {text for text in _texts_within(formats) if text.startswith("This is") and text.endswith(".")}


def unreadable(root: Path) -> list[str]:
    """Places where an error's sentence is neither a literal nor traceable to one, so that nobody could translate it."""
    paths = list(_sources(root))
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    positions = dict.fromkeys(_error_classes(trees), 1)
    return [
        f"{path.relative_to(root)}:{argument.lineno}"
        for path, tree in zip(paths, trees, strict=True)
        for argument in _said(tree, positions)
        if not list(_texts(argument, _named_texts(tree)))
        and not _handed_on(tree, argument)
        and not _said_before(argument)
    ]


def _sources(root: Path) -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            if not path.relative_to(root).as_posix().startswith(_TERMINAL):
                yield path


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
    positions = positions | _wrappers(tree, positions)
    for argument in [*_said(tree, positions), *_messages(tree)]:
        yield from _texts(argument, named)
    yield from _pairs(tree)
    for name, tables in named.items():
        if name.endswith("MESSAGES"):
            yield from (text for table in tables for text in _of_table(table, named))


def _wrappers(tree: ast.Module, positions: dict[str, int]) -> dict[str, int]:
    """The module's own functions that hand an argument on to where a sentence is said, with its place."""
    found: dict[str, int] = {}
    for _ in range(2):  # a wrapper of a wrapper, no deeper
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
            inner = ast.Module([function], [])
            for argument in [*_said(inner, positions | found), *_messages(inner)]:
                if isinstance(argument, ast.Name) and argument.id in names:
                    found[function.name] = names.index(argument.id)
    return found


def _handed_on(tree: ast.Module, said: ast.expr) -> bool:
    return isinstance(said, ast.Name) and any(
        said.id in {a.arg for a in (*f.args.args, *f.args.kwonlyargs)}
        for f in ast.walk(tree)
        if isinstance(f, ast.FunctionDef) and f.lineno <= said.lineno <= (f.end_lineno or 0)
    )


def _said_before(said: ast.expr) -> bool:
    """Whether the sentence is another's: ``decision.reason``, or half of a pair."""
    return (isinstance(said, ast.Attribute) and said.attr in _KEYWORDS) or _name(said) in _KEYWORDS


def _said(tree: ast.AST, positions: dict[str, int]) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or _name(node.func) not in positions:
            continue
        position = positions[_name(node.func)]
        by_name = [keyword.value for keyword in node.keywords if keyword.arg in _KEYWORDS]
        if len(node.args) > position:
            yield node.args[position]
        elif by_name:
            yield by_name[0]


def _messages(tree: ast.AST) -> Iterator[ast.expr]:
    """Values of ``"message"`` in literals."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "message":
                    yield value


def _pairs(tree: ast.AST) -> Iterator[str]:
    """Pairs of a code and a sentence: ``return "no_grant", "There is no such grant."``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple) and len(node.elts) == 2:
            code, sentence = (list(_texts(part, {})) for part in node.elts)
            if code and sentence and _CODE.fullmatch(code[0]) and sentence[0].endswith("."):
                yield sentence[0]


def _named_texts(tree: ast.Module) -> dict[str, list[ast.expr]]:
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    named.setdefault(target.id, []).append(node.value)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            named.setdefault(node.target.id, []).append(node.value)
    return named


def _texts_within(tree: ast.AST) -> Iterator[str]:
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


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
    elif isinstance(node, ast.BoolOp):
        for part in node.values:
            yield from _texts(part, named, depth)
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        for table in named.get(node.value.id, []):
            yield from _of_table(table, named)


def _of_table(table: ast.expr, named: dict[str, list[ast.expr]]) -> Iterator[str]:
    for value in table.values if isinstance(table, ast.Dict) else []:
        yield from _texts(value, named, 1)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
