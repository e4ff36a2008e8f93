"""Evidence bundles of which no entry vouches for some part: what is said of it, and that the rest still counts."""

from audit.bundle import DELIVERY, GRANT, RECEIPT
from schemas.canonical import canonical_bytes
from tests.bundles import SHA256, Made, made, made_parts, proved
from tests.unit.audit.test_bundles import SALTS, Act, change, check, left_out, rejected


def test_what_no_entry_speaks_of_is_said_to_be_the_hubs_word_alone() -> None:
    assert "alone" not in check(made().packed())
    said = check(made(old=True).packed())
    assert "vouched for by the hub's signature alone, by no entry: the delivery's purpose and case, the grant's" in said
    assert "the file" not in said.partition("alone")[2], "its digest was in the clear then"
    said = check(destroyed("grant.opened", act=left_out(GRANT, "salt")))
    assert "values of the row condition (the entry's details were destroyed)" in said
    said = check(destroyed("delivery.acknowledged", act=left_out(RECEIPT, "salt")))
    assert "by no entry: the receipt (the entry's details were destroyed)" in said


def destroyed(*kinds: str, act: Act) -> bytes:
    """A bundle some of whose entries have no details any more, so that what would open their digests is gone."""
    files, entries = made_parts()
    act(files)
    gone = [each for each in entries if each["type"].removeprefix("cn.shuniu.") in kinds]
    entries += [
        each
        | {"type": "cn.shuniu.personal.destroyed", "subject": f"evidence/{each['id']}", "id": f"end of {each['id']}"}
        for each in gone
    ]
    return Made(files | proved([canonical_bytes(each) for each in entries])).packed()


def test_the_digest_of_a_file_is_vouched_for_by_any_entry_whose_details_are_left() -> None:
    prepared, completed = sorted(SALTS)
    said = check(destroyed("delivery.prepared", act=change(DELIVERY, salts={completed: SALTS[completed]})))
    assert f"its file has the SHA-256 {SHA256}" in said
    assert "alone" not in said
    both = destroyed("delivery.prepared", "release.completed", act=change(DELIVERY, salts={}))
    assert "by no entry: the file's digest (the entries' details were destroyed)" in check(both)
    one = destroyed("delivery.prepared", act=change(DELIVERY, salts={}))
    assert f"{DELIVERY} is not the one whose digest" in rejected(one), "nobody destroyed the other's"
    kept = destroyed("delivery.prepared", act=change(DELIVERY, sha256="00" * 32))
    assert f"{DELIVERY} is not the one whose digest" in rejected(kept)


def test_another_file_than_that_of_entries_from_before_is_caught() -> None:
    parts = made(old=True)
    assert f"its file has the SHA-256 {SHA256}" in check(parts.packed())
    change(DELIVERY, sha256="00" * 32)(parts.files)
    assert f"{DELIVERY} differs in sha256" in rejected(parts.packed())
