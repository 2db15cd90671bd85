"""Small mappings, and what landed of a file."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import duckdb

from ingestion.files import Mapping
from ingestion.files.mapping import parse_mapping
from ingestion.raw import land
from store.settings import Settings

TICKETS = {
    "name": "tickets",
    "source": "acme",
    "kind": "incidences",
    "zone": "Asia/Kolkata",
    "amounts": "rupees",
    "columns": {
        "source_id": "Ticket",
        "user_id": "Customer",
        "stage": {"constant": "PRE_ORDER"},
        "channel": {"column": "Via", "values": {"Phone": "CALL", "App": "IN_APP_CHAT"}},
        "issue_category": "Topic",
        "order_value": "Value",
        "created_at": "Opened",
        "resolved_at": "Closed",
        "outcome": {"column": "Result", "values": {"ok": "RESOLVED", "gone": "DROPPED"}},
    },
}
TICKET_HEADER = "Ticket,Customer,Via,Topic,Value,Opened,Closed,Result\n"

LOG = {
    "name": "log",
    "source": "acme",
    "kind": "events",
    "zone": "UTC",
    "columns": {
        "incidence": "case",
        "activity": "activity",
        "occurred_at": "at",
        "user_id": "customer",
        "agent_id": "agent",
        "stage": {"constant": "POST_ORDER"},
    },
    "events": {"take": "ASSIGNED", "answer": "MESSAGE"},
    "roll_up": {"closing": {"close": "RESOLVED", "give up": "DROPPED"}, "escalations": ["lift"], "waits": ["wait"]},
}
LOG_HEADER = "case,activity,at,customer,agent\n"


def naive_utc(*parts: int) -> datetime:
    """An instant as the warehouse holds it."""
    year, month, day, *time = parts
    return datetime(year, month, day, *time, tzinfo=UTC).replace(tzinfo=None)


def mapping(said: dict[str, Any], **changes: Any) -> Mapping:
    """A mapping as YAML would give it (JSON is YAML); `columns` changes single columns, None removes one."""
    columns = {**said["columns"], **changes.pop("columns", {})}
    whole = {**said, **changes, "columns": {name: rule for name, rule in columns.items() if rule is not None}}
    return parse_mapping(json.dumps(whole))


@contextmanager
def landed(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory with everything of `var/raw` in it."""
    with duckdb.connect() as connection:
        assert not land(connection, settings).differences
        yield connection


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with landed(settings) as connection:
        return connection.execute(query).fetchall()
