"""Policies of witnesses, as C2SP tlog-policy writes them."""

from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import InvalidInput, Misconfigured
from audit.keys import Cosigner, SigningKey, VerifierKey
from audit.note import Note
from audit.witness.policy import Policy, read_policy
from audit.witness.quorum import agreeing

LOG = SigningKey("hub.example/log", bytes(range(32)))
KEYS = [Cosigner("w", Ed25519PrivateKey.from_private_bytes(bytes([number] * 32))).verifier for number in range(6)]
SPECIFICATION = f"""
# The example of the specification.
log {LOG.verifier}

witness X1 {KEYS[0]}
witness X2 {KEYS[1]}\thttps://x2.example/prefix
  witness X3 {KEYS[2]}
group X-witnesses 2 X1 X2 X3

witness Y1 {KEYS[3]}
witness Y2 {KEYS[4]}
witness Y3 {Cosigner.beside("w", bytes(32)).verifier}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""
W = f"witness a {KEYS[0]}\nwitness b {KEYS[1]}\n"


def test_the_specifications_example() -> None:
    policy = Policy.parse(SPECIFICATION)
    assert (policy.logs, policy.witnesses["X2"].url) == ([LOG.verifier], "https://x2.example/prefix")
    for names, enough in (("X1 X2 Y3", True), ("X1 X3 Y1 Y2", True), ("X1 X2 X3", False), ("X1 Y1 Y2", False)):
        assert policy.agreed(names.split()) == enough
    sizes = {"X1": 10, "X2": 7, "X3": 3, "Y1": 5, "Y2": 0}
    assert policy.agreed_size(sizes) == 5
    assert policy.agreed_size(sizes | {"Y2": 9}) == 7
    assert policy.agreed_size({"X1": 10, "X2": 10}) == 0


def test_no_quorum_is_needed_where_the_policy_says_none() -> None:
    assert Policy.parse("quorum none\n").agreed(())


@pytest.mark.parametrize(
    "text",
    [
        "",
        W,
        f"{W}quorum c\n",
        f"{W}quorum a\nquorum a\n",
        f"{W}quorum\n",
        f"{W}quorum a b\n",
        f"{W}something else\nquorum a\n",
        f"{W}witness a {KEYS[2]}\nquorum a\n",
        f"{W}witness c {KEYS[0]}\nquorum a\n",
        f"{W}witness c {VerifierKey('other', KEYS[0].public, 4)}\nquorum a\n",
        f"{W}witness none {KEYS[2]}\nquorum a\n",
        f"{W}witness c {LOG.verifier}\nquorum a\n",
        f"{W}log {KEYS[2]}\nquorum a\n",
        f"{W}witness c\nquorum a\n",
        f"{W}witness c {KEYS[2]} ftp://x\nquorum a\n",
        f"{W}witness c {KEYS[2]} http://x:99999\nquorum a\n",
        f"{W}group g 3 a b\nquorum g\n",
        f"{W}group g 0 a b\nquorum g\n",
        f"{W}group g all\nquorum g\n",
        f"{W}group g any a c\nquorum g\n",
        f"{W}group g 1 a a\nquorum g\n",
        f"{W}group g any g a\nquorum g\n",
        f"{W}group g any a none\nquorum g\n",
        f"{W}group g any a b\ngroup h any a g\nquorum h\n",
        f"{W}group a any b\nquorum a\n",
        f"quorum a\n{W}",
    ],
)
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="Line"):
        Policy.parse(text)


def test_a_policy_has_so_many_witnesses_and_names_so_long_at_most() -> None:
    keys = [Cosigner("w", Ed25519PrivateKey.from_private_bytes(bytes([number] * 32))).verifier for number in range(65)]
    lines = [f"witness w{number} {key}\n" for number, key in enumerate(keys)]
    assert len(Policy.parse("".join([*lines[:64], "quorum w0\n"])).witnesses) == 64
    assert Policy.parse(f"witness {'a' * 100} {KEYS[0]}\nquorum none\n").witnesses
    for text in ("".join([*lines, "quorum w0\n"]), f"witness {'a' * 101} {KEYS[0]}\nquorum none\n"):
        with pytest.raises(InvalidInput, match="Line"):
            Policy.parse(text)


@given(
    st.text(st.sampled_from("ab \n\t#123+"), max_size=60),
    st.sampled_from(["", "quorum ", "group ", "log ", "witness "]),
)
def test_any_text_is_a_policy_or_refused(text: str, word: str) -> None:
    with suppress(InvalidInput):
        assert Policy.parse(f"{word}{text}").quorum == "none"


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "policy"
    for content in (None, b"\xff", b"quorum a\n", b"#" * 1_000_001):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(Misconfigured, match="policy"):
            read_policy(path)


def test_a_cosignature_of_another_checkpoint_counts_for_nothing() -> None:
    witness = Cosigner("w", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    policy = Policy.parse(f"witness a {witness.verifier}\nquorum a\n")
    right = Note(f"hub.example/log\n1\n{'A' * 43}=\n").cosigned(witness, 1_679_315_147)
    assert agreeing(right, policy) == ["a"]
    assert agreeing(Note(right.text.replace("\n1\n", "\n2\n"), right.signatures), policy) == []
