"""Messages to Freshchat."""

from datetime import timedelta
from typing import Any

import httpx2

from api.outbox.rules import Attempt, Result
from api.outbox.service import Claimed
from api.outbox.transports.exchange import ask
from ingestion.platforms.freshchat import calls
from ingestion.platforms.requests import Call, NotSendable, Sender
from store.enums import OutboxKind
from store.platform_settings import PlatformSettings

CLOCKS_DIFFER_BY = timedelta(minutes=2)
MOST_PAGES = 20


class Freshchat:
    """As one agent of the account. `settings` has a token and a sender id."""

    def __init__(self, client: httpx2.AsyncClient, settings: PlatformSettings) -> None:
        self._client = client
        self._settings = settings
        self._sender = Sender(settings.sender_id or "", settings.groups)

    @property
    def timeout_seconds(self) -> float:
        return self._settings.timeout_seconds

    async def ask(self, call: Call) -> Attempt:
        return await ask(self._client, self._settings.base_url, call, {}, self._settings.access_token or "")

    async def send(self, message: Claimed) -> Attempt:
        """Send it once."""
        try:
            if message.kind is OutboxKind.SEND_USER_CONTEXT:
                return await self._send_user_context(message.payload["platformUserId"], message.payload["attributes"])
            call = calls.render(message.kind, message.conversation_id or "", message.payload, self._sender)
        except (NotSendable, KeyError) as error:
            return Attempt(Result.REFUSED, f"{type(error).__name__}: {error}")
        attempt = await self.ask(call)
        is_text = message.kind is OutboxKind.SEND_MESSAGE
        if attempt.result is Result.DONE and is_text and isinstance(attempt.answer, dict):
            return Attempt(Result.DONE, platform_message_id=calls.sent_id(attempt.answer))
        return attempt

    async def find(self, message: Claimed, known: frozenset[str]) -> Attempt:
        """Look whether a text is there already: DONE or NOT_FOUND_THERE, or why nobody can say."""
        since = message.created_at - CLOCKS_DIFFER_BY
        looked = await self.messages(message.conversation_id or "")
        if looked.result is not Result.DONE:
            return looked
        found = calls.find_sent(looked.answer, message.payload["text"], self._sender, since, known)
        if found is None:
            return Attempt(Result.NOT_FOUND_THERE, "looked up, not there")
        return Attempt(Result.DONE, platform_message_id=found)

    async def messages(self, conversation_id: str) -> Attempt:
        """Every message of a conversation as `answer`, up to some pages."""
        found: list[dict[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            looked = await self.ask(calls.messages(conversation_id, page))
            if looked.result is not Result.DONE:
                return looked
            if not isinstance(looked.answer, dict):
                return Attempt(Result.UNKNOWN, "look-up without an answer")
            batch = looked.answer.get("messages") or []
            found += batch
            if len(batch) < calls.PAGE:
                break
        return Attempt(Result.DONE, answer=found)

    async def _send_user_context(self, platform_user_id: str, attributes: dict[str, Any]) -> Attempt:
        there = await self.ask(calls.user(platform_user_id))
        if there.result is not Result.DONE:
            return there
        if not isinstance(there.answer, dict):
            return Attempt(Result.UNKNOWN, "user without an answer")
        return await self.ask(calls.user_context(platform_user_id, there.answer, attributes))
