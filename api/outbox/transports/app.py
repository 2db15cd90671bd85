"""Order changes to the app's own URL, signed, so that the app can believe them."""

import hashlib
import hmac
import json
from collections.abc import Sequence

import httpx2

from api.outbox.rules import Attempt, Result
from api.outbox.service import Claimed
from api.outbox.transports.exchange import exchange
from api.wire import rupees
from store import clock
from store.platform_settings import AppSettings

SIGNATURE_HEADER = "X-Supportled-Signature"


class App:
    """The app may get a request more than once: `requestId`, which is the Idempotency-Key too, tells."""

    timeout_seconds = 10.0

    def __init__(self, client: httpx2.AsyncClient, settings: AppSettings) -> None:
        self._client = client
        self._settings = settings

    async def send(self, message: Claimed) -> Attempt:
        """Send it once; `answer` is the app's."""
        body = dict(message.payload)
        body["discount"] = rupees(body.pop("discountPaise", None))
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": body["requestId"],
            SIGNATURE_HEADER: sign(content, self._settings.signing_secrets, int(clock.now().timestamp())),
        }
        return await exchange(self._client, "POST", self._settings.url, headers=headers, content=content)

    async def find(self, message: Claimed, known: frozenset[str]) -> Attempt:  # noqa: ARG002 - called as the others are
        """Nothing is lost by asking the app again, so it counts as not there."""
        return Attempt(Result.NOT_FOUND_THERE, "the app is asked again")


def sign(content: bytes, secrets: Sequence[str], unix_seconds: int) -> str:
    """`t=<unix seconds>,v1=<hex>`, a v1 for each secret: HMAC-SHA256 over the seconds, a dot, and the body's bytes."""
    signed = f"{unix_seconds}.".encode() + content
    marks = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={unix_seconds}", *(f"v1={mark}" for mark in marks)])
