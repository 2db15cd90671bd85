"""The sweep: reads conversations that changed lately from the platforms, and takes in what never arrived by a webhook."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
import structlog
from sqlalchemy import Connection, Row, bindparam, or_, select, text

from api.logs import places
from api.outbox.rules import Attempt, Result
from api.outbox.transports.freshchat import Freshchat
from api.outbox.transports.intercom import Intercom
from api.platform_sweep.rules import UNDER_WAY, Arrived, missed
from api.webhooks.accepting import accept
from ingestion.platforms.events import PlatformEvent, UnreadableEvent
from ingestion.platforms.freshchat import calls as freshchat_calls
from ingestion.platforms.freshchat import events as freshchat_events
from ingestion.platforms.freshchat import missed as freshchat_missed
from ingestion.platforms.intercom import calls as intercom_calls
from ingestion.platforms.intercom import events as intercom_events
from ingestion.platforms.intercom import missed as intercom_missed
from store import clock
from store.enums import ChatEvent, Platform
from store.platform_settings import PlatformSettings, PlatformsFile
from store.prepared import DIALECTS
from store.session import Store
from store.tables import incidence_timeline, platform_conversations, store_counters, webhook_events
from store.tables.columns import EPOCH

LOOKED_EVERY_SECONDS = 15.0
TIMEOUT_SECONDS = 20.0
MOST_CONVERSATIONS = 500
"""In one sweep of a platform; the next one goes on, for what was taken in is known then."""
_READERS = {Platform.INTERCOM: intercom_events, Platform.FRESHCHAT: freshchat_events}
_log = structlog.get_logger()


class PlatformSilent(Exception):
    """The platform did not answer as it should; the next sweep asks again."""


@dataclass(frozen=True, slots=True)
class Swept:
    conversations: int
    taken_in: int


class Sweeping:
    """Sweeps each connected platform as often as its settings say. Several processes may: one at a time does."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._file = PlatformsFile(store.settings)

    async def run(self) -> None:
        """Sweep until cancelled."""
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
            while True:
                for settings in self._file.current().askable:
                    await self._sweep_if_due(client, settings)
                await asyncio.sleep(LOOKED_EVERY_SECONDS)

    async def _sweep_if_due(self, client: httpx2.AsyncClient, settings: PlatformSettings) -> None:
        with self._store.read() as connection:
            if not is_sweep_due(connection, settings, clock.now()):
                return
        last_at = await self._store.writer.submit(claim_sweep, settings, clock.now())
        if last_at is None:
            return
        try:
            swept = await sweep(self._store, client, settings, looked_back_to(settings, last_at, clock.now()))
        except PlatformSilent as silent:
            await self._store.writer.submit(give_back_sweep, settings, last_at)
            _log.warning("sweep.failed", platform=settings.platform, reason=str(silent))
        except Exception as error:  # noqa: BLE001 - the other platform's sweep goes on
            await self._store.writer.submit(give_back_sweep, settings, last_at)
            _log.error(
                "sweep.failed", platform=settings.platform, error_type=type(error).__name__, places=places(error)
            )
        else:
            _log.info(
                "sweep.done", platform=settings.platform, conversations=swept.conversations, taken_in=swept.taken_in
            )


async def sweep(store: Store, client: httpx2.AsyncClient, settings: PlatformSettings, since: datetime) -> Swept:
    """One sweep of what happened on one platform since an instant; of a conversation that nobody knew, everything.

    Raises `PlatformSilent`; what was taken in before stays.
    """
    if settings.platform is Platform.INTERCOM:
        return await _sweep_intercom(store, Intercom(client, settings), since)
    return await _sweep_freshchat(store, Freshchat(client, settings), since)


async def _sweep_intercom(store: Store, intercom: Intercom, since: datetime) -> Swept:
    ids: list[str] = []
    page: str | None = None
    while len(ids) < MOST_CONVERSATIONS:
        found = _require(await intercom.ask(intercom_calls.changed_since(since, page)))
        ids += [str(each["id"]) for each in found.get("conversations") or [] if each.get("id") is not None]
        page = intercom_calls.next_page(found)
        if page is None:
            break
    taken_in = 0
    for conversation_id in ids:
        conversation = _require(await intercom.ask(intercom_calls.look_up(conversation_id)))
        told = intercom_missed.bodies({**conversation, "id": conversation_id})
        taken_in += await _take_in(store, Platform.INTERCOM, conversation_id, told, since)
    return Swept(len(ids), taken_in)


async def _sweep_freshchat(store: Store, freshchat: Freshchat, since: datetime) -> Swept:
    """Freshchat cannot be asked what changed: conversations that are open or were lately, and those of the same users."""
    with store.read() as connection:
        known = list(connection.execute(_LATELY, {"platform": Platform.FRESHCHAT, "since": since}))
    wanted: dict[str, Row[Any] | None] = {row.conversation_id: row for row in known}
    users = {row.conversation_id: row.platform_user_id for row in known}
    for user_id in {row.platform_user_id for row in known if row.platform_user_id}:
        found = _require(await freshchat.ask(freshchat_calls.conversations_of(user_id)))
        for each in found.get("conversations") or []:
            conversation_id = each.get("id") or each.get("conversation_id")
            if conversation_id is not None and str(conversation_id) not in wanted:
                wanted[str(conversation_id)] = None
                users[str(conversation_id)] = user_id
    taken_in = 0
    for conversation_id, row in wanted.items():
        looked_at = clock.now()
        conversation = _require(await freshchat.ask(freshchat_calls.conversation(conversation_id)))
        messages = _require(await freshchat.messages(conversation_id))
        told = freshchat_missed.message_bodies(conversation_id, users[conversation_id], messages)
        taken_in += await _take_in(store, Platform.FRESHCHAT, conversation_id, told, since)
        if row is not None and row.last_event_at <= looked_at - UNDER_WAY:
            changed = freshchat_missed.state_bodies(
                conversation,
                conversation_id=conversation_id,
                user_id=users[conversation_id],
                is_open=row.is_open,
                agent_id=row.agent_platform_id,
                looked_at=looked_at,
            )
            taken_in += await store.writer.submit(_accept_all, Platform.FRESHCHAT, changed)
    return Swept(len(wanted), taken_in)


def _require(attempt: Attempt) -> Any:
    if attempt.result is not Result.DONE or attempt.answer is None:
        raise PlatformSilent(attempt.reason or "no answer that can be read")
    return attempt.answer


async def _take_in(
    store: Store, platform: Platform, conversation_id: str, told: Sequence[bytes], since: datetime
) -> int:
    read = _READERS[platform].read_event
    bodies = {event.dedup_key: body for body in told if (event := _read(read, body)) is not None}
    events = [event for body in told if (event := _read(read, body)) is not None]
    with store.read() as connection:
        arrived = read_arrived(connection, platform, conversation_id)
        is_known = connection.execute(_KNOWN, {"platform": platform, "conversation": conversation_id}).first()
    found = missed(events, arrived, since=since if is_known else None, at=clock.now())
    lacking = [bodies[event.dedup_key] for event in found]
    return await store.writer.submit(_accept_all, platform, lacking) if lacking else 0


def _accept_all(connection: Connection, platform: Platform, bodies: Sequence[bytes]) -> int:
    read = _READERS[platform].read_delivery
    return sum(accept(connection, read(body), clock.now()) for body in bodies)


def read_arrived(connection: Connection, platform: Platform, conversation_id: str) -> Arrived:
    """What webhooks, and sweeps before, told of a conversation, applied or not."""
    wanted = {"platform": platform, "conversation": conversation_id}
    message_ids: set[str] = set(connection.execute(_ON_TIMELINE, wanted).scalars())
    happenings: list[tuple[ChatEvent, datetime]] = []
    for row in connection.execute(_STORED, wanted):
        if row.body is not None and (event := _read(_READERS[platform].read_event, row.body)) is not None:
            message_ids |= {message.message_id for message in event.messages}
            if event.event_type is not None:
                happenings.append((event.event_type, row.occurred_at))
    return Arrived(frozenset(message_ids), tuple(happenings))


def is_sweep_due(connection: Connection, settings: PlatformSettings, at: datetime) -> bool:
    last = connection.execute(_LAST_SWEEP, {"name": _counter(settings.platform)}).scalar_one_or_none()
    return last is None or last <= _seconds(at) - settings.sweep_every_seconds


def claim_sweep(connection: Connection, settings: PlatformSettings, at: datetime) -> datetime | None:
    """When the last sweep began, if this process is to sweep now (`EPOCH` if there was none); None if another does."""
    name = _counter(settings.platform)
    connection.execute(_BEGIN[connection.dialect.name], {"name": name, "value": 0})
    last = connection.execute(_LAST_SWEEP, {"name": name}).scalar_one()
    wanted = {"name": name, "now": _seconds(at), "last": last}
    is_due = last <= _seconds(at) - settings.sweep_every_seconds
    return EPOCH + timedelta(seconds=last) if is_due and connection.execute(_CLAIM, wanted).rowcount == 1 else None


def give_back_sweep(connection: Connection, settings: PlatformSettings, last_at: datetime) -> None:
    """A sweep came to nothing: the next one looks back as far as this one did."""
    connection.execute(_GIVE_BACK, {"name": _counter(settings.platform), "last": _seconds(last_at)})


def looked_back_to(settings: PlatformSettings, last_at: datetime, at: datetime) -> datetime:
    """From when on a sweep looks: as far back as is configured or, after a pause, to the last one."""
    usual = at - timedelta(seconds=settings.sweep_back_seconds)
    return usual if last_at == EPOCH else min(usual, last_at)


def _counter(platform: Platform) -> str:
    return f"sweep_of_{platform.lower()}"


def _seconds(at: datetime) -> int:
    return int((at - EPOCH).total_seconds())


def _read(read: Callable[[bytes], PlatformEvent], body: bytes) -> PlatformEvent | None:
    try:
        return read(body)
    except UnreadableEvent:
        return None


_CONVERSATIONS = platform_conversations.c
_LATELY = (
    select(platform_conversations)
    .where(
        _CONVERSATIONS.platform == bindparam("platform"),
        or_(
            _CONVERSATIONS.is_open,
            _CONVERSATIONS.last_event_at >= bindparam("since", type_=_CONVERSATIONS.last_event_at.type),
        ),
    )
    .order_by(_CONVERSATIONS.last_event_at.desc())
    .limit(MOST_CONVERSATIONS)
)
_STORED = select(webhook_events.c.body, webhook_events.c.occurred_at).where(
    webhook_events.c.platform == bindparam("platform"),
    webhook_events.c.conversation_id == bindparam("conversation"),
)
_ON_TIMELINE = (
    select(incidence_timeline.c.source_event_id)
    .join(platform_conversations, _CONVERSATIONS.incidence_id == incidence_timeline.c.incidence_id)
    .where(
        _CONVERSATIONS.platform == bindparam("platform"),
        _CONVERSATIONS.conversation_id == bindparam("conversation"),
        incidence_timeline.c.source_event_id.is_not(None),
    )
)
_LAST_SWEEP = select(store_counters.c.value).where(store_counters.c.name == bindparam("name"))
_BEGIN = {name: dialect.insert(store_counters).on_conflict_do_nothing() for name, dialect in DIALECTS.items()}
_KNOWN = select(_CONVERSATIONS.conversation_id).where(
    _CONVERSATIONS.platform == bindparam("platform"), _CONVERSATIONS.conversation_id == bindparam("conversation")
)
_CLAIM = text("UPDATE store_counters SET value = :now WHERE name = :name AND value = :last")
_GIVE_BACK = text("UPDATE store_counters SET value = :last WHERE name = :name")
