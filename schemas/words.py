"""The words of the rules that code branches on. A value is its own name; how a regime calls it is a code list."""

from enum import StrEnum


class ShareAttribute(StrEnum):
    """共享属性 of a data item ([M] Art. 8)."""

    UNIVERSAL = "UNIVERSAL"
    ON_REQUEST = "ON_REQUEST"
    NO_SHARING = "NO_SHARING"


class OpenAttribute(StrEnum):
    """公开属性 of a data item, independent of the share attribute ([M] Art. 9)."""

    UNCONDITIONAL = "UNCONDITIONAL"
    CONDITIONAL = "CONDITIONAL"
    NOT_OPEN = "NOT_OPEN"


class Mode(StrEnum):
    """The four ways of sharing ([M] Art. 16)."""

    INTERFACE = "INTERFACE"
    FILES = "FILES"
    BROWSE = "BROWSE"
    OFFLINE = "OFFLINE"


class BasisKind(StrEnum):
    """What a classification or a refusal rests on ([M] Art. 8, 14)."""

    LAW = "LAW"
    REGULATION = "REGULATION"
    RULE = "RULE"
    POLICY = "POLICY"
    OTHER = "OTHER"


class Sensitivity(StrEnum):
    """What an item would give away ([M] Art. 5, 15)."""

    NONE = "NONE"
    PERSONAL_PRIVACY = "PERSONAL_PRIVACY"
    COMMERCIAL_SECRET = "COMMERCIAL_SECRET"
    STATE_SECRET = "STATE_SECRET"
    WORK_SECRET = "WORK_SECRET"

    @property
    def needs_agreement(self) -> bool:
        """Whether a secrecy agreement must be signed before delivery ([M] Art. 15)."""
        return self is not Sensitivity.NONE


class SecrecyLevel(StrEnum):
    """涉密属性 of a whole resource (发改高技术〔2017〕1272号; work secrets: 国令809号 Art. 3)."""

    NON_SECRET = "NON_SECRET"
    WORK_SECRET = "WORK_SECRET"
    STATE_SECRET = "STATE_SECRET"


class UpdateCycle(StrEnum):
    """更新周期 a provider promises."""

    REAL_TIME = "REAL_TIME"
    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    TEN_DAYS = "TEN_DAYS"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    HALF_YEARLY = "HALF_YEARLY"
    YEARLY = "YEARLY"
    IRREGULAR = "IRREGULAR"

    @property
    def at_most_daily(self) -> bool:
        """Whether the data changes daily or faster, our reading of 变化频繁 in [M] Art. 16 (R46)."""
        return self in {UpdateCycle.REAL_TIME, UpdateCycle.HOURLY, UpdateCycle.DAILY}


class DataType(StrEnum):
    """The eleven data types of a data item (发改高技术〔2017〕1272号)."""

    CHARACTER = "CHARACTER"
    NUMERIC = "NUMERIC"
    MONEY = "MONEY"
    DATE = "DATE"
    DATETIME = "DATETIME"
    LOGICAL = "LOGICAL"
    MEMO = "MEMO"
    GENERAL = "GENERAL"
    DOUBLE = "DOUBLE"
    INTEGER = "INTEGER"
    FLOAT = "FLOAT"

    @property
    def letter(self) -> str:
        """The letter catalogues write for it, such as C for 字符型."""
        return _LETTERS[self]

    @classmethod
    def from_letter(cls, letter: str) -> "DataType":
        """The type a catalogue's letter stands for.

        Raises:
            ValueError: no type has this letter.
        """
        for data_type, its_letter in _LETTERS.items():
            if its_letter == letter:
                return data_type
        raise ValueError(f"No data type has the letter {letter!r}; use one of {', '.join(_LETTERS.values())}.")


_LETTERS = dict(zip(DataType, "CNYDTLMGBIF", strict=True))


class ResourceClass(StrEnum):
    """资源属性: base library, theme, or one department's."""

    BASE = "BASE"
    THEME = "THEME"
    DEPARTMENT = "DEPARTMENT"


class SubjectKind(StrEnum):
    """Whom a resource's rows are about; decides which identifier it must declare ([M] Art. 13)."""

    PERSON = "PERSON"
    ORGANISATION = "ORGANISATION"
    OTHER = "OTHER"


class IdentifierKind(StrEnum):
    """Identifiers whose form the hub can check."""

    CREDIT_CODE = "CREDIT_CODE"
    RESIDENT_ID = "RESIDENT_ID"
    DIVISION_CODE = "DIVISION_CODE"


class Masking(StrEnum):
    """How an item is blurred when it is released."""

    KEEP_LAST_4 = "KEEP_LAST_4"
    HASH = "HASH"
    YEAR_ONLY = "YEAR_ONLY"


class OnMismatch(StrEnum):
    """What becomes of a row whose identifier fails its check."""

    SET_ASIDE = "SET_ASIDE"
    FLAG = "FLAG"
