"""Whether a body is from Freshchat: RSA-SHA256 (PKCS#1 v1.5) of the raw bytes, by the account's key."""

import base64
import binascii
import re
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

HEADER = "X-Freshchat-Signature"
_LABEL = re.compile(r"-----(BEGIN|END) [A-Z ]+-----")


class KeyUnreadable(Exception):
    """The configured text is no RSA public key."""


def find_fault(body: bytes, signature: str | None, public_keys: Sequence[str]) -> str | None:
    """Why the signature does not fit the bytes; None if it fits one of the keys. Raises `KeyUnreadable`."""
    if not signature:
        return f"There is no {HEADER} header."
    keys = [read_key(text) for text in public_keys]
    try:
        given = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return f"{HEADER} is no base64."
    if base64.b64encode(given).decode() != signature:
        return f"{HEADER} is no base64 as it is written: its last characters stand for nothing."
    if any(_fits(key, given, body) for key in keys):
        return None
    if all(len(given) * 8 != key.key_size for key in keys):
        return f"The signature has {len(given) * 8} bits, and no configured key has."
    return "The bytes were signed with another key, or are not those that were signed."


@lru_cache(maxsize=8)
def read_key(text: str) -> RSAPublicKey:
    """A key as the account's page shows it: on one line or many, and labelled RSA PUBLIC KEY although it is
    SubjectPublicKeyInfo inside. Raises `KeyUnreadable`."""
    encoded = "".join(_LABEL.sub("", text.replace("\\n", "\n")).split())
    try:
        key = load_der_public_key(base64.b64decode(encoded, validate=True))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnreadable("A configured key is no public key.") from error
    if not isinstance(key, RSAPublicKey):
        raise KeyUnreadable("A configured key is a public key, but not of RSA.")
    return key


def _fits(key: RSAPublicKey, signature: bytes, body: bytes) -> bool:
    try:
        key.verify(signature, body, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True
