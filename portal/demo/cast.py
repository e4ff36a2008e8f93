"""Who plays in the demo: eight agencies of a city and their people. Codes are right, and nobody's."""

from collections.abc import Iterator
from dataclasses import dataclass

from directory.agencies.models import Office
from directory.people.roles import Role
from portal.demo.made_data import NEVER_ASSIGNED
from schemas.identifiers import credit_code

RECORDED_FROM = "2016-03-01"
"""The day from which the demo's agencies are in the register: when the city's measures took effect."""


@dataclass(frozen=True)
class Official:
    """A person with an account; the login is the name in Latin letters."""

    login: str
    name: str
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class Bureau:
    """An agency and its people. ``key`` is how the story calls it."""

    key: str
    short_code: str
    name: str
    name_en: str
    office: Office
    officials: tuple[Official, ...]

    @property
    def credit_code(self) -> str:
        """Its unified social credit code: a state organ (11), of a division that was never assigned."""
        return credit_code.make("1", "1", NEVER_ASSIGNED, f"DM9{BUREAUS.index(self):05d}")


REGULATOR = Bureau(
    "regulator",
    "JXW",
    "市经济和信息化委员会",
    "Commission of Economy and Informatisation",
    Office.REGULATOR,
    (
        Official("tangjie", "唐杰", (Role.SYSTEM_ADMINISTRATOR,)),
        Official("jiangmin", "蒋敏", (Role.SECURITY_ADMINISTRATOR,)),
        Official("hanxue", "韩雪", (Role.AUDIT_ADMINISTRATOR,)),
        Official("caoyang", "曹阳", (Role.REGULATOR,)),
    ),
)
"""Regulator and operator. Its first three people are the three administrators, whom one command sets up."""

CIVIL_AFFAIRS = Bureau(
    "civil",
    "MZJ",
    "市民政局",
    "Civil Affairs Bureau",
    Office.MEMBER,
    (
        Official("zhouwen", "周文", (Role.COMPILER, Role.REVIEWER)),
        Official("wumin", "吴敏", (Role.REVIEWER, Role.SECRECY_REVIEWER)),
        Official("xuhai", "徐海", (Role.REQUESTER,)),
    ),
)
MARKET = Bureau(
    "market",
    "SCJ",
    "市市场监督管理局",
    "Market Regulation Bureau",
    Office.MEMBER,
    (
        Official("chensiyuan", "陈思远", (Role.COMPILER,)),
        Official("lijing", "李静", (Role.REVIEWER,)),
        Official("zhaogang", "赵刚", (Role.SECRECY_REVIEWER,)),
        Official("sunli", "孙丽", (Role.ANSWERER,)),
        Official("qianyong", "钱勇", (Role.SIGNATORY,)),
    ),
)
TAX = Bureau(
    "tax",
    "SWJ",
    "市税务局",
    "Tax Bureau",
    Office.MEMBER,
    (
        Official("linjia", "林嘉", (Role.REQUESTER,)),
        Official("heming", "何明", (Role.SIGNATORY,)),
        Official("luoyan", "罗艳", (Role.SECURITY_ADMINISTRATOR,)),
    ),
)
HUMAN_RESOURCES = Bureau(
    "hr",
    "RSJ",
    "市人力资源和社会保障局",
    "Human Resources and Social Security Bureau",
    Office.MEMBER,
    (Official("matao", "马涛", (Role.REQUESTER,)),),
)
PUBLIC_SECURITY = Bureau(
    "police",
    "GAJ",
    "市公安局",
    "Public Security Bureau",
    Office.MEMBER,
    (
        Official("zhengqiang", "郑强", (Role.COMPILER,)),
        Official("fenglin", "冯琳", (Role.REVIEWER,)),
        Official("xunuo", "许诺", (Role.SECRECY_REVIEWER, Role.ANSWERER)),
    ),
)
COORDINATING_OFFICE = Bureau(
    "office",
    "SFB",
    "市政府办公厅",
    "General Office of the Municipal Government",
    Office.COORDINATING_OFFICE,
    (Official("shenning", "沈宁", (Role.COORDINATOR,)),),
)
AUDIT_OFFICE = Bureau(
    "audit",
    "SJJ",
    "市审计局",
    "Audit Bureau",
    Office.AUDIT_OFFICE,
    (Official("penghua", "彭华", (Role.AUDITOR,)),),
)

BUREAUS = (
    REGULATOR,
    CIVIL_AFFAIRS,
    MARKET,
    TAX,
    HUMAN_RESOURCES,
    PUBLIC_SECURITY,
    COORDINATING_OFFICE,
    AUDIT_OFFICE,
)
ADMINISTRATORS = REGULATOR.officials[:3]
SYSTEM_ADMINISTRATOR, SECURITY_ADMINISTRATOR, AUDIT_ADMINISTRATOR = (official.login for official in ADMINISTRATORS)


def everybody() -> Iterator[tuple[Bureau, Official]]:
    """Every official, with the bureau they work for."""
    for bureau in BUREAUS:
        for official in bureau.officials:
            yield bureau, official


def described(login: str) -> str:
    """Name and agency of an official, for the report.

    Raises:
        KeyError: nobody has this login.
    """
    for bureau, official in everybody():
        if official.login == login:
            return f"{official.name} ({bureau.name})"
    raise KeyError(login)
