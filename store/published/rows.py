"""The facts behind a figure: which orders, incidences, sessions or actions it counts.

Each KPI has one set of rows, or two where its sides count different things. The rows of a period and filter sum up to
exactly its numerator and denominator; a test holds both equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from store.published.friction import REPEATED_MORE_THAN
from store.published.kpis import INCIDENCES, catalogue_entry, filter_sql
from store.published.periods import ReportPeriod
from store.published.prompts import prompt_effects
from store.published.versions import Published
from store.spreadsheet import Column, Kind


@dataclass(frozen=True, slots=True)
class RowSet:
    """Rows of one table. `numerator` and `denominator` are what a row adds to each side, as SQL."""

    name: str
    relation: str
    date: str
    """Column with the Indian day that dates a row."""
    at: str
    """Column with the instant that orders rows."""
    key: str
    columns: Mapping[str, Column]
    where: str = "true"
    numerator: str = "0"
    denominator: str = "0"
    counted: str = "true"
    """Rows for which this is true make the numerator; pages mark them."""
    qualify: str | None = None
    """A condition on the chosen rows as a whole, as SQL of a `qualify`."""
    parameters: Mapping[str, object] = field(default_factory=dict)


ACTIONS = f"""(
    select a.*, coalesce(i.stage, 'NONE') as stage, coalesce(i.event_type, 'NONE') as event_type,
           coalesce(i.order_band, 'NONE') as order_band, coalesce(i.language, 'NONE') as language,
           coalesce(i.tier, 'NONE') as tier
    from (select * exclude (channel) from marts.fct_agent_actions) as a
    left join {INCIDENCES} as i on a.incidence_id = i.incidence_id
)"""

MOMENTS = """(
    select p.user_id, p.is_demo, p.source, p.is_holdout, p.due_at, p.due_date, p.prompt_id, p.rule_code, p.screen, p.status,
           coalesce(o.placed_at < p.due_at + interval 24 hour, false) as is_converted,
           if(o.placed_at < p.due_at + interval 24 hour, o.order_id, null) as order_id
    from (
        select prompts.* from marts.fct_prompts as prompts cross join marts.data_as_of as build
        where prompts.due_at + interval 24 hour <= build.as_of
    ) as p
    asof left join (select * from marts.fct_orders where not is_cancelled) as o
        on p.user_id = o.user_id and p.is_demo = o.is_demo and p.due_at <= o.placed_at
)"""

_WHO = {"language": Column("Language"), "tier": Column("Tier", Kind.CODE)}
_INCIDENCE = {
    "created_at": Column("Created", Kind.MOMENT),
    "incidence_id": Column("Incidence"),
    "user_id": Column("User"),
    "stage": Column("Stage", Kind.CODE),
    "channel": Column("First channel", Kind.CODE),
    "issue_category": Column("Reason", Kind.CODE),
    "app_screen": Column("Screen", Kind.CODE),
    "status": Column("Status", Kind.CODE),
    "order_value_paise": Column("Order value", Kind.RUPEES),
    "time_to_resolve_seconds": Column("Time to resolve", Kind.MINUTES),
    "cx_cost_paise": Column("Cost of help", Kind.RUPEES),
    "lost_value_paise": Column("Lost cart", Kind.RUPEES),
    "credited_order_id": Column("Credited order"),
    "event_type": Column("Event type", Kind.CODE),
    "order_band": Column("Order band", Kind.CODE),
    **_WHO,
}
_ORDER = {
    "placed_at": Column("Placed", Kind.MOMENT),
    "order_id": Column("Order"),
    "user_id": Column("User"),
    "value_paise": Column("Value", Kind.RUPEES),
    "is_assisted": Column("Assisted"),
    "assisting_incidence_id": Column("Assisting incidence"),
    "event_type": Column("Event type", Kind.CODE),
    "event_date": Column("Event date", Kind.DATE),
    "guest_count": Column("Guests", Kind.COUNT),
    "order_band": Column("Order band", Kind.CODE),
    **_WHO,
}
_SESSION = {
    "started_at": Column("Started", Kind.MOMENT),
    "session_id": Column("Session"),
    "user_id": Column("User"),
    "max_score": Column("Highest score", Kind.COUNT),
    "is_over_threshold": Column("Over the threshold"),
    "reached_checkout": Column("Reached checkout"),
    "last_screen": Column("Last screen", Kind.CODE),
    "order_id": Column("Order"),
    **_WHO,
}
_ACTION = {
    "acted_at": Column("At", Kind.MOMENT),
    "action": Column("Action", Kind.CODE),
    "is_allowed": Column("Allowed"),
    "reason": Column("Reason", Kind.CODE),
    "agent_id": Column("Agent"),
    "incidence_id": Column("Incidence"),
    "rule_version": Column("Rule version", Kind.COUNT),
}
_MOMENT = {
    "due_at": Column("First eligible moment", Kind.MOMENT),
    "user_id": Column("User"),
    "is_holdout": Column("Holdout"),
    "is_converted": Column("Ordered within 24 hours"),
    "order_id": Column("Order"),
    "rule_code": Column("Rule", Kind.CODE),
    "screen": Column("Screen", Kind.CODE),
    "status": Column("Prompt", Kind.CODE),
}

INCIDENCE_ROWS = RowSet("incidences", INCIDENCES, "created_date", "created_at", "incidence_id", _INCIDENCE)
_CLOSED = RowSet(
    "incidences",
    INCIDENCES,
    "resolved_date",
    "resolved_at",
    "incidence_id",
    {"resolved_at": Column("Closed", Kind.MOMENT), **_INCIDENCE},
    where="is_closed",
    denominator="1",
)
_ORDERS = RowSet(
    "orders",
    "marts.fct_orders",
    "placed_date",
    "placed_at",
    "order_id",
    _ORDER,
    where="not is_cancelled",
    denominator="1",
)
_SESSIONS = RowSet(
    "sessions", "marts.fct_sessions", "started_date", "started_at", "session_id", _SESSION, denominator="1"
)
_EVER_OPEN = replace(INCIDENCE_ROWS, where="was_open", numerator="1")


def _share(rows: RowSet, condition: str) -> tuple[RowSet, ...]:
    return (replace(rows, numerator=f"cast({condition} as integer)", counted=condition),)


ROWS: Mapping[str, tuple[RowSet, ...]] = {
    "self_serve_conversion_rate": _share(_ORDERS, "not is_assisted"),
    "self_serve_conversion_rate_1_day": _share(_ORDERS, "not is_assisted_1_day"),
    "self_serve_conversion_rate_7_days": _share(_ORDERS, "not is_assisted_7_days"),
    "assisted_conversion_rate": _share(
        replace(INCIDENCE_ROWS, where="stage = 'PRE_ORDER' and is_helped", denominator="1"),
        "credited_order_id is not null",
    ),
    "time_to_resolve": (replace(_CLOSED, numerator="cast(time_to_resolve_seconds as decimal(28, 3))"),),
    "time_to_resolve_p50": (_CLOSED,),
    "time_to_resolve_p90": (_CLOSED,),
    "time_to_resolve_under_10_minutes_rate": _share(_CLOSED, "time_to_resolve_seconds < 600"),
    "cost_per_assisted_order": (
        replace(INCIDENCE_ROWS, where="stage = 'PRE_ORDER'", numerator="cx_cost_paise"),
        replace(_ORDERS, where="is_assisted and not is_cancelled"),
    ),
    "post_order_cost_per_order": (
        replace(INCIDENCE_ROWS, where="stage = 'POST_ORDER'", numerator="cx_cost_paise"),
        _ORDERS,
    ),
    "contact_rate": (_EVER_OPEN, _ORDERS),
    "contact_rate_per_checkout_session": (_EVER_OPEN, replace(_SESSIONS, where="reached_checkout")),
    "friction_rate": _share(replace(_SESSIONS, where="is_visit"), "is_over_threshold"),
    "repeat_issue_count": (replace(INCIDENCE_ROWS, where="issue_category <> 'UNCLASSIFIED'"),),
    "escalation_rate": _share(replace(INCIDENCE_ROWS, denominator="1"), "escalation_count > 0"),
    "reopen_rate": _share(_CLOSED, "reopen_count > 0"),
    "blocked_action_rate": _share(
        RowSet("actions", ACTIONS, "acted_date", "acted_at", "action_id", _ACTION, denominator="1"), "not is_allowed"
    ),
    "prompt_uplift": (
        RowSet(
            "moments",
            MOMENTS,
            "due_date",
            "due_at",
            "prompt_id",
            _MOMENT,
            numerator="cast(is_converted as integer)",
            denominator="1",
            counted="is_converted",
            # Each user once, at the first eligible moment in the window.
            qualify="row_number() over (partition by user_id order by due_at, prompt_id) = 1",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class FoundRows:
    """Some of the rows, newest first, with a mark for each that the numerator counts; and how many there are in all."""

    columns: list[Column]
    rows: list[tuple[Any, ...]]
    counted: list[bool]
    row_count: int
    counted_count: int
    numerator: float
    denominator: float


def incidence_rows(
    *, issue_category: str | None = None, app_screen: str | None = None, ids: list[str] | None = None
) -> RowSet:
    """Incidences of a reason, a screen, or by their ids."""
    wanted = {"issue_category": issue_category, "app_screen": app_screen}
    conditions = [f"{name} = $only_{name}" for name, value in wanted.items() if value is not None]
    parameters: dict[str, object] = {f"only_{name}": value for name, value in wanted.items() if value is not None}
    if ids is not None:
        conditions.append("list_contains($only_ids, incidence_id)")
        parameters["only_ids"] = ids
    return replace(INCIDENCE_ROWS, where=" and ".join(conditions) or "true", parameters=parameters)


def metric_rows(
    warehouse: Published, metric: str, period: ReportPeriod, filters: Mapping[str, str] | None = None
) -> tuple[tuple[RowSet, ...], ReportPeriod]:
    """The row sets of a KPI and the days they are of: the period, for the uplift its window of 28 days.

    Raises `UnknownMetric`, and ValueError for a metric whose rows are not declared, or a filter it cannot be cut by.
    """
    entry = catalogue_entry(warehouse, metric)
    if metric not in ROWS:
        raise ValueError(f"The rows of {entry['label']} are not declared.")
    refused = set(filters or {}) - set(entry["dimensions"])
    if refused:
        raise ValueError(f"{entry['label']} cannot be cut by {', '.join(sorted(refused))}.")
    found = ROWS[metric]
    if metric == "repeat_issue_count":
        return tuple(replace(rows, qualify=_repeats(period)) for rows in found), period
    if metric == "prompt_uplift":
        return found, _uplift_window(warehouse, period)
    return found, period


def _repeats(period: ReportPeriod) -> str:
    # Seven days are one week, wherever they begin; of a longer period the ISO weeks count that lie in it whole.
    if period.day_count == 7:
        return f"count(*) over (partition by issue_category) > {REPEATED_MORE_THAN}"
    week = "cast(date_trunc('week', created_date) as date)"
    return (
        f"count(*) over (partition by issue_category, {week}) > {REPEATED_MORE_THAN} "
        f"and {week} >= $start_date and {week} + 6 <= $end_date"
    )


def _uplift_window(warehouse: Published, period: ReportPeriod) -> ReportPeriod:
    ends = [
        effect.period_end_date
        for effect in prompt_effects(warehouse)
        if effect.window == "28_DAYS" and effect.period_end_date <= period.end_date
    ]
    end = max(ends, default=period.end_date)
    start = end - timedelta(days=27)
    return ReportPeriod(f"{start}/{end}", start, end)


def find_rows(
    warehouse: Published,
    wanted: RowSet,
    period: ReportPeriod | None,
    filters: Mapping[str, str] | None = None,
    *,
    limit: int,
    offset: int = 0,
) -> FoundRows:
    """Rows of the period, or of all time without one."""
    condition, parameters = filter_sql(warehouse, filters or {})
    days = {"start_date": period.start_date, "end_date": period.end_date} if period else {}
    dated = f"{wanted.date} between $start_date and $end_date" if period else "true"
    bound = {**parameters, **wanted.parameters, **days}
    qualify = f" qualify {wanted.qualify}" if wanted.qualify else ""
    chosen = f"from (select * from {wanted.relation} where {dated} and {wanted.where} and {condition}{qualify})"
    sums = warehouse.query(
        f"select count(*) as row_count, count(*) filter ({wanted.counted}) as counted_count, "
        f"coalesce(sum({wanted.numerator}), 0) as numerator, coalesce(sum({wanted.denominator}), 0) as denominator {chosen}",
        bound,
    )[0]
    rows = warehouse.query(
        f"select {', '.join(wanted.columns)}, {wanted.counted} as _counted {chosen} "
        f"order by {wanted.at} desc, {wanted.key} limit {limit:d} offset {offset:d}",
        bound,
    )
    return FoundRows(
        columns=list(wanted.columns.values()),
        rows=[tuple(row.values())[:-1] for row in rows],
        counted=[bool(row["_counted"]) for row in rows],
        row_count=sums["row_count"],
        counted_count=sums["counted_count"],
        numerator=float(sums["numerator"]),
        denominator=float(sums["denominator"]),
    )
