"""What is in the store when it is measured: a catalogue, agents, keys, users with a cart, and incidences of the past."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from api.context.schemas import CartInput, ScreenInput, SignalInput
from api.context.service import log_signals, set_cart, show_screen
from api.rules.registry import load_rules
from api.tokens.service import insert_key
from ingestion.simulate.put import put_rows
from ingestion.simulate.rows import Rows
from store import clock
from store.enums import AgentLevel, AgentStatus, Role
from store.ids import new_id
from store.migrations import migrate
from store.session import open_store
from store.settings import Settings
from store.tables import agents, catalogue_items, incidence_timeline, incidences, user_context
from store.tables.columns import EPOCH

APP_KEYS = 4
READER_KEYS = 64
"""A reader's key answers 50 times a second: clients of one key would measure the rate limit."""
AGENTS = 10
WATCHED_USERS = 500
"""Users in the middle of a session, whose friction is asked for."""
CART_USERS = 240_000
"""Users with a cart of ₹18,000 who ask for help once."""
FILL_AT_ONCE = 100_000
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Keys:
    app: tuple[str, ...]
    reader: tuple[str, ...]


def watched_user(number: int) -> str:
    return f"watched-{number % WATCHED_USERS}"


def cart_user(number: int) -> str:
    return f"cart-{number}"


def prepare(settings: Settings, incidence_count: int = 0) -> Keys:
    """Migrate an empty store and fill it. `incidence_count` closed incidences of other users lie in it."""
    migrate(settings.operations_url)
    with open_store(settings) as store:
        keys = store.write(_first_rows)
        store.write(put_rows, [_carts()], 0, _quietly)
        store.write(_watch)
        for rows in _past(incidence_count):
            store.write(put_rows, rows, 0, _quietly)
    return keys


def _first_rows(connection: Connection) -> Keys:
    at = clock.now()
    connection.execute(
        insert(catalogue_items),
        {
            "item_id": "platter",
            "valid_from": EPOCH,
            "kind": "PLATTER",
            "name_en": "Platter",
            "name_hi": "थाली",
            "price_paise": 1_800_000,
            "is_priced_per_plate": False,
        },
    )
    each: list[dict[str, Any]] = [
        {
            "agent_id": f"agent-{number}",
            "name": f"Agent {number}",
            "levels": [AgentLevel.AGENT],
            "status": AgentStatus.AVAILABLE,
            "platform_ids": {},
            "created_at": at,
            "updated_at": at,
        }
        for number in range(AGENTS)
    ]
    connection.execute(insert(agents), each)
    app = [insert_key(connection, role=Role.APP, label=f"app {number}") for number in range(APP_KEYS)]
    reader = [insert_key(connection, role=Role.ANALYST, label=f"reader {number}") for number in range(READER_KEYS)]
    return Keys(tuple(app), tuple(reader))


def _carts() -> Rows:
    count = CART_USERS
    return Rows(
        user_context,
        {
            "user_id": [cart_user(number) for number in range(count)],
            "is_foreground": [True] * count,
            "cart_items": ['[{"item_id": "platter", "quantity": 1}]'] * count,
            "cart_value_paise": [1_800_000] * count,
            "back_navigation_count": [0] * count,
            "price_check_count": [0] * count,
            "last_seq": [0] * count,
            "source": ["app"] * count,
            "updated_at": [_microseconds(clock.now())] * count,
        },
    )


def _watch(connection: Connection) -> None:
    """As an app tells it: a screen, a cart, some signals; every fifth user has gone back and forth enough to need help."""
    rules = load_rules(connection, clock.now())
    cart = CartInput.model_validate({"cart_items": [{"item_id": "platter", "quantity": 1}]})
    for number in range(WATCHED_USERS):
        user_id = watched_user(number)
        show_screen(connection, rules, user_id, ScreenInput(current_screen="menu"))
        set_cart(connection, rules, user_id, cart)
        kinds = ["ITEM_VIEWED", "PRICE_CALCULATION", "QUANTITY_CHANGE"] * (3 if number % 5 == 0 else 1)
        signals = [
            SignalInput.model_validate({"client_event_id": f"first-{place}", "signal_type": kind})
            for place, kind in enumerate(kinds * 2)
        ]
        log_signals(connection, rules, {user_id: signals})


def _past(count: int) -> Iterator[list[Rows]]:
    """Closed incidences of the last 90 days, the oldest first, each with the row that began it."""
    now = clock.now()
    step = timedelta(days=90) / max(count, 1)
    for first in range(0, count, FILL_AT_ONCE):
        instants = [now - step * (count - number) for number in range(first, min(first + FILL_AT_ONCE, count))]
        yield [*_closed([new_id(at) for at in instants], instants)]


def _closed(ids: list[str], instants: list[datetime]) -> tuple[Rows, Rows]:
    count = len(ids)
    created = [_microseconds(at) for at in instants]
    ended = [at + 300_000_000 for at in created]
    past = Rows(
        incidences,
        {
            "incidence_id": ids,
            "user_id": [f"past-{hash(one) % 200_000}" for one in ids],
            "stage": ["PRE_ORDER"] * count,
            "channel": ["IN_APP_CHAT"] * count,
            "first_channel": ["IN_APP_CHAT"] * count,
            "trigger": ["USER_INITIATED"] * count,
            "outcome": ["RESOLVED"] * count,
            "is_self_serve": [False] * count,
            "issue_category": ["PRICE_CLARITY"] * count,
            "time_to_resolve_seconds": [300.0] * count,
            "order_value_paise": [1_800_000] * count,
            "allowed_channels": ['["CHAT"]'] * count,
            "rule_version": [1] * count,
            "agent_id": [f"agent-{number % AGENTS}" for number in range(count)],
            "created_at": created,
            "opened_at": created,
            "resolved_at": ended,
            "reopen_count": [0] * count,
            "source": ["app"] * count,
            "source_id": ids,
            "updated_at": ended,
        },
    )
    events = Rows(
        incidence_timeline,
        {
            "event_id": [new_id(at) for at in instants],
            "incidence_id": ids,
            "event_type": ["CREATED"] * count,
            "actor_type": ["USER"] * count,
            "status_after": ["OPEN"] * count,
            "occurred_at": created,
            "recorded_at": created,
            "source": ["app"] * count,
        },
    )
    return past, events


def _microseconds(at: datetime) -> int:
    return (at - EPOCH) // _MICROSECOND


def _quietly(_: str) -> None:
    """What is put is told by who measures."""
