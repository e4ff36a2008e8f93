"""What can be wrong with an identifier, and whether that refuses it."""

from enum import StrEnum

from schemas.findings import Severity


class Fault(StrEnum):
    """One precise reason; ``message`` is an English sentence that is also the key of its translation."""

    LENGTH = "LENGTH"
    CHARACTER = "CHARACTER"
    SHAPE = "SHAPE"
    DEPARTMENT = "DEPARTMENT"
    DIVISION = "DIVISION"
    BIRTH_DATE = "BIRTH_DATE"
    OLD_FORM = "OLD_FORM"
    CHECK_DIGIT = "CHECK_DIGIT"
    ORGANISATION_CHECK_DIGIT = "ORGANISATION_CHECK_DIGIT"

    @property
    def message(self) -> str:
        """What is wrong and what to do about it."""
        return _MESSAGES[self]

    @property
    def severity(self) -> Severity:
        """ERROR when the identifier is wrong, WARNING when a person should look at it."""
        return Severity.WARNING if self in _WARNINGS else Severity.ERROR


_MESSAGES = {
    Fault.LENGTH: "The number has the wrong length. Count its characters and enter all of them.",
    Fault.CHARACTER: "The number holds a character that such numbers do not have. Look for a letter typed for a digit.",
    Fault.SHAPE: "The code is not built as its standard says. Compare it with the example beside the field.",
    Fault.DEPARTMENT: "The first character names no known registration department. Compare the certificate.",
    Fault.DIVISION: "The part for the administrative division is not a possible one. Compare the document.",
    Fault.BIRTH_DATE: "The date of birth in the number is not a possible date. Compare the document.",
    Fault.OLD_FORM: "This is an old number of 15 digits. Enter the number of 18 characters that replaced it.",
    Fault.CHECK_DIGIT: "The last character does not fit the others: one of them is mistyped. Compare the number.",
    Fault.ORGANISATION_CHECK_DIGIT: "The organisation code in characters 9 to 17 fails its check. Have it confirmed.",
}
_WARNINGS = frozenset({Fault.DEPARTMENT, Fault.ORGANISATION_CHECK_DIGIT})
