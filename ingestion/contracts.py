"""The tables of schema `raw`: their columns with DuckDB types, their keys, and what is summed to prove a landing.

Those of the operational store follow from `store/tables/`; what is declared here is which of its tables and columns stay
behind. Names, phones, e-mails and free text never leave the operational store.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Date, Float, Integer, LargeBinary, String, Table, Time
from sqlalchemy.types import JSON, TypeEngine

from store.tables import metadata
from store.tables.columns import Instant

STAYS_BEHIND = frozenset({"alembic_version", "api_keys", "idempotency_keys", "store_counters", "store_identity"}) | {
    "erasures",
    "sessions",
    "sign_in_links",
    "signing_keys",
    "suppressions",
    "timers",
}
"""Tables of the operational store that hold secrets or live book-keeping, and no fact."""

PERSONAL: Mapping[str, frozenset[str]] = {
    "users": frozenset({"name", "phone"}),
    "agents": frozenset({"name"}),
    "user_context": frozenset({"current_screen", "screen_stack"}),
    "incidences": frozenset({"user_inputs"}),
    "incidence_timeline": frozenset({"text"}),
    "escalation_log": frozenset({"reason"}),
    "agent_actions": frozenset({"parameters"}),
    "approvals": frozenset({"reason"}),
    "order_change_requests": frozenset({"details", "refusal_reason"}),
    "recommendation_states": frozenset({"note"}),
    "webhook_events": frozenset({"body", "failure"}),
    "outbox": frozenset({"payload", "failure"}),
}
"""Columns that hold, or may hold, what a person typed or is called. They stay in the operational store."""

APPEND_ONLY = frozenset({"context_updates", "friction_signals", "friction_scores"})
"""Tables whose rows are never changed once written, so that they need no index on `change_seq`."""

_DUCKDB_TYPES: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (Boolean, "BOOLEAN"),
    (Integer, "BIGINT"),
    (Float, "DOUBLE"),
    (Date, "DATE"),
    (Time, "TIME"),
    (JSON, "JSON"),
    (String, "VARCHAR"),
)


@dataclass(frozen=True, slots=True)
class RawTable:
    """One table of schema `raw`. Beside `columns`, every fact table has `_extract_no`, the manifest a row came by."""

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()

    @property
    def is_fact(self) -> bool:
        """Facts come by manifests and are replaced by key; the rest is written by landing and build themselves."""
        return bool(self.key)


def duckdb_type(column_type: TypeEngine[Any]) -> str:
    """The type in schema `raw` of an operational column; instants are naive UTC."""
    if isinstance(column_type, Instant):
        return "TIMESTAMP"
    for sqlalchemy_type, name in _DUCKDB_TYPES:
        if isinstance(column_type, sqlalchemy_type):
            return name
    raise TypeError(f"no raw type is declared for {column_type!r}; add it to ingestion/contracts.py")


def _summed(columns: Mapping[str, str], key: tuple[str, ...]) -> tuple[str, ...]:
    """Money, counts and the change number: each is exact, so a lost, doubled or torn row shows."""
    return tuple(
        name
        for name, kind in columns.items()
        if kind == "BIGINT" and (name.endswith(("_paise", "_count", "seq")) or name in {"seq", "score", "text_length"})
        if name not in key or name == "seq"
    )


def _operational(table: Table) -> RawTable:
    personal = PERSONAL.get(table.name, frozenset())
    columns = {
        column.name: duckdb_type(column.type)
        for column in table.columns
        if column.name not in personal and not isinstance(column.type, LargeBinary)
    }
    key = tuple(column.name for column in table.primary_key.columns)
    return RawTable(table.name, columns, key, _summed(columns, key))


OPERATIONAL: Mapping[str, RawTable] = {
    name: _operational(table) for name, table in sorted(metadata.tables.items()) if name not in STAYS_BEHIND
}
"""What the extract carries, by name of the operational table."""

_FILE_KEY = ("source", "source_id")


def _file_table(name: str, columns: Mapping[str, str]) -> RawTable:
    whole = {**columns, "_file_id": "VARCHAR", "_line": "BIGINT"}
    return RawTable(name, whole, _FILE_KEY, (*_summed(columns, _FILE_KEY), "_line"))


FILE: Mapping[str, RawTable] = {
    table.name: table
    for table in (
        _file_table(
            "file_incidences",
            {
                "incidence_id": "VARCHAR",
                "source": "VARCHAR",
                "source_id": "VARCHAR",
                "user_id": "VARCHAR",
                "order_id": "VARCHAR",
                "stage": "VARCHAR",
                "channel": "VARCHAR",
                "trigger": "VARCHAR",
                "outcome": "VARCHAR",
                "app_screen": "VARCHAR",
                "issue_category": "VARCHAR",
                "root_cause": "VARCHAR",
                "resolution_type": "VARCHAR",
                "order_impact": "VARCHAR",
                "agent_id": "VARCHAR",
                "event_type": "VARCHAR",
                "order_value_paise": "BIGINT",
                "created_at": "TIMESTAMP",
                "opened_at": "TIMESTAMP",
                "assigned_at": "TIMESTAMP",
                "resolved_at": "TIMESTAMP",
                "reopen_count": "BIGINT",
                "wait_count": "BIGINT",
                "escalation_count": "BIGINT",
                "is_helped": "BOOLEAN",
            },
        ),
        _file_table(
            "file_incidence_events",
            {
                "event_id": "VARCHAR",
                "source": "VARCHAR",
                "source_id": "VARCHAR",
                "incidence_id": "VARCHAR",
                "incidence_source_id": "VARCHAR",
                "event_type": "VARCHAR",
                "native_activity": "VARCHAR",
                "actor_type": "VARCHAR",
                "agent_id": "VARCHAR",
                "channel": "VARCHAR",
                "text_length": "BIGINT",
                "occurred_at": "TIMESTAMP",
                "event_no": "BIGINT",
            },
        ),
        _file_table(
            "file_orders",
            {
                "order_id": "VARCHAR",
                "source": "VARCHAR",
                "source_id": "VARCHAR",
                "user_id": "VARCHAR",
                "status": "VARCHAR",
                "event_type": "VARCHAR",
                "event_date": "DATE",
                "guest_count": "BIGINT",
                "value_paise": "BIGINT",
                "placed_at": "TIMESTAMP",
                "cancelled_at": "TIMESTAMP",
            },
        ),
        _file_table(
            "file_users",
            {
                "user_id": "VARCHAR",
                "source": "VARCHAR",
                "source_id": "VARCHAR",
                "language": "VARCHAR",
                "tier": "VARCHAR",
                "prior_order_count": "BIGINT",
                "last_order_date": "DATE",
            },
        ),
        _file_table(
            "file_signals",
            {
                "source": "VARCHAR",
                "source_id": "VARCHAR",
                "user_id": "VARCHAR",
                "session_id": "VARCHAR",
                "signal_type": "VARCHAR",
                "value": "DOUBLE",
                "screen": "VARCHAR",
                "flow": "VARCHAR",
                "recorded_at": "TIMESTAMP",
            },
        ),
        RawTable(
            "rejected_rows",
            {
                "file_id": "VARCHAR",
                "file_name": "VARCHAR",
                "line": "BIGINT",
                "reason": "VARCHAR",
                "row_text": "VARCHAR",
            },
            ("file_id", "line"),
        ),
    )
}
"""What an imported file may bring."""

BOOK_KEEPING: Mapping[str, RawTable] = {
    name: RawTable(name, columns)
    for name, columns in {
        "build": {
            "build_id": "VARCHAR",
            "version": "VARCHAR",
            "as_of": "TIMESTAMP",
            "extract_no": "BIGINT",
            "base_version": "VARCHAR",
            "is_full_refresh": "BOOLEAN",
            "code_hash": "VARCHAR",
            "schema_version": "INTEGER",
        },
        "extracts": {
            "extract_no": "BIGINT",
            "kind": "VARCHAR",
            "as_of": "TIMESTAMP",
            "store_id": "VARCHAR",
            "row_count": "BIGINT",
        },
        "files": {
            "extract_no": "BIGINT",
            "file_id": "VARCHAR",
            "name": "VARCHAR",
            "sha256": "VARCHAR",
            "mapping": "VARCHAR",
            "source": "VARCHAR",
            "row_count": "BIGINT",
            "rejected_count": "BIGINT",
            "landed_at": "TIMESTAMP",
        },
        "reconciliation": {
            "extract_no": "BIGINT",
            "table_name": "VARCHAR",
            "measure": "VARCHAR",
            "expected": "HUGEINT",
            "landed": "HUGEINT",
        },
        "previous_analytics_daily": {
            "date": "DATE",
            "period": "VARCHAR",
            "metric": "VARCHAR",
            "segment": "VARCHAR",
            "value": "DOUBLE",
            "numerator": "DECIMAL(28,3)",
            "denominator": "DECIMAL(28,3)",
            "definition_version": "INTEGER",
            "is_final": "BOOLEAN",
            "is_exported": "BOOLEAN",
        },
        "previous_restatements": {
            "restated_at": "TIMESTAMP",
            "version": "VARCHAR",
            "metric": "VARCHAR",
            "period": "VARCHAR",
            "date": "DATE",
            "segment": "VARCHAR",
            "old_value": "DOUBLE",
            "new_value": "DOUBLE",
            "cause": "VARCHAR",
        },
        "previous_published_versions": {
            "version": "VARCHAR",
            "as_of": "TIMESTAMP",
            "schema_version": "INTEGER",
            "code_hash": "VARCHAR",
            "is_full_refresh": "BOOLEAN",
        },
    }.items()
}
"""What landing and build write about themselves."""

RAW: Mapping[str, RawTable] = {**OPERATIONAL, **FILE, **BOOK_KEEPING}
"""Every table of schema `raw`, by name."""
