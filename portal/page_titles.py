"""What pages and the interface's addresses are called, for entries that say where somebody was refused."""

from flask_babel import gettext as _

from portal.i18n import translate
from portal.languages import N_

TITLES = {
    "agencies": N_("Agencies"),
    "agencies.new": N_("Register an agency"),
    "agencies.register": N_("Register an agency"),
    "agreements": N_("Agreements"),
    "anomalies": N_("Anomalies"),
    "anomalies.rules": N_("Rules for anomalies"),
    "anomalies.set_rule": N_("Rules for anomalies"),
    "answers": N_("Answers"),
    "api_cases": N_("Applications and needs"),
    "api_catalogue": N_("Catalogue"),
    "api_compile": N_("Compile"),
    "api_deliveries": N_("Deliveries"),
    "api_description": N_("API"),
    "api_evidence": N_("Evidence"),
    "api_grants": N_("Grants"),
    "api_keys": N_("Keys"),
    "api_records": N_("Rows looked up by key"),
    "api_reserved": N_("Steps that people alone take"),
    "applications": N_("Applications"),
    "applications.form": N_("Application form"),
    "browse": N_("Browse"),
    "calendars": N_("Calendars"),
    "calendars.clock": N_("Case clock"),
    "catalogue": N_("Catalogue"),
    "changes": N_("Change of an entry"),
    "compile": N_("Compile"),
    "compile.create": N_("New catalogue entry"),
    "compile.new": N_("New catalogue entry"),
    "deliveries": N_("Deliveries"),
    "deliveries.create": N_("Ask for a delivery"),
    "deliveries.evidence": N_("Evidence bundle"),
    "deliveries.new": N_("Ask for a delivery"),
    "desk": N_("My desk"),
    "destructions": N_("Destruction of personal details"),
    "disputes": N_("Disputes"),
    "evidence": N_("Evidence"),
    "evidence.open_personal": N_("Personal details"),
    "evidence_case": N_("Timeline of the case"),
    "evidence_month": N_("Taken in a month"),
    "files": N_("Download"),
    "grants": N_("Grants"),
    "health": N_("State of the hub"),
    "keys": N_("Keys"),
    "needs": N_("Needs"),
    "needs.create": N_("Raise a need"),
    "needs.new": N_("Raise a need"),
    "oauth": N_("Tokens of programs"),
    "operations": N_("Operations"),
    "people": N_("People"),
    "preferences": N_("Change password"),
    "preferences.language": N_("Language"),
    "reviews": N_("Review"),
    "sign_in": N_("Sign in"),
    "sign_in.leave": N_("Sign out"),
    "sources": N_("Source and loads"),
    "subject_search": N_("Who was shown this record?"),
    "workbook": N_("Import a workbook"),
}
"""Part of the portal, or endpoint where its page is another, → English message id."""


def page_called(endpoint: str) -> str:
    """A page, or an address of the interface for programs, in words; an endpoint of former days as it was written."""
    part = endpoint.partition(".")[0]
    known = TITLES.get(endpoint) or TITLES.get(part)
    title = translate(known) if known else endpoint
    if part == "oauth" or part.startswith("api_"):
        return str(_("Interface for programs: %(title)s", title=title))
    return str(_("Page: %(title)s", title=title))
