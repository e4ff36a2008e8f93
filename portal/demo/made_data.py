"""Made legal entities: the demo's stand-in for a market regulator's register.

Every row is drawn from a seed, so that two runs make the same rows. The codes are right and cannot be anybody's:
division 319900 was never assigned, organisation codes begin with DM, and no area has the dialling code 000. Some rows
are bad on purpose, each in one known way, as in any real register.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from random import Random

from schemas.identifiers import credit_code, resident_id

ROWS = 200_000
SEED = 20160301
NEVER_ASSIGNED = "319900"
COLUMNS = (
    "credit_code",
    "name",
    "representative_name",
    "representative_id",
    "entity_type",
    "registered_capital",
    "established_on",
    "division_code",
    "address",
    "business_scope",
    "status",
    "phone",
)

Row = tuple[str | int | None, ...]
"""One row, in the order of ``COLUMNS``; all text but ``registered_capital``, which is fen."""


class Flaw(StrEnum):
    """What is wrong with a bad row."""

    CREDIT_CODE = "the credit code's check digit is wrong"
    NAME = "the name is missing"
    DATE = "the date of establishment does not exist"
    RESIDENT_ID = "the check digit of the representative's number is wrong"
    DUPLICATE = "the credit code is the previous row's"


FLAWS = {Flaw.CREDIT_CODE: 137, Flaw.NAME: 61, Flaw.DATE: 43, Flaw.RESIDENT_ID: 83, Flaw.DUPLICATE: 29}
"""How many rows have each flaw in the full register of 200,000."""

_DIVISIONS = tuple(
    f"310{number}" for number in (101, 104, 105, 106, 107, 109, 110, 112, 113, 114, 115, 116, 117, 118, 120, 151)
)
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = "伟芳娜敏静强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰文斌宁建国志远晓东雨桐子涵思源嘉怡"
_SYLLABLES = "云海天恒瑞鑫盛达宏远星辰启明博泰嘉禾立信安康华创新源正阳锦程汇通永丰广利德润和顺卓越"
_TRADES = {
    "信息科技": "软件开发;信息技术咨询服务;数据处理和存储支持服务",
    "商贸": "日用百货销售;食品销售;货物进出口",
    "餐饮管理": "餐饮服务;餐饮管理;食品销售",
    "建设工程": "建设工程施工;建筑材料销售;工程管理服务",
    "物流": "道路货物运输;国内货物运输代理;仓储服务",
    "机械制造": "通用设备制造;机械零件加工;机械设备销售",
    "文化传播": "组织文化艺术交流活动;广告设计;会议及展览服务",
    "生物医药": "医学研究和试验发展;药品批发;第二类医疗器械销售",
    "农业": "农产品生产;农副产品销售;农业技术推广服务",
    "电子": "电子元器件制造;电子产品销售;集成电路设计",
}
_FORMS = (
    ("有限公司", "有限责任公司", "1"),
    ("有限责任公司", "有限责任公司", "1"),
    ("股份有限公司", "股份有限公司", "1"),
    ("合伙企业(有限合伙)", "有限合伙企业", "1"),
    ("专业合作社", "农民专业合作社", "3"),
    ("经营部", "个体工商户", "2"),
)
_ROADS = (
    "中山",
    "人民",
    "解放",
    "建设",
    "和平",
    "光明",
    "新华",
    "文化",
    "学府",
    "滨江",
    "长江",
    "黄河",
    "复兴",
    "延安",
)
_STATUSES = ("存续",) * 17 + ("注销", "吊销", "迁出")
_CAPITALS = tuple(times * yuan for times in range(1, 21) for yuan in (30_000, 100_000, 500_000, 1_000_000, 5_000_000))
_PAIRS = tuple(first + second for first in _SYLLABLES for second in _SYLLABLES)
_DAYS = tuple(str(date(1985, 1, 1) + timedelta(days=day)) for day in range(15_000))
_BIRTHS = tuple(f"{date(1950, 1, 1) + timedelta(days=day):%Y%m%d}" for day in range(18_000))
_BLOCK = 10_000


@dataclass(frozen=True)
class Register:
    """A made register of a size: which rows are bad, and how.

    Args:
        rows: number of rows, bad ones included; at least 2,000.
        seed: what all randomness comes from.
    """

    rows: int = ROWS
    seed: int = SEED

    @property
    def flaws(self) -> dict[Flaw, int]:
        """How many rows have each flaw: the numbers of ``FLAWS``, in proportion to the size, at least one of each."""
        return {flaw: max(1, count * self.rows // ROWS) for flaw, count in FLAWS.items()}

    @property
    def bad_rows(self) -> int:
        """How many rows are bad in all."""
        return sum(self.flaws.values())

    def __iter__(self) -> Iterator[Row]:
        """The rows, always the same ones for a size and seed."""
        random = Random(self.seed)
        kinds = [flaw for flaw, count in self.flaws.items() for _ in range(count)]
        # Bad rows have odd numbers, so that the row before each is a good one.
        places = [2 * half + 1 for half in random.sample(range(self.rows // 2), len(kinds))]
        flawed = dict(zip(places, kinds, strict=True))
        before: Row = ()
        for number, row in enumerate(_good_rows(random, self.rows)):
            made = _spoiled(row, flawed[number], before) if number in flawed else row
            yield made
            before = made


def _good_rows(random: Random, rows: int) -> Iterator[Row]:
    """Right rows, drawn a column at a time, which is three times as fast as a row at a time."""
    draw = random.choices
    for start in range(0, rows, _BLOCK):
        count = min(_BLOCK, rows - start)
        trades = draw(tuple(_TRADES), k=count)
        forms = draw(_FORMS, k=count)
        numbers = range(start, start + count)
        people = zip(draw(_SURNAMES, k=count), draw(_GIVEN, k=count), draw((*_GIVEN, ""), k=count), strict=True)
        addresses = zip(draw(_ROADS, k=count), draw(range(1, 3000), k=count), draw(range(1, 31), k=count), strict=True)
        marks = zip(draw(_PAIRS, k=count), draw(_SYLLABLES, k=count), trades, forms, strict=True)
        yield from zip(
            (
                credit_code.make("9", kind, NEVER_ASSIGNED, f"DM{number:06d}")
                for number, (_, _, kind) in zip(numbers, forms, strict=True)
            ),
            (f"示例{pair}{syllable}{trade}{ending}" for pair, syllable, trade, (ending, _, _) in marks),
            map("".join, people),
            map(_resident_id, draw(_BIRTHS, k=count), numbers),
            (entity_type for _, entity_type, _ in forms),
            (capital * 100 for capital in draw(_CAPITALS, k=count)),
            draw(_DAYS, k=count),
            draw(_DIVISIONS, k=count),
            (f"{road}路{house}号{floor}层" for road, house, floor in addresses),
            (_TRADES[trade] for trade in trades),
            draw(_STATUSES, k=count),
            (f"000-{digits:08d}" for digits in draw(range(10**8), k=count)),
            strict=True,
        )


def _resident_id(birth: str, number: int) -> str:
    first17 = f"{NEVER_ASSIGNED}{birth}{number % 1000:03d}"
    return first17 + resident_id.check_digit(first17)


def _spoiled(row: Row, flaw: Flaw, before: Row) -> Row:
    values = dict(zip(COLUMNS, row, strict=True))
    match flaw:
        case Flaw.CREDIT_CODE:
            values["credit_code"] = _another_last(str(row[0]), credit_code.ALPHABET)
        case Flaw.NAME:
            values["name"] = None
        case Flaw.DATE:
            values["established_on"] = f"{str(values['established_on'])[:4]}-02-30"
        case Flaw.RESIDENT_ID:
            values["representative_id"] = _another_last(str(row[3]), "0123456789X")
        case Flaw.DUPLICATE:
            values["credit_code"] = before[0]
    return tuple(values.values())


def _another_last(code: str, alphabet: str) -> str:
    """The code with another last character, so that its check fails."""
    return code[:-1] + alphabet[(alphabet.index(code[-1]) + 1) % len(alphabet)]
