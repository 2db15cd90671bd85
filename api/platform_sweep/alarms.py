"""Alarms over what comes from and goes to others: for the logs, /readyz and /metrics."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import Connection, bindparam, func, select

from api.logs import places
from api.platform_sweep.rules import Watched, alarms_of, silent_office_minutes
from api.rules.registry import Registry
from api.rules.sets import Rules
from store import clock
from store.enums import OutboxState, Platform, WebhookState
from store.platform_settings import Connections, PlatformsFile
from store.session import Store
from store.settings import Settings
from store.tables import outbox, webhook_events

LOOKED_EVERY_SECONDS = 30.0
LOOKED_BACK = timedelta(days=8)
_log = structlog.get_logger()


class Alarms:
    """`look` finds what is wrong now, keeps it in `codes`, and writes down what began and what ended."""

    def __init__(self, settings: Settings) -> None:
        self._file = PlatformsFile(settings)
        self._began_at = clock.now()
        self._found: frozenset[tuple[str, str]] = frozenset()
        self.watched = Watched({}, None, 0, 0, None)

    @property
    def codes(self) -> list[str]:
        """As `webhooks_silent:INTERCOM`."""
        return sorted(f"{code}:{about}" for code, about in self._found)

    async def run(self, store: Store, registry: Registry) -> None:
        """Look twice a minute until cancelled; what goes wrong with it is written down."""
        while True:
            try:
                with store.read() as connection:
                    self.look(connection, registry.current())
            except Exception as error:  # noqa: BLE001 - the next look may find the store again
                _log.error("alarms.failed", error_type=type(error).__name__, places=places(error))
            await asyncio.sleep(LOOKED_EVERY_SECONDS)

    def look(self, connection: Connection, rules: Rules) -> None:
        connections = self._file.current()
        at = clock.now()
        self.watched = watch(connection, rules, connections, since=self._began_at, at=at)
        found = frozenset(
            alarms_of(
                self.watched,
                silent_after_minutes=_silent_after(connections),
                old_after_seconds=connections.alarm_after_seconds,
            )
        )
        if self._file.problem is not None:
            found |= {("platforms_file", "invalid")}
        for code, about in sorted(found - self._found):
            _log.warning("alarm.began", alarm=code, about=about)
        for code, about in sorted(self._found - found):
            _log.info("alarm.ended", alarm=code, about=about)
        self._found = found

    def measure(self, registry: CollectorRegistry) -> None:
        """Tell of it in /metrics."""
        for name, text, read in (
            ("supportled_alarms", "Alarms that are on", lambda: len(self._found)),
            ("supportled_webhooks_dead", "Events given up", lambda: self.watched.dead_events),
            ("supportled_outbox_dead", "Messages given up or uncertain", lambda: self.watched.dead_messages),
            (
                "supportled_webhooks_oldest_seconds",
                "Age of the oldest event still to be applied",
                lambda: self.watched.oldest_event_seconds or 0.0,
            ),
            (
                "supportled_outbox_overdue_seconds",
                "How long the longest overdue message has been so",
                lambda: self.watched.oldest_message_seconds or 0.0,
            ),
        ):
            Gauge(name, text, registry=registry).set_function(read)


def watch(connection: Connection, rules: Rules, connections: Connections, *, since: datetime, at: datetime) -> Watched:
    """What there is to watch now; silence counts from `since` where nothing ever came."""
    silent: dict[str, float] = {}
    for platform in _watched_platforms(connections):
        wanted = {"platform": platform, "since": at - LOOKED_BACK}
        last = connection.execute(_LAST_RECEIVED, wanted).scalar_one()
        silent[platform] = silent_office_minutes(rules.office_hours, last or since, at)
    oldest_event = connection.execute(_OLDEST_EVENT).scalar_one()
    overdue = connection.execute(_LONGEST_OVERDUE, {"destinations": _reached(connections)}).scalar_one()
    return Watched(
        silent_minutes=silent,
        oldest_event_seconds=(at - oldest_event).total_seconds() if oldest_event else None,
        dead_events=connection.execute(_DEAD_EVENTS).scalar_one(),
        dead_messages=connection.execute(_DEAD_MESSAGES).scalar_one(),
        oldest_message_seconds=max(0.0, (at - overdue).total_seconds()) if overdue else None,
    )


def _watched_platforms(connections: Connections) -> Sequence[Platform]:
    """Those that we have a key for: they deliver."""
    return [platform for platform in Platform if (found := connections.of(platform)) is not None and found.webhook_keys]


def _silent_after(connections: Connections) -> dict[str, float]:
    found = {platform: connections.of(platform) for platform in _watched_platforms(connections)}
    return {platform: settings.alarm_after_minutes for platform, settings in found.items() if settings is not None}


def _reached(connections: Connections) -> list[str]:
    """What is sent at all: messages to others wait without being late."""
    names: list[str] = [
        platform for platform in Platform if (found := connections.of(platform)) is not None and found.access_token
    ]
    return [*names, "APP"] if connections.app is not None else names


_EVENTS, _MESSAGES = webhook_events.c, outbox.c
_LAST_RECEIVED = select(func.max(_EVENTS.received_at)).where(
    _EVENTS.state.in_([*WebhookState]),
    _EVENTS.received_at >= bindparam("since", type_=_EVENTS.received_at.type),
    _EVENTS.platform == bindparam("platform"),
    _EVENTS.source == "app",
)
_OLDEST_EVENT = select(func.min(_EVENTS.received_at)).where(_EVENTS.state == WebhookState.PENDING)
_DEAD_EVENTS = select(func.count()).where(_EVENTS.state == WebhookState.DEAD)
_LONGEST_OVERDUE = select(func.min(_MESSAGES.due_at)).where(
    _MESSAGES.state == OutboxState.PENDING,
    _MESSAGES.source == "app",
    _MESSAGES.destination.in_(bindparam("destinations", expanding=True)),
)
_DEAD_MESSAGES = select(func.count()).where(
    _MESSAGES.state.in_([OutboxState.DEAD, OutboxState.UNCERTAIN]), _MESSAGES.source == "app"
)
