"""Whether a body is from Intercom: HMAC-SHA1 of the raw bytes with the app's client secret."""

import hashlib
import hmac
import re
from collections.abc import Sequence

HEADER = "X-Hub-Signature"
_SHAPE = re.compile(r"sha1=[0-9a-f]{40}")


def sign(body: bytes, secret: str) -> str:
    """The header that Intercom sends with these bytes."""
    return f"sha1={hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()}"


def find_fault(body: bytes, signature: str | None, secrets: Sequence[str]) -> str | None:
    """Why the signature does not fit the bytes; None if it fits one of the secrets."""
    if not signature:
        return f"There is no {HEADER} header."
    given = signature.encode("utf-8", "replace")
    if any(hmac.compare_digest(given, sign(body, secret).encode()) for secret in secrets):
        return None
    if not _SHAPE.fullmatch(signature):
        return f"{HEADER} is not sha1= and 40 hexadecimal digits in lower case."
    return "The bytes were signed with another secret, or are not those that were signed."
