import base64
import hashlib
import hmac
import string

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from ingestion.platforms.freshchat import signature as freshchat
from ingestion.platforms.intercom import signature as intercom
from store.enums import Platform
from tests.chats import SECRET, Chat, public_key, signed

BODY = Chat(Platform.FRESHCHAT, "c1", "user-meera").says(0, "चालीस थाली")


def freshchat_signature(body: bytes = BODY) -> str:
    return signed(Platform.FRESHCHAT, body)[freshchat.HEADER]


def test_intercom_signs_as_anyone_would_compute_it():
    expected = "sha1=" + hmac.new(b"s", b"{}", hashlib.sha1).hexdigest()
    assert intercom.sign(b"{}", "s") == expected
    assert intercom.find_fault(b"{}", expected, ["s"]) is None


def test_two_keys_are_believed_while_one_replaces_the_other():
    old, new = "old-secret", "new-secret"
    for signing in (old, new):
        assert intercom.find_fault(BODY, intercom.sign(BODY, signing), [old, new]) is None
    assert intercom.find_fault(BODY, intercom.sign(BODY, "third"), [old, new]) is not None
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    other_key = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert freshchat.find_fault(BODY, freshchat_signature(), [other_key, public_key()]) is None
    assert freshchat.find_fault(BODY, freshchat_signature(), [other_key]) is not None


@pytest.mark.parametrize("wrong", [None, "", "sha1=", "sha1=é", "x" * 70_000])
def test_what_is_no_signature_is_told_so(wrong: str | None):
    for fault in (intercom.find_fault(BODY, wrong, [SECRET]), freshchat.find_fault(BODY, wrong, [public_key()])):
        assert fault is not None
        assert SECRET not in fault


@given(st.integers(0, 10_000))
def test_no_bit_of_header_or_body_may_differ(number: int):
    for header, find, keys in (
        (intercom.sign(BODY, SECRET), intercom.find_fault, [SECRET]),
        (freshchat_signature(), freshchat.find_fault, [public_key()]),
    ):
        assert find(BODY, _flipped(header.encode(), number).decode("latin-1"), keys) is not None
        assert find(_flipped(BODY, number), header, keys) is not None


def _flipped(octets: bytes, number: int) -> bytes:
    bit = number % (len(octets) * 8)
    changed = bytearray(octets)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def test_json_that_was_written_anew_does_not_fit():
    assert freshchat.find_fault(BODY + b"\n", freshchat_signature(), [public_key()]) is not None
    escaped = BODY.decode().encode("ascii", "backslashreplace")
    assert freshchat.find_fault(escaped, freshchat_signature(), [public_key()]) is not None


def test_a_key_may_be_on_one_line_with_or_without_its_label():
    bare = public_key().splitlines()[1]
    for form in (bare, public_key(), public_key().replace("\n", "\\n"), public_key().replace("RSA PUBLIC", "PUBLIC")):
        assert freshchat.find_fault(BODY, freshchat_signature(), [form]) is None


def test_what_is_no_rsa_key_is_told():
    elliptic = ec.generate_private_key(ec.SECP256R1()).public_key()
    text = elliptic.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for wrong in ("hello", "", text, base64.b64encode(b"no key").decode()):
        with pytest.raises(freshchat.KeyUnreadable):
            freshchat.find_fault(BODY, freshchat_signature(), [wrong])


def test_a_signature_is_written_in_one_way_only():
    """The last letter before the padding has bits that stand for nothing."""
    header = freshchat_signature()
    letters, padding = header.rstrip("="), "=" * header.count("=")
    assert padding
    twins = [letters[:-1] + letter + padding for letter in string.ascii_letters + string.digits + "+/"]
    twins = [twin for twin in twins if twin != header and base64.b64decode(twin) == base64.b64decode(header)]
    assert twins
    for twin in twins:
        assert freshchat.find_fault(BODY, twin, [public_key()]) is not None
