"""The catalogue entries of the demo, as their compilers type them."""

from typing import Any

from schemas.words import (
    DataType,
    IdentifierKind,
    Mode,
    OpenAttribute,
    ResourceClass,
    SecrecyLevel,
    Sensitivity,
    ShareAttribute,
    SubjectKind,
    UpdateCycle,
)

Fields = dict[str, Any]
ALL_MODES = [str(mode) for mode in Mode]
DUTY_CONDITION = "用于依法履行税收征管、社会保险、市场监管等法定职责"
MARKET_SYSTEM = "市场主体登记系统"
CIVIL_SYSTEM = "区划地名管理系统"


def _item(name: str, field_name: str, length: int | None, **more: Any) -> Fields:
    """A text item that everybody may have; a length of None is for what is no text."""
    return {
        "name": name,
        "field_name": field_name,
        "data_type": DataType.CHARACTER,
        "length": length,
        "share_attribute": ShareAttribute.UNIVERSAL,
        "open_attribute": OpenAttribute.UNCONDITIONAL,
        "sensitivity": Sensitivity.NONE,
        **more,
    }


def _asked(name: str, field_name: str, length: int | None, **more: Any) -> Fields:
    """A text item to be had on request."""
    sharing = {
        "share_attribute": ShareAttribute.ON_REQUEST,
        "share_condition": DUTY_CONDITION,
        "open_attribute": OpenAttribute.NOT_OPEN,
    }
    return _item(name, field_name, length, **(sharing | more))


DIVISIONS: Fields = {
    "name": "全国行政区划代码",
    "abstract": "全国省、市、县、乡、村五级行政区划的代码、名称与上下级关系",
    "keywords": ["行政区划", "地名", "代码"],
    "resource_class": ResourceClass.BASE,
    "theme": "GEOGRAPHY",
    "classification_code": "103001",
    "system_name": CIVIL_SYSTEM,
    "format": "DATABASE",
    "update_cycle": UpdateCycle.YEARLY,
    "subject_kind": SubjectKind.OTHER,
    "modes": ALL_MODES,
    "parallel_approval": False,
    "secrecy_level": SecrecyLevel.NON_SECRET,
    "network": "GOVERNMENT_EXTRANET",
}
DIVISION_ITEMS = [
    _item("区划代码", "code", 12, nullable=False, is_key=True, identifier_kind=IdentifierKind.DIVISION_CODE),
    _item("区划名称", "name", 60, nullable=False),
    _item("级别", "level", 10, nullable=False),
    _item("上级区划代码", "parent_code", 12, identifier_kind=IdentifierKind.DIVISION_CODE),
]

LEGAL_ENTITIES: Fields = {
    "name": "市场主体登记信息",
    "abstract": "在本市登记的企业、农民专业合作社与个体工商户的登记事项",
    "keywords": ["市场主体", "法人", "登记", "营业执照"],
    "resource_class": ResourceClass.BASE,
    "theme": "LEGAL_ENTITIES",
    "classification_code": "102001",
    "system_name": MARKET_SYSTEM,
    "format": "DATABASE",
    "update_cycle": UpdateCycle.DAILY,
    "subject_kind": SubjectKind.ORGANISATION,
    "modes": ALL_MODES,
    "parallel_approval": True,
    "secrecy_level": SecrecyLevel.NON_SECRET,
    "network": "GOVERNMENT_EXTRANET",
}
_PERSONAL = {"sensitivity": Sensitivity.PERSONAL_PRIVACY}
REPRESENTATIVE_ID = "representative_id"
LEGAL_ENTITY_ITEMS = [
    _asked("统一社会信用代码", "credit_code", 18, nullable=False, is_key=True, identifier_kind="CREDIT_CODE"),
    _asked("名称", "name", 200, nullable=False),
    _asked("法定代表人姓名", "representative_name", 60, nullable=False, **_PERSONAL),
    _asked("法定代表人证件号码", REPRESENTATIVE_ID, 18, nullable=False, identifier_kind="RESIDENT_ID", **_PERSONAL),
    _asked("主体类型", "entity_type", 40, nullable=False),
    _asked("注册资本", "registered_capital", None, data_type=DataType.INTEGER, description="单位为分"),
    _asked("成立日期", "established_on", None, data_type=DataType.DATE, nullable=False),
    _asked("住所区划代码", "division_code", 12, identifier_kind=IdentifierKind.DIVISION_CODE),
    _asked("住所", "address", 200),
    _asked("经营范围", "business_scope", 2000),
    _asked("登记状态", "status", 20, nullable=False),
    _asked("联系电话", "phone", 20, **_PERSONAL),
]

CASES: Fields = {
    "name": "涉恐重点人员管控信息",
    "abstract": "公安机关依法掌握的涉恐重点人员的身份与管控措施",
    "keywords": ["反恐", "重点人员"],
    "resource_class": ResourceClass.DEPARTMENT,
    "classification_code": "307004",
    "format": "DATABASE",
    "update_cycle": UpdateCycle.IRREGULAR,
    "subject_kind": SubjectKind.PERSON,
    "modes": [],
    "parallel_approval": False,
    "secrecy_level": SecrecyLevel.NON_SECRET,
    "network": "DEDICATED",
}
COUNTER_TERRORISM_LAW = {
    "kind": "LAW",
    "document": "中华人民共和国反恐怖主义法",
    "number": "主席令第36号",
    "article": "第四十八条",
}


def case_items(basis: Fields | None) -> list[Fields]:
    """Items of the public security bureau's entry, not shared, with or without the basis that this needs."""
    kept = {
        "share_attribute": ShareAttribute.NO_SHARING,
        "basis": basis,
        "open_attribute": OpenAttribute.NOT_OPEN,
        "sensitivity": Sensitivity.PERSONAL_PRIVACY,
    }
    return [
        _item("公民身份号码", "resident_id", 18, is_key=True, identifier_kind=IdentifierKind.RESIDENT_ID, **kept),
        _item("姓名", "name", 60, **kept),
        _item("管控措施", "measure", 200, **kept),
    ]
