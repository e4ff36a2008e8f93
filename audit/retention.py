"""How long evidence is kept: periods are dated data (``schemas/retention``), and no site goes below the law.

[R] 网络数据安全管理条例 (2024) Art. 12 asks for three years; district agreements ask for five.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from adapters.clock import system_now
from adapters.errors import Misconfigured
from adapters.settings import Settings
from schemas.packaged import names, read_json

FOLDER = "retention"
LEGAL_FLOOR = "national-2024"
"""The rule that no other and no setting goes below."""
_site: list["Retention"] = []


@dataclass(frozen=True)
class Retention:
    """How a site keeps its evidence.

    Attributes:
        years: for how long, in years of 366 days, so that no leap day shortens them.
        rule: the name of the rule that asks for it.
        title_zh, title_en: how the rule reads.
        hot_months: how many whole months before this one stay in the database.
    """

    years: int
    rule: str
    title_zh: str
    title_en: str
    hot_months: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The site's settings, checked against the rule and the law.

        Raises:
            Misconfigured: there is no such rule, or evidence would be kept for less than it or the law asks, or texts
                would lie in the database for longer than they are kept.
        """
        rule = _rule(settings.retention_rule)
        floor = max(int(rule["years"]), legal_floor_years())
        years = settings.retention_years or floor
        if years < floor:
            raise Misconfigured(
                "settings.retention_too_short",
                "The setting {setting} is {years}: by {rule} evidence is kept for {floor} years at least. Set it to"
                " that or more, or leave it out.",
                setting="SHUNIU_RETENTION_YEARS",
                years=years,
                rule=settings.retention_rule,
                floor=floor,
            )
        if not 1 <= settings.hot_months <= years * 12:
            raise Misconfigured(
                "settings.hot_months",
                "The setting {setting} is {months}; it must be between 1 and the {most} months that evidence is kept.",
                setting="SHUNIU_HOT_MONTHS",
                months=settings.hot_months,
                most=years * 12,
            )
        return cls(years, settings.retention_rule, rule["title_zh"], rule["title_en"], settings.hot_months)

    def before(self, now: datetime | None = None) -> datetime:
        """Entries recorded before this moment may lie in archives alone: the beginning of a month, UTC."""
        now = now or system_now()
        number = now.year * 12 + now.month - 1 - self.hot_months
        return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def configure(settings: Settings) -> None:
    """Set this process's retention; every edge calls it once at its start.

    Raises:
        Misconfigured: as ``Retention.of``.
    """
    _site[:] = [Retention.of(settings)]


def configured() -> Retention:
    """This process's retention; the law's where none was set."""
    if _site:
        return _site[0]
    law = _rule(LEGAL_FLOOR)
    return Retention(int(law["years"]), LEGAL_FLOOR, law["title_zh"], law["title_en"], Settings.hot_months)


def legal_floor_years() -> int:
    """Records of supplying personal information are kept at least so long (网络数据安全管理条例 Art. 12)."""
    return int(_rule(LEGAL_FLOOR)["years"])


def _rule(name: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = read_json(FOLDER, name)
    except KeyError:
        raise Misconfigured(
            "settings.retention_rule",
            "The setting {setting} names no rule: {name}. There are {known}.",
            setting="SHUNIU_RETENTION_RULE",
            name=name,
            known=", ".join(names(FOLDER)),
        ) from None
    return found
