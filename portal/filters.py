"""What templates write values with: days, moments in the city's zone, numbers, words, sentences of the rooms."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from urllib.parse import urlencode

from flask import Flask, request
from flask_babel import gettext as _
from markupsafe import Markup, escape

from adapters.clock import CITY_ZONE, system_now
from adapters.work import Work, said_problem
from directory.catalogue.models import DataItem
from portal.authorities import authority
from portal.i18n import translate
from portal.labels import COLOURS, choices, label
from portal.names import agency_name, agency_offered


def day(value: date | datetime | None) -> str:
    """2026-11-22; a moment's day is that of the city."""
    if value is None:
        return ""
    return (value.astimezone(CITY_ZONE).date() if isinstance(value, datetime) else value).isoformat()


def moment(value: datetime | None) -> str:
    """2026-11-22 09:30, in the city's zone."""
    return value.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M") if value else ""


def time_tag(value: datetime | str | None) -> Markup:
    """The moment, which may be in ISO 8601 as JSON gives it, as an HTML time element that carries seconds and zone."""
    if not value:
        return Markup("")
    value = datetime.fromisoformat(value) if isinstance(value, str) else value
    exact = value.astimezone(CITY_ZONE).isoformat(timespec="seconds")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, exact, moment(value))


def age(value: datetime | None) -> str:
    """How long ago a moment was, in its largest unit."""
    if value is None:
        return ""
    seconds = max(0, int((system_now() - value).total_seconds()))
    if seconds >= 86_400:
        return str(_("%(count)s d ago", count=seconds // 86_400))
    if seconds >= 3_600:
        return str(_("%(count)s h ago", count=seconds // 3_600))
    if seconds >= 60:
        return str(_("%(count)s min ago", count=seconds // 60))
    return str(_("%(count)s s ago", count=seconds))


def number(value: int | float | Decimal | None) -> str:
    """12,345; nothing for None."""
    return "" if value is None else f"{value:,}"


def size(value: int | None) -> str:
    """Bytes as 1,234 B, 5.6 MiB and so on."""
    if value is None:
        return ""
    figure, units = float(value), ["B", "KiB", "MiB", "GiB", "TiB"]
    while figure >= 1024 and len(units) > 1:
        figure /= 1024
        units.pop(0)
    return f"{figure:,.0f} {units[0]}" if units[0] == "B" else f"{figure:,.1f} {units[0]}"


def lines(text: str | None) -> Markup:
    """Prose with its line breaks."""
    return Markup("<br>").join(escape(line) for line in (text or "").splitlines())


def said(message: str, context: Mapping[str, object] | None = None) -> str:
    """A room's English sentence in the reader's language: ``{{ finding.message|said(finding.context) }}``."""
    return translate(message, context)


def work_problem(work: Work) -> str:
    """What went wrong with a piece of work, in the reader's language."""
    return translate(*said_problem(work))


def row_reason(reason: str, items: Iterable[DataItem]) -> str:
    """Why rows were set aside, in words: ``credit_code:CHECK_DIGIT`` names the item and what is wrong with it."""
    fields, _colon, word = reason.rpartition(":")
    names = {item.field_name: item.name for item in items}
    where = " + ".join(names.get(field, field) for field in fields.split("+"))
    return f"{where}{translate(': ')}{label(word, 'RowReason')}"


def coded(text: str) -> Markup:
    """A sentence whose commands stand in back quotes, with these as code."""
    parts = escape(text).split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


def colour(word: str) -> str:
    """Badge colour of a word."""
    return COLOURS.get(word, "secondary")


def here_with(**changes: object) -> str:
    """This page's address with some query fields set; None takes a field out. Paging starts anew unless it is set."""
    fields = request.args.to_dict(flat=False)
    for paging in ("cursor", "page"):
        fields.pop(paging, None)
    for name, value in changes.items():
        if value is None:
            fields.pop(name, None)
        else:
            fields[name] = [str(part) for part in value] if isinstance(value, list | tuple) else [str(value)]
    query = urlencode(fields, doseq=True)
    return f"{request.path}?{query}" if query else request.path


def toggled(name: str, value: str) -> str:
    """This page's address with one value of a many-valued query field added, or taken out when it is there."""
    chosen = request.args.getlist(name)
    left = [one for one in chosen if one != value] if value in chosen else [*chosen, value]
    return here_with(**{name: left or None})


def install(app: Flask) -> None:
    """Give the filters and functions to every template."""
    app.jinja_env.filters.update(
        day=day, moment=moment, time_tag=time_tag, age=age, number=number, size=size, lines=lines, said=said,
        label=label, colour=colour, row_reason=row_reason, coded=coded, authority=authority, work_problem=work_problem,
        agency_name=agency_name,
        agency_offered=agency_offered,
    )  # fmt: skip
    app.jinja_env.globals.update(here_with=here_with, toggled=toggled, choices=choices)
