"""A large city as raw Parquet, straight from DuckDB: quick to make, and as dull as the tests of the warehouse allow."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from ingestion.raw import drafting
from store.settings import Settings

SIGNALS_A_SESSION = 20
EVENTS_AN_INCIDENCE = 4


@dataclass(frozen=True)
class Amount:
    """How many rows, and from which number on: the second slice goes on where the first ended."""

    signals: int
    incidences: int
    first_signal: int = 0
    first_incidence: int = 0
    first_user: int = 0
    users: int = 100_000


def write_slice(settings: Settings, amount: Amount, from_at: datetime, until: datetime) -> None:
    """One more directory of `var/raw`, as an extract would have brought it, spread evenly over the time given."""
    with drafting(settings) as draft, duckdb.connect(config={"threads": 2, "memory_limit": "2GB"}) as connection:
        connection.execute("set preserve_insertion_order = false")
        for table, query in queries(amount, from_at, until).items():
            draft.write(connection, table, query)
        draft.commit("FILE", until)


def queries(amount: Amount, from_at: datetime, until: datetime) -> dict[str, str]:
    """Raw table → the query that makes its rows."""
    start = f"timestamp '{from_at:%Y-%m-%d %H:%M:%S}'"
    seconds = (until - from_at).total_seconds()
    order_count = amount.incidences
    n, m = amount.first_signal, amount.first_incidence

    def at(i: str, count: int) -> str:
        return f"({start} + to_microseconds(cast({i} * {seconds / max(count, 1)} * 1000000 as bigint)))"

    def user(i: str) -> str:
        return f"'user-' || ({amount.first_user} + ({i} * 7919) % {amount.users})"

    created = at("i", amount.incidences)
    stage = "if(i % 3 = 0, 'POST_ORDER', 'PRE_ORDER')"
    return {
        "users": (
            f"select {user('i')} as user_id, ['en', 'hi'][1 + i % 2] as language, "
            "['GOLD', 'SILVER', 'BRONZE'][1 + i % 3] as tier, i % 4 as prior_order_count, null as last_order_date, "
            f"'app' as source, {user('i')} as source_id, {start} as created_at, {start} as updated_at, 1 as change_seq "
            f"from range({amount.users}) as r(i)"
        ),
        "agents": (
            "select 'agent-' || i as agent_id, ['AGENT']::json as levels, 5 as open_limit, 'AVAILABLE' as status, "
            f"null as platform_ids, 'app' as source, {start} as created_at, {start} as updated_at, 1 as change_seq "
            "from range(200) as r(i)"
        ),
        "friction_signals": (
            f"select {n} + i + 1 as seq, {user(f'(i // {SIGNALS_A_SESSION})')} as user_id, "
            f"'session-' || ({n} + i) // {SIGNALS_A_SESSION} as session_id, "
            "['ITEM_VIEWED', 'BACK_NAVIGATION', 'PRICE_CALCULATION', 'QUANTITY_CHANGE', 'ITEM_ADDED'][1 + i % 5] as signal_type, "
            "null as value, if(i % 7 = 0, 'checkout', 'menu') as screen, if(i % 7 = 0, 'CHECKOUT', 'MENU') as flow, "
            f"'event-' || ({n} + i) as client_event_id, null as client_at, {at('i', amount.signals)} as recorded_at, "
            f"'app' as source, 1 as change_seq from range({amount.signals}) as r(i)"
        ),
        "orders": (
            f"select 'order-' || ({m} + i) as order_id, {user('i')} as user_id, 'PLACED' as status, "
            "['WEDDING', 'BIRTHDAY', 'OTHER'][1 + i % 3] as event_type, null as event_date, 20 + i % 80 as guest_count, "
            f"100000 * (1 + i % 60) as value_paise, null as items, {at('i', order_count)} as placed_at, placed_at as recorded_at, null as cancelled_at, "
            f"'app' as source, 'order-' || ({m} + i) as source_id, {at('i', order_count)} as updated_at, 1 as change_seq "
            f"from range({order_count}) as r(i)"
        ),
        "incidences": (
            f"select 'incidence-' || ({m} + i) as incidence_id, {user('i')} as user_id, null as order_id, {stage} as stage, "
            "'IN_APP_CHAT' as channel, 'IN_APP_CHAT' as first_channel, 'USER_INITIATED' as trigger, 'RESOLVED' as outcome, "
            "false as is_self_serve, ['menu', 'checkout', 'payment'][1 + i % 3] as app_screen, null as selected_items, "
            "['MENU_CHOICE', 'PAYMENT_FAILURE', 'PORTION_SIZE', 'PRICE_CLARITY'][1 + i % 4] as issue_category, "
            "null as root_cause, 'ANSWERED' as resolution_type, null as order_impact, 120 + i % 900 as time_to_resolve_seconds, "
            "'OTHER' as event_type, 100000 * (1 + i % 60) as order_value_paise, null as lost_value_paise, "
            "'[\"CHAT\"]'::json as allowed_channels, 1 as rule_version, null as prompt_id, null as escalation_level, "
            f"'agent-' || i % 200 as agent_id, {created} as created_at, {created} as opened_at, "
            f"{created} + interval 30 second as assigned_at, {created} + to_seconds(120 + i % 900) as resolved_at, "
            "0 as reopen_count, null as merged_into, 'app' as source, "
            f"'incidence-' || ({m} + i) as source_id, {created} as updated_at, 1 as change_seq "
            f"from range({amount.incidences}) as r(i)"
        ),
        "incidence_timeline": (
            f"select 'event-' || ({m} + i) || '-' || e as event_id, 'incidence-' || ({m} + i) as incidence_id, "
            "['CREATED', 'ASSIGNED', 'MESSAGE', 'CLOSED'][1 + e] as event_type, "
            "['USER', 'SYSTEM', 'AGENT', 'AGENT'][1 + e] as actor_type, if(e = 0, null, 'agent-' || i % 200) as agent_id, "
            "'IN_APP_CHAT' as channel, ['OPEN', 'ASSIGNED', 'ASSIGNED', 'RESOLVED'][1 + e] as status_after, "
            "if(e = 2, 40, null) as text_length, null as flags, null as details, null as source_event_id, "
            "null as started_at, null as ended_at, null as is_reached, "
            f"{created} + to_seconds([0, 30, 60, 120 + i % 900][1 + e]) as occurred_at, {created} as recorded_at, "
            f"'app' as source, 1 as change_seq from range({amount.incidences}) as r(i), range({EVENTS_AN_INCIDENCE}) as s(e)"
        ),
    }
