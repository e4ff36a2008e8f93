"""The documents of an evidence bundle against the entries that speak of them, and the agencies' signatures.

The hub signs a bundle's manifest with a key that the portal holds, so nothing counts by that signature alone: what a
document says is said by a proven entry too, in the clear or by a salted digest. Entries from before there were such
digests are told plainly. Of what left, each entry has its digest by a salt of its own, which lies beside the delivery's
document; entries from before have it in the clear.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from audit.bundle import AGREEMENT, ANSWER, DELIVERY, GRANT, KEYS, RECEIPT, SIGNATURES, wrong
from audit.bundle_entries import (
    Document,
    Entries,
    Entry,
    decoded,
    document,
    exactly,
    listed,
    require_near,
    require_same,
)
from audit.keys import VerifierKey
from audit.log_keys import LogKeys
from audit.salted import CONTENT, salted_digest
from schemas.canonical import canonical_bytes

_MADE = ("rows", "bytes")
_USE = ("purpose", "matter")
_STATED = ("number", "mode", "format")
_MOMENTS = ("requested_at", "prepared_at", "delivered_at")
_DELIVERY_FIELDS = ("id", "grant", "state", *_STATED, *_USE, "sha256", *_MADE, *_MOMENTS)
_KEY_FIELDS = ("public_key", "fingerprint")
_RECEIPT_FIELDS = ("sha256", "accepted", "receipt", "key", "signature")
_RECEIPT_IN_THE_CLEAR = ("accepted", "key")


@dataclass(frozen=True)
class _Key:
    """An agency's key as its registration has it."""

    agency_id: str
    key: VerifierKey


@dataclass
class _Case:
    """A bundle while it is checked.

    Attributes:
        about: the delivery's subject.
        salts: of the digests that entries have of what left, by entry.
        left: entries that vouch for the digest of what left.
        unvouched: what no entry speaks of, so that the hub's signature alone stands for it.
    """

    files: Mapping[str, bytes]
    entries: Entries
    about: str
    keys: dict[str, _Key] = field(default_factory=dict)
    salts: dict[str, str] = field(default_factory=dict)
    left: list[Entry] = field(default_factory=list)
    unvouched: list[str] = field(default_factory=list)

    def content(self, name: str, said: Document, entry: Entry, what: str) -> None:
        """A document is the one that its entry has the salted digest of."""
        if CONTENT not in entry.after:
            self.unvouched.append(what)
        elif not self.proven(name, said, entry):
            self.unvouched.append(f"{what} (the entry's details were destroyed)")

    def proven(self, name: str, said: Document, entry: Entry) -> bool:
        """The same; False where the salt was destroyed, by which it could be told."""
        if "salt" not in said and self.entries.of("personal.destroyed", f"evidence/{entry.id}"):
            return False
        stated = {key: value for key, value in said.items() if key != "salt"}
        if salted_digest(str(said.get("salt", "")), stated) != entry.after[CONTENT]:
            raise wrong(name, "is not the one whose digest its entry has")
        return True

    def bytes_left(self, sha256: str, entry: Entry, in_the_clear: object) -> None:
        """What left is what its entry has the digest of, salted or, in entries from before, in the clear."""
        if CONTENT not in entry.after:
            require_same(DELIVERY, {"sha256": sha256}, {"sha256": in_the_clear}, ("sha256",))
            self.left.append(entry)
            return
        salt = {"salt": self.salts[entry.id]} if entry.id in self.salts else {}
        if self.proven(DELIVERY, {"sha256": sha256, **salt}, entry):
            self.left.append(entry)


def check_documents(files: Mapping[str, bytes], delivery_id: str, keys: LogKeys, entries: Entries) -> tuple[str, str]:
    """Check every document of a bundle.

    Args:
        delivery_id: as the manifest has it.
        entries: all of them, proved.

    Returns:
        the delivery's number, and what holds.
    """
    case = _Case(files, entries, f"delivery/{delivery_id}")
    _keys(case, keys)
    delivery = document(files, DELIVERY)
    case.salts |= delivery.pop("salts", {})
    exactly(delivery, DELIVERY, _DELIVERY_FIELDS)
    if delivery["id"] != delivery_id:
        raise wrong(DELIVERY, "is of another delivery than the manifest says")
    _delivery(case, delivery)
    grant, opened = _grant(case, delivery)
    _releases(case, delivery, opened)
    _matters(case, grant)
    _answer(case, grant)
    signers = _agreement(case, grant)
    said = [_file(case, delivery), f"agreement signed with {signers} keys", _receipt(case, delivery, grant)]
    if case.unvouched:
        said.append(f"vouched for by the hub's signature alone, by no entry: {', '.join(case.unvouched)}")
    return str(delivery["number"]), "; ".join(said)


def _keys(case: _Case, keys: LogKeys) -> None:
    """Agencies' keys as they were registered; whose they are is said by the entry alone."""
    read = document(case.files, KEYS, ("log", "agencies"))
    if not {*str(keys).split()} <= {*read["log"]}:
        raise wrong(KEYS, "has other keys of the log than yours")
    registered = {each.after.get("fingerprint"): each for each in case.entries.kinds("key.registered")}
    for each in listed(read["agencies"], KEYS):
        public, fingerprint = (exactly(each, KEYS, _KEY_FIELDS)[one] for one in _KEY_FIELDS)
        if not isinstance(public, str) or hashlib.sha256(public.encode()).hexdigest() != fingerprint:
            raise wrong(KEYS, "has a key whose fingerprint is another's")
        entry = registered.get(fingerprint)
        if entry is None or entry.outcome != "DONE" or entry.after.get("public_key") != public:
            raise wrong(KEYS, "has a key that no entry says was registered")
        case.keys[fingerprint] = _Key(str(entry.after.get("agency_id")), VerifierKey("agency", decoded(public, KEYS)))


def _delivery(case: _Case, delivery: Document) -> None:
    requested = case.entries.of("delivery.requested", case.about)
    if len(requested) != 1:
        raise wrong(DELIVERY, "has no entry that it was asked for")
    require_same(DELIVERY, delivery, requested[0].after, _STATED)
    require_near(DELIVERY, delivery["requested_at"], requested[0])
    if requested[0].authority != f"grant/{delivery['grant']}":
        raise wrong(DELIVERY, "is under another grant than its entry says")
    use = {name: delivery[name] for name in (*_USE, "salt") if name in delivery}
    case.content(DELIVERY, use, requested[0], "the delivery's purpose and case")
    states = [each for each in case.entries.kinds("delivery.") if each.subject == case.about and "state" in each.after]
    if delivery["state"] != states[-1].after["state"]:
        raise wrong(DELIVERY, "is in another state than its last entry says")
    for kind, name in (("delivery.prepared", "prepared_at"), ("delivery.delivered", "delivered_at")):
        told = case.entries.of(kind, case.about)
        if (delivery[name] is not None) != bool(told):
            raise wrong(DELIVERY, f"has no entry of {name}, or does not say it")
        for each in told:
            require_near(DELIVERY, delivery[name], each)
            require_same(DELIVERY, delivery, each.after, _MADE)
            case.bytes_left(delivery["sha256"], each, each.after.get("sha256"))
    if delivery["prepared_at"] is None and (delivery["sha256"], delivery["rows"], delivery["bytes"]) != ("", 0, 0):
        raise wrong(DELIVERY, "has no entry that it was prepared")


def _grant(case: _Case, delivery: Document) -> tuple[Document, Entry]:
    grant = document(case.files, GRANT)
    told = [each for each in case.entries.kinds("grant.opened") if each.after.get("number") == delivery["grant"]]
    if grant.get("number") != delivery["grant"] or len(told) != 1 or told[0].outcome != "DONE":
        raise wrong(GRANT, "is another than the delivery's, or has no entry that it was opened")
    said = told[0].after
    require_same(GRANT, grant, said, ("modes", "valid_from", "valid_to"))
    if said.get("items") not in (grant["items"], len(grant["items"])):
        raise wrong(GRANT, "differs in items from its entry")
    shape = grant["row_condition"]
    if said.get("row_condition", {}) != ({**shape, "values": len(shape["values"])} if shape else {}):
        raise wrong(GRANT, "differs in row_condition from its entry")
    case.content(GRANT, grant, told[0], "the grant's purpose, sides, quota and values of the row condition")
    return grant, told[0]


def _releases(case: _Case, delivery: Document, opened: Entry) -> None:
    """What left for the delivery went through the door: of the file as it was made, and of the last bytes of it."""
    for kind in ("delivery.prepared", "delivery.delivered"):
        for told in case.entries.of(kind, case.about):
            about = f"release/{told.after.get('release')}"
            authorised, completed = (case.entries.of(f"release.{one}", about) for one in ("authorised", "completed"))
            if len(authorised) != 1 or len(completed) != 1:
                raise wrong(DELIVERY, f"has no entries of its {about}")
            begun, ended = authorised[0].after, completed[0].after
            grant = f"grant/{begun.get('grant')}", authorised[0].authority, begun.get("mode")
            if grant != (opened.subject, f"grant/{delivery['grant']}", delivery["mode"]):
                raise wrong(DELIVERY, f"is under another grant than its {about}")
            whole = kind == "delivery.prepared" or ended.get("bytes") == delivery["bytes"]
            if whole:
                require_same(DELIVERY, delivery, ended, _MADE if kind == "delivery.prepared" else ("bytes",))
                case.bytes_left(delivery["sha256"], completed[0], ended.get("digest"))


def _file(case: _Case, delivery: Document) -> str:
    """What is said of the file, so that who holds it can compare its digest."""
    if {*case.salts} - {each.id for each in case.entries.all if CONTENT in each.after}:
        raise wrong(DELIVERY, "has a salt of no entry")
    if delivery["sha256"] and not case.left:
        case.unvouched.append("the file's digest (the entries' details were destroyed)")
    return f"its file has the SHA-256 {delivery['sha256']}" if delivery["sha256"] else "not prepared yet"


def _matters(case: _Case, grant: Document) -> None:
    """Every entry belongs to the grant's case, but those about keys and destroyed details."""
    matter = f"application/{grant['application']}" if grant["application"] else ""
    for each in case.entries.all:
        if each.matter != matter and not each.kind.startswith(("key.", "personal.")):
            raise wrong(GRANT, f"belongs to another case than the entry {each.kind}")


def _answer(case: _Case, grant: Document) -> None:
    subject = f"application/{grant['application']}"
    told = case.entries.of("application.answered", subject) if grant["application"] else []
    if bool(told) != bool(grant["application"]) or len(told) != len(case.entries.kinds("application.answered")):
        raise wrong(ANSWER, "has no entry that it was given, or one of another application")
    if not told:
        if ANSWER in case.files:
            raise wrong(ANSWER, "is of no application")
        return
    given = document(case.files, ANSWER)
    entry = max(told, key=lambda each: int(each.after["round"]))
    decided = {each["field_name"]: each["decision"] for each in listed(given.get("items"), ANSWER)}
    if given.get("application") != grant["application"] or decided != entry.after.get("items"):
        raise wrong(ANSWER, "is of another application or decides otherwise than its entry says")
    require_same(ANSWER, given, entry.after, ("number", "round", "late"))
    case.content(ANSWER, given, entry, "the answer's reasons and day")
    agreed = {name for each in told for name, word in each.after["items"].items() if word == "AGREED"}
    if not agreed >= {*grant["items"]}:
        raise wrong(GRANT, "has items that no answer agreed to")


def _agreement(case: _Case, grant: Document) -> int:
    """How many keys signed the agreement: one of each side, registered and in an entry."""
    if not grant["agreement"]:
        if {AGREEMENT, SIGNATURES} & {*case.files} or case.entries.kinds("agreement."):
            raise wrong(AGREEMENT, "is of no grant, or is missing from the grant")
        return 0
    about, agreement = f"agreement/{grant['agreement']}", document(case.files, AGREEMENT)
    proposed, signed, begun = (case.entries.of(f"agreement.{one}", about) for one in ("proposed", "signed", "in_force"))
    if not proposed or not begun or any(each.subject != about for each in case.entries.kinds("agreement.")):
        raise wrong(AGREEMENT, "has no entries that it was drawn up and came into force")
    for each in (*proposed, *signed, *begun):
        require_same(AGREEMENT, agreement, each.after, ("number",))
    require_same(AGREEMENT, agreement, grant, ("purpose", "modes", "row_condition", "quota_rows", "valid_to"))
    if not {each.get("field_name") for each in listed(agreement.get("items"), AGREEMENT)} >= {*grant["items"]}:
        raise wrong(GRANT, "has items that the agreement does not name")
    sides = [_signer(case, each, signed) for each in _signatures(case)]
    if len(sides) != 2 or {*sides} != {grant["requester"], grant["provider"]}:
        raise wrong(SIGNATURES, "are not those of the grant's two sides")
    return len(sides)


def _signatures(case: _Case) -> list[Document]:
    return listed(document(case.files, SIGNATURES, ("signatures",))["signatures"], SIGNATURES)


def _signer(case: _Case, given: Document, signed: list[Entry]) -> str:
    """The agency that a right signature is of."""
    exactly(given, SIGNATURES, ("key", "signature", "signed_at"))
    known = case.keys.get(str(given["key"]))
    if known is None or not known.key.verifies(case.files[AGREEMENT], decoded(given["signature"], SIGNATURES)):
        raise wrong(SIGNATURES, "has a signature that is not right over the agreement")
    told = [each for each in signed if each.after.get("key") == given["key"]]
    if not told:
        raise wrong(SIGNATURES, "are not those that the entries speak of")
    require_near(SIGNATURES, given["signed_at"], told[-1])
    return known.agency_id


def _receipt(case: _Case, delivery: Document, grant: Document) -> str:
    told = case.entries.of("delivery.acknowledged", case.about)
    if len(told) != len(case.entries.kinds("delivery.acknowledged")) or len(told) > 1:
        raise wrong(RECEIPT, "is of another delivery")
    if not told:
        if RECEIPT in case.files:
            raise wrong(RECEIPT, "has no entry that the delivery was acknowledged")
        return "not acknowledged yet"
    receipt = document(case.files, RECEIPT, (*_RECEIPT_FIELDS, "acknowledged_at"))
    clear = _RECEIPT_IN_THE_CLEAR if CONTENT in told[0].after else _RECEIPT_FIELDS
    require_same(RECEIPT, receipt, told[0].after, clear)
    if CONTENT in told[0].after:
        stated = {name: receipt[name] for name in (*_RECEIPT_FIELDS, "salt") if name in receipt}
        case.content(RECEIPT, stated, told[0], "the receipt")
    require_near(RECEIPT, receipt["acknowledged_at"], told[0])
    if receipt["accepted"] and receipt["sha256"] != delivery["sha256"]:
        raise wrong(RECEIPT, "is of other bytes than those delivered")
    if not receipt["signature"]:
        return "receipt recorded" if receipt["accepted"] else "turned down by its receiver"
    of = {"delivery": delivery["id"], "number": delivery["number"], "package_sha256": delivery["sha256"]}
    require_same(RECEIPT, receipt["receipt"], {**of, "receiver": told[0].agency}, (*of, "receiver"))
    known = case.keys.get(str(receipt["key"]))
    signed = canonical_bytes(receipt["receipt"])
    if known is None or not known.key.verifies(signed, decoded(receipt["signature"], RECEIPT)):
        raise wrong(RECEIPT, "has a signature that is not right over it")
    if grant["requester"] and known.agency_id != grant["requester"]:
        raise wrong(RECEIPT, "is signed by another agency than the grant's")
    return f"receipt signed with the key {receipt['key']}"
