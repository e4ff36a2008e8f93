"""Forms that were not accepted: shown again as they were filled in, with each place that has to be corrected."""

from typing import Any

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue

from adapters.errors import InvalidInput, ShuniuError
from portal.edge import set_aside
from portal.i18n import sentence_of, translate


def form_again(error: ShuniuError, template: str, **context: Any) -> ResponseReturnValue:
    """Show a page's form again after a service refused what was sent.

    Rolls back, records the refusal where evidence has to show it, and renders the page with ``refused`` (the sentence),
    ``errors`` (field → sentence) and ``filled`` (what was typed), which the field macros read.

    Args:
        error: what the service raised.
        template: the page with the form.
        context: what the page needs besides; read anew, since the session was rolled back.
    """
    set_aside(error)
    return refused_form(error, template, **context)


def refused_form(error: ShuniuError, template: str, **context: Any) -> ResponseReturnValue:
    """The same without rolling back, for a service that returns its refusal because its changes have to stay."""
    errors = places(error)
    html = render_template(template, refused=sentence_of(error), errors=errors, filled=request.form, **context)
    answer = make_response(html, error.status)
    answer.headers["X-Shuniu-Code"] = error.code
    return answer


def places(error: ShuniuError) -> dict[str, str]:
    """Sentences of an ``InvalidInput`` by field: pointer ``/items/3/name`` becomes ``items-3-name``."""
    if not isinstance(error, InvalidInput):
        return {}
    found: dict[str, str] = {}
    for problem in error.problems:
        name = problem.get("pointer", "").strip("/").replace("/", "-")
        found.setdefault(name, translate(problem["message"]))
    return found
