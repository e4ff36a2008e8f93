"""What a refusal must rest on: law, regulation or rule, named so that it can be looked up ([M] Art. 14; R35)."""

from collections.abc import Mapping

from adapters.errors import Sentence
from schemas.findings import Finding
from schemas.profile import check_fields, profile
from schemas.rule_sets import RuleSet

Problem = dict[str, str]


def basis_problems(basis: Mapping[str, str] | None, rules: RuleSet, pointer: str) -> list[Problem]:
    """Everything wrong with the basis of a refusal.

    Args:
        basis: ``{"kind", "document", "number", "article"}``; ``number`` may be empty.
        rules: the rule set of the case; its ``refusal_bases`` are narrower than those for not sharing.
        pointer: JSON pointer of the basis.
    """
    if not basis:
        message = "A refusal needs its basis: the law, regulation or rule that forbids it, and the article."
        return [{"pointer": pointer, "code": "basis.missing", "message": message}]
    problems = [
        _problem(finding)
        for finding in check_fields(basis, profile().basis, pointer)
        if basis.get("number") or not finding.path.endswith("/number")
    ]
    kind, document = basis.get("kind"), basis.get("document")
    if not problems and kind not in rules.refusal_bases:
        message = (
            "Only law, regulation or rule can refuse a request. Policy and other grounds cannot; name one that can."
        )
        problems.append({"pointer": f"{pointer}/kind", "code": "basis.kind", "message": message})
    if isinstance(document, str) and profile().is_vague(document):
        message = "This is no document. Name the law, regulation or rule that forbids sharing."
        problems.append({"pointer": f"{pointer}/document", "code": "basis.vague", "message": message})
    return problems


def clean_basis(basis: Mapping[str, str]) -> dict[str, str]:
    """The parts of a checked basis, trimmed."""
    return {name: str(basis.get(name, "")).strip() for name in ("kind", "document", "number", "article")}


def _problem(finding: Finding) -> Problem:
    return {"pointer": finding.path, "code": finding.code, "message": Sentence(finding.message, **finding.context)}
