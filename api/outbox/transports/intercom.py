"""Messages to Intercom."""

from datetime import timedelta

import httpx2

from api.outbox.rules import Attempt, Result
from api.outbox.service import Claimed
from api.outbox.transports.exchange import ask
from ingestion.platforms.intercom import calls
from ingestion.platforms.requests import Call, NotSendable, Sender
from store.platform_settings import PlatformSettings

CLOCKS_DIFFER_BY = timedelta(minutes=2)


class Intercom:
    """As one admin of the workspace. `settings` has a token and a sender id."""

    def __init__(self, client: httpx2.AsyncClient, settings: PlatformSettings) -> None:
        self._client = client
        self._settings = settings
        self._sender = Sender(settings.sender_id or "", settings.groups)

    @property
    def timeout_seconds(self) -> float:
        return self._settings.timeout_seconds

    async def ask(self, call: Call) -> Attempt:
        return await ask(self._client, self._settings.base_url, call, calls.HEADERS, self._settings.access_token or "")

    async def send(self, message: Claimed) -> Attempt:
        """Send it once."""
        try:
            call = calls.render(message.kind, message.conversation_id or "", message.payload, self._sender)
        except (NotSendable, KeyError) as error:
            return Attempt(Result.REFUSED, f"{type(error).__name__}: {error}")
        attempt = await self.ask(call)
        if attempt.result is Result.DONE and call.path.endswith("/reply") and isinstance(attempt.answer, dict):
            return Attempt(Result.DONE, platform_message_id=calls.sent_id(attempt.answer))
        return attempt

    async def find(self, message: Claimed, known: frozenset[str]) -> Attempt:
        """Look whether a text is there already: DONE or NOT_FOUND_THERE, or why nobody can say."""
        looked = await self.ask(calls.look_up(message.conversation_id or ""))
        if looked.result is not Result.DONE:
            return looked
        if not isinstance(looked.answer, dict):
            return Attempt(Result.UNKNOWN, "look-up without an answer")
        since = message.created_at - CLOCKS_DIFFER_BY
        found = calls.find_sent(looked.answer, message.payload["text"], self._sender, since, known)
        if found is None:
            return Attempt(Result.NOT_FOUND_THERE, "looked up, not there")
        return Attempt(Result.DONE, platform_message_id=found)
