"""What every page's frame shows: navigation by role, who is signed in, the city, the language."""

from typing import Any

from flask import Flask, request, url_for

from directory.people.sign_in import Identified
from portal import access
from portal.edge import portal_settings
from portal.i18n import translate
from portal.languages import CHINESE, LANGUAGES, is_chinese
from portal.pages.frame import NavigationEntry, Pages


def install(app: Flask, parts: tuple[Pages, ...]) -> None:
    """Gather the parts' navigation and desk sections and give the frame to every template."""
    navigation = sorted((entry for part in parts for entry in part.navigation), key=lambda entry: entry.order)
    app.extensions["shuniu.desk"] = [part.desk_sections for part in parts if part.desk_sections is not None]

    @app.context_processor
    def frame() -> dict[str, Any]:
        account = access.current_account()
        return {
            "actor": access.current_actor(),
            "account": account,
            "agency_called": _agency(account) if account else "",
            "city_name": portal_settings().city_name,
            "languages": LANGUAGES,
            "html_language": "zh-Hans-CN" if is_chinese() else "en",
            "language_now": CHINESE if is_chinese() else "en",
            "navigation": [_link(entry) for entry in navigation if account and _shown(entry)],
            "search_endpoint": "catalogue.search" if "catalogue.search" in app.view_functions else "",
        }


def _agency(account: Identified) -> str:
    return account.agency_name if is_chinese() else account.agency_name_en or account.agency_name


WITHIN = {
    "answers": "applications",
    "browse": "grants",
    "changes": "catalogue",
    "destructions": "evidence",
    "evidence_case": "evidence",
    "evidence_month": "evidence",
    "files": "deliveries",
    "keys": "agencies",
    "people": "agencies",
    "reviews": "catalogue",
    "sources": "catalogue",
    "subject_search": "evidence",
    "workbook": "compile",
}
"""Parts without an entry of the navigation → the part under whose entry their pages lie."""


def _shown(entry: NavigationEntry) -> bool:
    return entry.shown_to.admits(access.current_actor())


def _link(entry: NavigationEntry) -> dict[str, object]:
    blueprint = entry.endpoint.partition(".")[0]
    return {
        "title": translate(entry.title),
        "href": url_for(entry.endpoint),
        "here": WITHIN.get(request.blueprint or "", request.blueprint) == blueprint,
    }
