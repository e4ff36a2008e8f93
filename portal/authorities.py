"""On what authority something was done, in the reader's words: evidence keeps it in a short form of its own."""

import re

from flask_babel import gettext as _

from portal.languages import is_chinese
from schemas.rule_sets import rule_sets

MEASURES = "shanghai-2016"
"""The rule set whose articles entries cite as ``[M] Art. 21``; cases cite the rule set that governs them by its key."""

_ARTICLE = re.compile(r"(\S+) Art\. (\d+)")
_DOCUMENT = re.compile(r"(grant|application)/(\S+)")


def authority(text: str | None) -> str:
    """An entry's authority in words: an article by its document's title, a grant or application by its number.

    The number of a document is its own name, so it stays; what nobody knows stays as it is.
    """
    stated = text or ""
    if article := _ARTICLE.fullmatch(stated):
        key = MEASURES if article[1] == "[M]" else article[1]
        for rules in rule_sets():
            if rules.key == key:
                title = rules.title_zh if is_chinese() else rules.title_en
                return str(_("%(title)s, Article %(article)s", title=title, article=article[2]))
    if document := _DOCUMENT.fullmatch(stated):
        noun = _("Grant") if document[1] == "grant" else _("Application")
        return f"{noun} {document[2]}"
    if stated.startswith("anomaly/"):
        return str(_("Anomaly"))
    return str(_("Version of an entry")) if stated.startswith("resource_version/") else stated
