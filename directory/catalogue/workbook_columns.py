"""The columns of the offline workbook: what each is called in both languages, and which values its cells may hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from schemas.code_lists import code_lists
from schemas.profile import FieldRule, profile

ENTRIES = "目录 Entries"
ITEMS = "数据项 Items"
CODES = "代码 Codes"
NUMBER = "number"
"""Joins the items with their entry; it is the workbook's own and kept nowhere."""
BASIS = "basis_"
GROUNDS = {
    "BASIC_DATA": ("基础性、基准性、标识性数据", "Basic, reference or identifying data"),
    "PROVIDER_DECIDED": ("提供方同意无条件共享", "The provider shares it without condition"),
    "LEADING_GROUP_DECIDED": ("领导小组决定", "The leading group decided it"),
}


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: the field's key in the metadata profile; ``basis_KEY`` for a part of the basis.
        kind: as in the profile: text, texts, code, codes, number or flag.
        words: for codes: code to its Chinese and English word.
    """

    key: str
    zh: str
    en: str
    kind: str = "text"
    required: bool = False
    words: Mapping[str, tuple[str, str]] | None = None

    @property
    def titles(self) -> tuple[str, str, str]:
        """What a header may say."""
        return self.zh, self.en, self.key


_ENTRY = (
    ("name", "资源名称", "Name"),
    ("abstract", "摘要", "Abstract"),
    ("keywords", "关键字", "Keywords"),
    ("resource_class", "资源分类", "Class"),
    ("theme", "主题", "Theme"),
    ("classification_code", "分类代码", "Classification code"),
    ("system_name", "所属信息系统", "Information system"),
    ("format", "资源格式", "Format"),
    ("update_cycle", "更新周期", "Update cycle"),
    ("subject_kind", "描述对象", "About"),
    ("modes", "共享方式", "Modes of sharing"),
    ("parallel_approval", "用于并联审批", "Used in parallel approval"),
    ("secrecy_level", "密级", "Secrecy level"),
    ("network", "所在网络", "Network"),
)
_ITEM = (
    ("name", "数据项名称", "Item"),
    ("field_name", "字段名", "Field"),
    ("data_type", "数据类型", "Type"),
    ("length", "长度", "Length"),
    ("scale", "小数位", "Decimals"),
    ("nullable", "可为空", "May be empty"),
    ("is_key", "主键", "Key"),
    ("identifier_kind", "标识类型", "Identifier"),
    ("on_mismatch", "标识不符时", "Failing rows"),
    ("code_list", "代码表", "Code list"),
    ("share_attribute", "共享属性", "Share attribute"),
    ("share_condition", "共享条件", "Condition of sharing"),
    ("open_attribute", "开放属性", "Open attribute"),
    ("sensitivity", "敏感类别", "Sensitivity"),
    ("masking", "脱敏方式", "Masking"),
    ("description", "说明", "Description"),
)
_BASIS = (
    ("kind", "不共享依据：类型", "Basis: kind"),
    ("document", "不共享依据：文件名称", "Basis: document"),
    ("number", "不共享依据：文号", "Basis: number"),
    ("article", "不共享依据：条款", "Basis: article"),
)
_JOIN = Column(NUMBER, "目录序号", "Entry number", required=True)


@cache
def entry_columns() -> tuple[Column, ...]:
    """The columns of the sheet of entries."""
    made = [_column(key, zh, en, profile().entry[key]) for key, zh, en in _ENTRY]
    return (_JOIN, *made, Column("ground", "无条件共享理由", "Ground for universal sharing", "code", words=GROUNDS))


@cache
def item_columns() -> tuple[Column, ...]:
    """The columns of the sheet of data items."""
    made = [_column(key, zh, en, profile().item[key]) for key, zh, en in _ITEM]
    basis = [_column(key, zh, en, profile().basis[key], BASIS) for key, zh, en in _BASIS]
    return (_JOIN, *made, *basis)


def _column(key: str, zh: str, en: str, rule: FieldRule, prefix: str = "") -> Column:
    listed = code_lists()[rule.codes].items if rule.codes else ()
    words = {code.code: (code.zh, code.en) for code in listed}
    return Column(prefix + key, zh, en, rule.kind, rule.required and not prefix, words or None)
