"""From an event log to incidences and their timelines, over all events of a case known so far.

What earlier files told of a case is read back from `var/raw`, where each event is kept with what its row said of the
case (column `_case`, which does not land). A case that an import touches is written anew as a whole, so that landing
the manifests in their order gives the same warehouse however a log was cut into files.
"""

from collections.abc import Iterable
from pathlib import Path

import duckdb

from ingestion.contracts import FILE
from ingestion.files.fields import CASE_FIELDS, Holds
from ingestion.files.mapping import Mapping
from ingestion.files.sql import file_row_id_sql, literal
from ingestion.raw import Manifest

EVENTS, INCIDENCES = "file_incidence_events", "file_incidences"


def earlier_events(manifests: Iterable[Manifest], source: str) -> list[tuple[int, Path]]:
    """Number and Parquet of each file of that source which brought events, in order."""
    return [
        (manifest.extract_no, manifest.parquet_path(EVENTS))
        for manifest in manifests
        if manifest.file and manifest.file.source == source and EVENTS in manifest.tables
    ]


def roll_up(
    connection: duckdb.DuckDBPyConnection, mapping: Mapping, file_id: str, earlier: Iterable[tuple[int, Path]]
) -> None:
    """Make tables `file_incidence_events` and `file_incidences` of `accepted` and the earlier events of its cases.

    Events of a case that nobody opened (no user, no stage in any of its events) go to `rejected`.
    """
    _collect_new(connection, file_id)
    _collect_known(connection, list(earlier))
    _number(connection, mapping)
    _reject_cases_without_owner(connection)
    _make_incidences(connection, mapping)


def _collect_new(connection: duckdb.DuckDBPyConnection, file_id: str) -> None:
    told = ", ".join(_told_fields())
    connection.execute(f"""
        CREATE TABLE new_events AS
        SELECT
            source_id, incidence AS incidence_source_id, activity AS native_activity, occurred_at,
            coalesce(actor_type, CASE WHEN agent_id IS NULL THEN 'SYSTEM' ELSE 'AGENT' END) AS actor_type,
            agent_id, channel, length(text) AS text_length, {literal(file_id)} AS _file_id, line AS _line,
            min(line) OVER (PARTITION BY source_id) AS place, to_json(struct_pack({told})) AS _case
        FROM accepted
        QUALIFY row_number() OVER (PARTITION BY source_id ORDER BY line DESC) = 1
    """)


def _collect_known(connection: duckdb.DuckDBPyConnection, earlier: list[tuple[int, Path]]) -> None:
    columns = "source_id, incidence_source_id, native_activity, occurred_at, actor_type, agent_id, channel, text_length"
    connection.execute(
        f"CREATE TABLE known_events AS SELECT {columns}, _file_id, _line, place, _case, 0 AS extract_no FROM new_events LIMIT 0"
    )
    for extract_no, path in earlier:
        connection.execute(f"""
            INSERT INTO known_events
            SELECT {columns}, _file_id, _line, event_no, _case, {extract_no}
            FROM read_parquet({literal(path)})
            WHERE incidence_source_id IN (SELECT incidence_source_id FROM new_events)
        """)


def _number(connection: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """All events of the affected cases, each as it was last told, in order of time; ties in order of file and row."""
    words = "".join(
        f" WHEN {literal(activity)} THEN {literal(word)}" for activity, word in mapping.activity_words.items()
    )
    source = literal(mapping.source)
    connection.execute(f"""
        CREATE TABLE {EVENTS} AS
        WITH told AS (
            SELECT * FROM known_events UNION ALL BY NAME SELECT *, 2147483647 AS extract_no FROM new_events
        ),
        latest AS (
            SELECT * FROM told QUALIFY row_number() OVER (PARTITION BY source_id ORDER BY extract_no DESC) = 1
        )
        SELECT
            {file_row_id_sql(source, "source_id")} AS event_id, {source} AS source,
            {file_row_id_sql(source, "incidence_source_id")} AS incidence_id,
            CASE native_activity{words} ELSE 'UPDATED' END AS event_type,
            row_number() OVER (PARTITION BY incidence_source_id ORDER BY occurred_at, extract_no, place) AS event_no,
            * EXCLUDE (extract_no, place), extract_no = 2147483647 AS is_new
        FROM latest
        ORDER BY incidence_source_id, event_no
    """)


def _reject_cases_without_owner(connection: duckdb.DuckDBPyConnection) -> None:
    for field in (name for name in ("user_id", "stage") if CASE_FIELDS[name].is_needed):
        ownerless = f"""
            SELECT incidence_source_id FROM {EVENTS}
            GROUP BY ALL HAVING count(json_extract_string(_case, '$.{field}')) = 0
        """
        reason = f"{field}: is empty in every event of this case"
        connection.execute(
            f"INSERT INTO rejected SELECT line, ?, row_text FROM checked WHERE reason = '' AND incidence IN ({ownerless})",
            [reason],
        )
        connection.execute(f"DELETE FROM {EVENTS} WHERE incidence_source_id IN ({ownerless})")


def _make_incidences(connection: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    closing = ", ".join(literal(activity) for activity in mapping.roll_up.closing)
    escalations = ", ".join(literal(activity) for activity in mapping.roll_up.escalations) or "NULL"
    waits = ", ".join(literal(activity) for activity in mapping.roll_up.waits) or "NULL"
    outcomes = "".join(
        f" WHEN {literal(activity)} THEN {literal(outcome)}" for activity, outcome in mapping.roll_up.closing.items()
    )
    case_columns = ", ".join(
        f"{_taken(mapping, name)} AS {name if CASE_FIELDS[name].holds is not Holds.AMOUNT else f'{name}_paise'}"
        for name in CASE_FIELDS
    )
    connection.execute(f"""
        CREATE TABLE {INCIDENCES} AS
        WITH events AS (
            SELECT
                *, coalesce(native_activity IN ({closing}), false) AS is_closing,
                lag(is_closing) OVER (PARTITION BY incidence_source_id ORDER BY event_no) AS follows_closing
            FROM {EVENTS}
        )
        SELECT
            any_value(incidence_id) AS incidence_id, any_value(source) AS source, incidence_source_id AS source_id,
            {case_columns}, {_taken(mapping, "agent_id")} AS agent_id,
            CASE arg_max(native_activity, event_no) FILTER (WHERE is_closing){outcomes} END AS outcome,
            min(occurred_at) AS created_at, min(occurred_at) AS opened_at,
            coalesce(
                min(occurred_at) FILTER (WHERE event_type = 'ASSIGNED'),
                min(occurred_at) FILTER (WHERE agent_id IS NOT NULL)
            ) AS assigned_at,
            max(occurred_at) FILTER (WHERE is_closing) AS resolved_at,
            count(*) FILTER (WHERE follows_closing AND NOT is_closing) AS reopen_count,
            count(*) FILTER (WHERE native_activity IN ({waits})) AS wait_count,
            count(*) FILTER (WHERE native_activity IN ({escalations})) AS escalation_count,
            coalesce(bool_or(actor_type = 'AGENT' AND events.agent_id IS NOT NULL), false) AS is_helped,
            arg_min(_file_id, event_no) AS _file_id, arg_min(_line, event_no) AS _line
        FROM events
        GROUP BY incidence_source_id
        ORDER BY user_id, created_at, source_id
    """)


def _told_fields() -> list[str]:
    return [f"{name} := {name}" for name in CASE_FIELDS]


def _taken(mapping: Mapping, name: str) -> str:
    """SQL of a value of the case: that of the first (agents: last) of its events which has one."""
    rule = mapping.columns.get(name)
    take = (rule.take if rule else None) or ("last" if name == "agent_id" else "first")
    value = "agent_id"
    if name != "agent_id":
        value = f"json_extract_string(_case, '$.{name}')"
        if CASE_FIELDS[name].holds is Holds.AMOUNT:
            value = f"CAST({value} AS BIGINT)"
    return f"{'arg_min' if take == 'first' else 'arg_max'}({value}, event_no) FILTER (WHERE {value} IS NOT NULL)"


def write_events(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Store the table of events with the contract's columns and types, and `_case` beside them."""
    columns = ", ".join(f'cast("{name}" AS {kind}) AS "{name}"' for name, kind in FILE[EVENTS].columns.items())
    connection.execute(
        f"COPY (SELECT {columns}, _case FROM {EVENTS} ORDER BY incidence_source_id, event_no) TO {literal(path)} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )
