"""Tokens of data subjects: the same person however the number is written, and nothing else in common."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.subjects.blind import TOKEN_SIZE, BlindIndex, SubjectKind, kinds_by_form, normalised
from schemas.identifiers import credit_code, resident_id
from tests import factories

BLIND = BlindIndex(factories.SEALING_KEY)
OTHER_SITE = BlindIndex(base64.urlsafe_b64encode(bytes(32)).decode())
PERSON = "11010119900307851" + resident_id.check_digit("11010119900307851")
CODES = st.integers(0, 99_999_999).map(lambda number: credit_code.make("1", "1", "310000", f"{number:08d}"))


def full_width(text: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


@given(CODES, st.sampled_from(SubjectKind))
def test_however_it_is_written_it_is_the_same_subject(code: str, kind: SubjectKind) -> None:
    token = BLIND.token(kind, code)
    assert len(token) == TOKEN_SIZE
    for written in (code.lower(), full_width(code), f" {code[:6]} {code[6:]}\u3000", full_width(code.lower())):
        assert BLIND.token(kind, written) == token


@given(st.text(), st.text())
def test_different_numbers_kinds_and_sites_have_different_tokens(one: str, other: str) -> None:
    kinds = [SubjectKind.RESIDENT_ID, SubjectKind.CREDIT_CODE]
    assert len({BLIND.token(kind, one) for kind in kinds} | {OTHER_SITE.token(kind, one) for kind in kinds}) == 4
    same = normalised(kinds[1], one) == normalised(kinds[1], other)
    assert (BLIND.token(kinds[1], one) == BLIND.token(kinds[1], other)) == same


def test_an_old_number_of_fifteen_digits_is_the_same_person() -> None:
    assert BLIND.token(SubjectKind.RESIDENT_ID, "110101900307851") == BLIND.token(SubjectKind.RESIDENT_ID, PERSON)
    assert normalised(SubjectKind.CREDIT_CODE, "110101900307851") == "110101900307851"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (PERSON, (SubjectKind.RESIDENT_ID,)),
        ("110101900307851", (SubjectKind.RESIDENT_ID,)),
        (factories.credit_code(7).lower(), (SubjectKind.CREDIT_CODE,)),
        ("办件-1", ()),
        ("", ()),
    ],
)
def test_a_number_nobody_declared_is_known_by_its_form(text: str, kinds: tuple[SubjectKind, ...]) -> None:
    assert kinds_by_form(text) == kinds


def test_tokens_say_nothing_without_the_key() -> None:
    token = BLIND.token(SubjectKind.RESIDENT_ID, PERSON)
    assert token != hashlib.sha256(f"RESIDENT_ID\0{PERSON}".encode()).digest()[:TOKEN_SIZE]
    assert BLIND.digest(b"x") != OTHER_SITE.digest(b"x")
