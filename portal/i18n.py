"""Chinese and English: which language a request gets, and sentences with their values filled in.

Message ids are English. Chinese lies in ``translations/zh_Hans_CN/LC_MESSAGES/messages.po``, read as it is at start, so
that nothing has to be compiled. ``python -m portal.messages`` adds missing message ids to it.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from io import BytesIO

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain, gettext

from adapters.clock import CITY_ZONE
from adapters.errors import Sentence, ShuniuError
from portal.labels import word_label
from portal.languages import CHINESE, ENGLISH, LANGUAGES, is_chinese

LANGUAGE_COOKIE = "shuniu_language"
CATALOGUE = "translations/zh_Hans_CN/LC_MESSAGES/messages.po"


@cache
def chinese() -> Translations:
    """The Chinese messages."""
    with (files("portal") / CATALOGUE).open("rb") as source:
        catalogue = read_po(source, locale=Locale.parse(CHINESE))
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


class Catalogue(Domain):  # type: ignore[misc]  # the library has no types
    """Flask-Babel's domain over the .po file itself; English is the message ids."""

    def get_translations(self) -> NullTranslations:
        """The messages of the request's language."""
        return chinese() if is_chinese() else NullTranslations()


class TwoLanguages(Babel):  # type: ignore[misc]  # likewise
    """Flask-Babel with that catalogue instead of compiled files."""

    domain_instance = Catalogue()


def install(app: Flask) -> None:
    """Give templates and views the two languages."""
    TwoLanguages(app, default_locale=CHINESE, default_timezone="Asia/Shanghai", locale_selector=language)


def language() -> str:
    """The request's language: chosen before (cookie), the account's, the browser's, else Chinese."""
    if not has_request_context():
        return CHINESE
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES and not request.path.startswith(("/api/", "/oauth/")):
        return chosen
    account = g.get("account")
    if account is not None and account.language in LANGUAGES:
        return str(account.language)
    best = request.accept_languages.best_match(["zh", "zh-CN", "zh-Hans", "zh-Hans-CN", "en"], "zh")
    return ENGLISH if best == "en" else CHINESE


def translate(message: str, context: Mapping[str, object] | None = None) -> str:
    """A sentence in the present language, its ``{places}`` filled with readable values."""
    if context is None and isinstance(message, Sentence):
        return translate(message.template, message.context)
    text: str = gettext(message) if has_request_context() else message
    return text.format_map({name: shown(value) for name, value in context.items()}) if context else text


def sentence_of(error: ShuniuError) -> str:
    """What an error says, in the present language."""
    return translate(error.sentence, error.context)


def shown(value: object) -> str:
    """A value as it reads in a sentence: words by their label, days as 2026-11-22, numbers with separators."""
    if isinstance(value, StrEnum):
        return word_label(value)
    if isinstance(value, datetime):
        return value.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10_000:
        return f"{value:,}"
    if isinstance(value, list | tuple | set | frozenset):
        return ("、" if has_request_context() and is_chinese() else ", ").join(shown(part) for part in value)
    return str(value)
