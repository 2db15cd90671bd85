"""Asks the platforms whose their users are, for those whom the app has not named."""

import asyncio
import re
from typing import Any

import httpx2
import structlog

from api.outbox.rules import Result
from api.outbox.transports.freshchat import Freshchat
from api.outbox.transports.intercom import Intercom
from api.rules.registry import Registry
from api.webhooks.identity import settle_identity, waiting_identities
from api.wire import ID_PATTERN
from ingestion.platforms.freshchat import calls as freshchat_calls
from ingestion.platforms.intercom import calls as intercom_calls
from store import clock
from store.enums import Platform
from store.platform_settings import PlatformSettings, PlatformsFile
from store.session import Store

LOOKED_EVERY_SECONDS = 2.0
TIMEOUT_SECONDS = 10.0
AT_ONCE = 20
_log = structlog.get_logger()


class LookingUp:
    """Users wait at most seconds for their first look-up: a chat that may get no person is answered after it."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry
        self._file = PlatformsFile(store.settings)

    async def run(self) -> None:
        """Look up until cancelled."""
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
            while True:
                for settings in self._file.current().askable:
                    await self.look_up(client, settings)
                await asyncio.sleep(LOOKED_EVERY_SECONDS)

    async def look_up(self, client: httpx2.AsyncClient, settings: PlatformSettings) -> int:
        """Ask for those who wait on one platform; how many were settled. One that fails ends the round: nobody's try is spent."""
        with self._store.read() as connection:
            waiting = waiting_identities(
                connection,
                settings.platform,
                clock.now(),
                every_seconds=settings.look_up_every_seconds,
                limit=AT_ONCE,
            )
        for number, platform_user_id in enumerate(waiting):
            is_answered, user_id = await _ask(client, settings, platform_user_id)
            if not is_answered:
                return number
            await self._store.writer.submit(
                settle_identity, self._registry.current(), settings.platform, platform_user_id, user_id, clock.now()
            )
        return len(waiting)


async def _ask(
    client: httpx2.AsyncClient, settings: PlatformSettings, platform_user_id: str
) -> tuple[bool, str | None]:
    """Whether the platform answered, and the app's id that it has."""
    if settings.platform is Platform.INTERCOM:
        attempt = await Intercom(client, settings).ask(intercom_calls.contact(platform_user_id))
        read = intercom_calls.app_user_id
    else:
        attempt = await Freshchat(client, settings).ask(freshchat_calls.user(platform_user_id))
        read = freshchat_calls.app_user_id
    if attempt.result not in {Result.DONE, Result.REFUSED}:
        _log.warning("identity.not_answered", platform=settings.platform, reason=attempt.reason)
        return False, None
    return True, _app_id(read(attempt.answer)) if isinstance(attempt.answer, dict) else None


def _app_id(found: Any) -> str | None:
    """What is no id of the app's form was made up by somebody else."""
    return found if isinstance(found, str) and re.fullmatch(ID_PATTERN, found) else None
