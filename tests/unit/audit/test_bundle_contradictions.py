"""A hub whose log says what it likes: every proof of the bundle is right, and yet its parts contradict one another."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from adapters.errors import InvalidInput
from audit.bundle import AGREEMENT, ANSWER, DELIVERY, GRANT, KEYS, RECEIPT, SIGNATURES
from audit.bundle_check import check_bundle
from audit.salted import salted_digest
from schemas.canonical import canonical_bytes
from tests.bundles import DELIVERY_ID, MATTER, PUBLIC, Document, Made, made_parts, proved

SALTED = {
    DELIVERY: "delivery.requested",
    GRANT: "grant.opened",
    ANSWER: "application.answered",
    RECEIPT: "delivery.acknowledged",
}
LATER = "2026-03-01T08:00:05.000000Z"
MUCH_LATER = "2026-03-01T09:00:00+00:00"
ABOUT = f"delivery/{DELIVERY_ID}"
OTHER = "delivery/00000000-0000-0000-0000-000000000000"
NOT_MADE = {"sha256": "", "rows": 0, "bytes": 0, "prepared_at": None, "state": "REQUESTED", "salts": {}}


class Told:
    """The documents of a bundle and the entries about them, before they are proved and packed."""

    def __init__(self) -> None:
        self.files, self.entries = made_parts()

    def read(self, name: str) -> Document:
        document: Document = orjson.loads(self.files[name])
        return document

    def of(self, kind: str) -> list[Document]:
        return [each for each in self.entries if each["type"].startswith(f"cn.shuniu.{kind}")]

    def checked(self) -> str:
        parts = Made(self.files | proved([canonical_bytes(each) for each in self.entries]))
        return check_bundle(parts.packed(), PUBLIC)

    def refused(self) -> str:
        with pytest.raises(InvalidInput) as caught:
            self.checked()
        return str(caught.value)


Act = Callable[[Told], object]


def both(*acts: Act) -> Act:
    return lambda told: [act(told) for act in acts]


def document(name: str, **values: object) -> Act:
    """Change a document, and the digest that its entry has of it."""

    def act(told: Told) -> None:
        read = told.read(name) | values
        told.files[name] = canonical_bytes(read)
        parts = ("purpose", "matter") if name == DELIVERY else read.keys() - {"salt", "acknowledged_at"}
        for entry in told.of(SALTED[name]) if name in SALTED else []:
            content = salted_digest(read["salt"], {part: read[part] for part in parts})
            entry["data"]["after"]["content"] = content

    return act


def after(kind: str, **values: object) -> Act:
    """Let entries of a kind say something else of what was done."""

    def act(told: Told) -> None:
        for entry in told.of(kind):
            entry["data"]["after"] |= values

    return act


def without(kind: str, *names: str) -> Act:
    """Take entries of a kind out, and documents."""

    def act(told: Told) -> None:
        told.entries = [each for each in told.entries if each not in told.of(kind)]
        for name in names:
            del told.files[name]

    return act


def data(kind: str, **values: object) -> Act:
    def act(told: Told) -> None:
        for entry in told.of(kind):
            entry["data"] |= values

    return act


def more(kind: str, like: str, **values: Any) -> Act:
    """One entry more, like another; ``after`` goes into what it says of what was done."""

    def act(told: Told) -> None:
        entry: Document = orjson.loads(orjson.dumps(told.of(like)[-1]))
        entry["data"]["after"] |= values.pop("after", {})
        told.entries.append(entry | {"type": f"cn.shuniu.{kind}"} | values)

    return act


def twice(kind: str) -> Act:
    return more(kind, kind)


def prepared_ahead(told: Told) -> None:
    """Prepared while the clock ran ahead, and acknowledged after it was set right."""
    told.of("delivery.prepared")[0]["time"] = MUCH_LATER
    document(DELIVERY, prepared_at=MUCH_LATER)(told)


def requested_alone(told: Told) -> None:
    """A delivery that was asked for, and no more."""
    without("delivery.acknowledged", RECEIPT)(told)
    without("delivery.prepared")(told)
    document(DELIVERY, **NOT_MADE)(told)


def delivered(told: Told, **ended: object) -> None:
    """A download that ended in two releases, of the file and of its last bytes."""
    more("delivery.delivered", "delivery.prepared", after={"release": "2", "state": "DELIVERED"}, time=LATER)(told)
    acknowledged = told.of("delivery.acknowledged")
    told.entries = [each for each in told.entries if each not in acknowledged] + acknowledged
    more("release.authorised", "release.authorised", subject="release/2")(told)
    more("release.completed", "release.completed", subject="release/2", after=ended)(told)
    document(DELIVERY, delivered_at=LATER)(told)


def no_case(told: Told) -> None:
    """A grant that was opened without an application."""
    without("application.answered", ANSWER)(told)
    document(GRANT, application=None)(told)
    for entry in told.entries:
        entry["data"]["matter"] = None


def no_agreement(told: Told) -> None:
    without("agreement.", AGREEMENT, SIGNATURES)(told)
    document(GRANT, agreement=None)(told)


def signatures(change: Callable[[list[Document]], list[Document]]) -> Act:
    return lambda told: document(SIGNATURES, signatures=change(told.read(SIGNATURES)["signatures"]))(told)


def receipt(**values: object) -> Act:
    """Change the receipt, in its document and in its entry."""
    clear = {name: values[name] for name in ("accepted", "key") if name in values}
    return both(document(RECEIPT, **values), after("delivery.acknowledged", **clear))


def stated(**values: object) -> Act:
    """Change what the receiver stated, in the document and in the entry, as if it had."""
    return lambda told: receipt(receipt=told.read(RECEIPT)["receipt"] | values)(told)


def strange_key(told: Told) -> None:
    keys = told.read(KEYS)
    keys["agencies"].append(keys["agencies"][0] | {"public_key": "AAAA", "fingerprint": FINGERPRINT})
    document(KEYS, **keys)(told)


def key_of_another_fingerprint(told: Told) -> None:
    """The log says so too."""
    first = told.read(KEYS)["agencies"][0] | {"fingerprint": "0" * 64}
    document(KEYS, agencies=[first])(told)
    after("key.registered", fingerprint="0" * 64, public_key=first["public_key"])(told)


FINGERPRINT = "63c1dd951ffedf6f7fd968ad4efa39b8ed584f162f46e715114ee184f8de9201"  # of AAAA
SHAPE = {"field": "a", "operator": "eq"}
TWO_ITEMS = both(document(GRANT, items=["a", "b"]), after("grant.opened", items=["a", "b"]))
AGREED_TWO = both(
    document(
        ANSWER, items=[{"field_name": name, "decision": "AGREED", "reason": "", "basis": None} for name in ("a", "b")]
    ),
    after("application.answered", items={"a": "AGREED", "b": "AGREED"}),
)

CONTRADICTED: list[tuple[Act, str]] = [
    (strange_key, f"{KEYS} has a key that no entry says was registered"),
    (data("key.registered", outcome="REFUSED"), f"{KEYS} has a key that no entry says was registered"),
    (after("key.registered", public_key="AAAA"), f"{KEYS} has a key that no entry says was registered"),
    (key_of_another_fingerprint, f"{KEYS} has a key whose fingerprint is another's"),
    (twice("delivery.requested"), f"{DELIVERY} has no entry that it was asked for"),
    (data("delivery.requested", outcome="REFUSED"), f"{DELIVERY} has no entry that it was asked for"),
    (document(DELIVERY, prepared_at=MUCH_LATER), f"{DELIVERY} is of another time"),
    (after("delivery.prepared", rows=4), f"{DELIVERY} differs in rows"),
    (both(delivered, document(DELIVERY, delivered_at=None)), f"{DELIVERY} has no entry of"),
    (both(requested_alone, document(DELIVERY, sha256="ab" * 32)), f"{DELIVERY} has no entry that it was prepared"),
    (both(requested_alone, document(DELIVERY, rows=1)), f"{DELIVERY} has no entry that it was prepared"),
    (both(requested_alone, document(DELIVERY, bytes=1)), f"{DELIVERY} has no entry that it was prepared"),
    (document(GRANT, number="SX-2"), f"{GRANT} is another than the delivery's"),
    (twice("grant.opened"), f"{GRANT} is another than the delivery's, or has no entry"),
    (data("grant.opened", outcome="REFUSED"), f"{GRANT} is another than the delivery's, or has no entry"),
    (after("grant.opened", items=2), f"{GRANT} differs in items"),
    (
        both(
            document(GRANT, row_condition={**SHAPE, "values": ["1", "2"]}),
            after("grant.opened", row_condition={**SHAPE, "values": 1}),
        ),
        f"{GRANT} differs in row_condition",
    ),
    (without("release.authorised"), f"{DELIVERY} has no entries of its release/1"),
    (twice("release.authorised"), f"{DELIVERY} has no entries of its release/1"),
    (twice("release.completed"), f"{DELIVERY} has no entries of its release/1"),
    (after("release.authorised", grant="2"), f"{DELIVERY} is under another grant than its release/1"),
    (data("release.authorised", authority="grant/SX-2"), f"{DELIVERY} is under another grant than its release/1"),
    (after("release.authorised", mode="ONLINE"), f"{DELIVERY} is under another grant than its release/1"),
    (after("release.completed", rows=4), f"{DELIVERY} differs in rows"),
    (after("release.completed", bytes=4), f"{DELIVERY} differs in bytes"),
    (after("release.completed", content="00" * 32), f"{DELIVERY} is not the one whose digest"),
    (lambda told: delivered(told, content="00" * 32), f"{DELIVERY} is not the one whose digest"),
    (data("agreement.in_force", matter="application/2"), f"{GRANT} belongs to another case"),
    (both(no_case, data("release.", matter=MATTER)), f"{GRANT} belongs to another case"),
    (
        both(no_case, data("grant.opened", matter=None), more("application.answered", "agreement.proposed")),
        f"{ANSWER} has no entry that it was given, or one of another",
    ),
    (
        both(no_case, lambda told: told.files.update({ANSWER: canonical_bytes({"application": None})})),
        f"{ANSWER} is of no application",
    ),
    (
        more("application.answered", "application.answered", subject="application/2"),
        f"{ANSWER} has no entry that it was given, or one of another",
    ),
    (document(ANSWER, application="2"), f"{ANSWER} is of another application"),
    (after("application.answered", items={"a": "REFUSED"}), f"{ANSWER} is of another application or decides"),
    (TWO_ITEMS, f"{GRANT} has items that no answer agreed to"),
    (both(TWO_ITEMS, AGREED_TWO), f"{GRANT} has items that the agreement does not name"),
    (document(GRANT, agreement=None), f"{AGREEMENT} is of no grant"),
    (both(without("agreement.", SIGNATURES), document(GRANT, agreement=None)), f"{AGREEMENT} is of no grant"),
    (both(without("agreement.", AGREEMENT), document(GRANT, agreement=None)), f"{AGREEMENT} is of no grant"),
    (both(without("x", AGREEMENT, SIGNATURES), document(GRANT, agreement=None)), f"{AGREEMENT} is of no grant"),
    (more("agreement.in_force", "agreement.in_force", subject="agreement/2"), f"{AGREEMENT} has no entries that"),
    (after("agreement.proposed", number="XY-2"), f"{AGREEMENT} differs in number"),
    (after("agreement.signed", number="XY-2"), f"{AGREEMENT} differs in number"),
    (after("agreement.in_force", number="XY-2"), f"{AGREEMENT} differs in number"),
    (document(GRANT, purpose="另一用途"), f"{AGREEMENT} differs in purpose"),
    (document(GRANT, quota_rows=10), f"{AGREEMENT} differs in quota_rows"),
    (both(document(GRANT, modes=["ONLINE"]), after("grant.opened", modes=["ONLINE"])), f"{AGREEMENT} differs in modes"),
    (
        both(document(GRANT, valid_to="2027-01-01"), after("grant.opened", valid_to="2027-01-01")),
        f"{AGREEMENT} differs in valid_to",
    ),
    (
        both(
            document(GRANT, row_condition={**SHAPE, "values": ["1"]}),
            after("grant.opened", row_condition={**SHAPE, "values": 1}),
        ),
        f"{AGREEMENT} differs in row_condition",
    ),
    (signatures(lambda given: [*given, given[0]]), f"{SIGNATURES} are not those of the grant's two sides"),
    (document(GRANT, requester="x"), f"{SIGNATURES} are not those of the grant's two sides"),
    (document(GRANT, provider="x"), f"{SIGNATURES} are not those of the grant's two sides"),
    (signatures(lambda given: [each | {"signed_at": MUCH_LATER} for each in given]), f"{SIGNATURES} is of another"),
    (signatures(lambda given: [each | {"signature": "AAAA"} for each in given]), f"{SIGNATURES} has a signature"),
    (signatures(lambda given: [each | {"key": FINGERPRINT} for each in given]), f"{SIGNATURES} has a signature"),
    (after("agreement.signed", key=FINGERPRINT), f"{SIGNATURES} are not those that the entries speak of"),
    (twice("delivery.acknowledged"), f"{RECEIPT} is of another delivery"),
    (
        more("delivery.acknowledged", "delivery.acknowledged", subject=OTHER),
        f"{RECEIPT} is of another delivery",
    ),
    (
        both(without("delivery.acknowledged"), document(DELIVERY, state="PREPARED")),
        f"{RECEIPT} has no entry that the delivery was acknowledged",
    ),
    (document(RECEIPT, acknowledged_at=MUCH_LATER), f"{RECEIPT} is of another time"),
    (receipt(sha256="00" * 32), f"{RECEIPT} is of other bytes than those delivered"),
    *((stated(**{name: "x"}), f"{RECEIPT} differs in {name}") for name in ("delivery", "number", "package_sha256")),
    (stated(receiver="gives"), f"{RECEIPT} differs in receiver"),
    (stated(verdict="REJECTED"), f"{RECEIPT} has a signature that is not right over it"),
    (receipt(signature="AAAA"), f"{RECEIPT} has a signature that is not right over it"),
    (receipt(key=FINGERPRINT), f"{RECEIPT} has a signature that is not right over it"),
    (both(no_agreement, document(GRANT, requester="x")), f"{RECEIPT} is signed by another agency"),
]


@pytest.mark.parametrize(("act", "said"), CONTRADICTED)
def test_parts_that_contradict_one_another_do_not_hold(act: Act, said: str) -> None:
    told = Told()
    act(told)
    assert f"does not hold: {said}" in told.refused()


def destroyed(told: Told) -> None:
    told.entries.append(
        told.of("grant.opened")[0]
        | {"type": "cn.shuniu.personal.destroyed", "subject": f"evidence/{told.of('grant.opened')[0]['id']}"}
    )


def test_whoever_destroyed_the_salt_and_gives_one_is_held_to_the_digest() -> None:
    told = Told()
    destroyed(told)
    assert "alone" not in told.checked()
    told.files[GRANT] = canonical_bytes(told.read(GRANT) | {"quota_rows": 10})
    assert f"{GRANT} is not the one whose digest its entry has" in told.refused()


HOLDS: list[tuple[Act, str]] = [
    (more("delivery.bundle_taken", "agreement.proposed", subject=ABOUT, time=LATER), "receipt signed with the key"),
    (more("delivery.requested", "delivery.requested", subject=OTHER, time=LATER), "receipt signed with the key"),
    (more("grant.opened", "grant.opened", subject="grant/2", after={"number": "SX-2"}), "agreement signed with 2 keys"),
    (requested_alone, "not acknowledged yet"),
    (delivered, "receipt signed with the key"),
    (prepared_ahead, "receipt signed with the key"),
    (lambda told: delivered(told, bytes=9, content="00" * 32), "receipt signed with the key"),
    (after("grant.opened", items=1), "agreement signed with 2 keys"),
    (no_case, "agreement signed with 2 keys"),
    (no_agreement, "agreement signed with 0 keys"),
    (receipt(signature=""), "receipt recorded"),
    (receipt(signature="", accepted=False, sha256="00" * 32), "turned down by its receiver"),
    (
        both(
            no_agreement,
            document(GRANT, row_condition={**SHAPE, "values": ["1", "2"]}),
            after("grant.opened", row_condition={**SHAPE, "values": 2}),
        ),
        "agreement signed with 0 keys",
    ),
]


@pytest.mark.parametrize(("act", "said"), HOLDS)
def test_what_may_be_otherwise_holds(act: Act, said: str) -> None:
    told = Told()
    act(told)
    assert said in told.checked()


def test_the_last_round_of_an_answer_counts_and_items_of_every_round_may_be_granted() -> None:
    told = Told()
    no_agreement(told)
    more("application.answered", "application.answered", after={"items": {"b": "AGREED"}, "round": 0})(told)
    TWO_ITEMS(told)
    assert "the bundle of delivery JF-1 holds" in told.checked()
    told.of("application.answered")[-1]["data"]["after"]["items"] = {"b": "REFUSED"}
    assert f"{GRANT} has items that no answer agreed to" in told.refused()


def test_a_bundle_is_of_the_delivery_that_its_manifest_names() -> None:
    told = Told()
    document(DELIVERY, id="1")(told)
    assert f"{DELIVERY} is of another delivery than the manifest says" in told.refused()
