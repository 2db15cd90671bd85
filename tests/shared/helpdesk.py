"""The figures of the help desk's event log, computed with pandas alone, from the file and the definitions."""

from pathlib import Path
from typing import Any

import pandas as pd

IST = pd.Timedelta(hours=5, minutes=30)


def expected_helpdesk_figures(path: Path) -> dict[str, Any]:
    """Counts, durations in seconds (percentiles linear), `top_categories` as (category, count), most frequent first and
    alphabetical among equals, `repeat_issues` as {(ISO week in Indian time, category): incidences created in it}, and
    `cases`: one dict per case id."""
    events = read_events(path)
    cases = roll_up(events)
    closed = cases[cases["resolved_at"].notna()]
    seconds = (closed["resolved_at"] - closed["created_at"]).dt.total_seconds()
    categories = cases.groupby("category").size().reset_index(name="count")
    categories = categories.sort_values(["count", "category"], ascending=[False, True])
    return {
        "event_count": len(events),
        "case_count": len(cases),
        "resolved_count": len(closed),
        "open_count": len(cases) - len(closed),
        "time_to_resolve_mean_seconds": seconds.mean(),
        "time_to_resolve_p50_seconds": seconds.quantile(0.5, interpolation="linear"),
        "time_to_resolve_p90_seconds": seconds.quantile(0.9, interpolation="linear"),
        "top_categories": list(categories.head(10).itertuples(index=False, name=None)),
        "repeat_issues": repeat_issues(cases),
        "reopen_count": int(cases["reopen_count"].sum()),
        "reopened_case_count": int((cases["reopen_count"] > 0).sum()),
        "escalation_count": int(cases["escalation_count"].sum()),
        "escalated_case_count": int((cases["escalation_count"] > 0).sum()),
        "wait_count": int(cases["wait_count"].sum()),
        "user_count": int(cases["user"].nunique()),
        "agent_count": int(events["Resource"].nunique()),
        "cases": cases.to_dict("index"),
    }


def read_events(path: Path) -> pd.DataFrame:
    """The log in order of time within each case, ties in order of the file."""
    events = pd.read_csv(path, dtype=str, keep_default_na=False)
    events["at"] = pd.to_datetime(events["Complete Timestamp"], format="%Y/%m/%d %H:%M:%S.%f")
    return events.sort_values(["Case ID", "at"], kind="stable", ignore_index=True)


def roll_up(events: pd.DataFrame) -> pd.DataFrame:
    """One row per case. `events` are sorted."""
    events = events.copy()
    events["is_closed"] = events["Activity"] == "Closed"
    after_closed = events.groupby("Case ID")["is_closed"].shift(1, fill_value=False).astype(bool)
    events["is_reopen"] = after_closed & ~events["is_closed"]
    events["is_escalation"] = events["Activity"] == "Require upgrade"
    events["is_wait"] = events["Activity"] == "Wait"
    events["closed_at"] = events["at"].where(events["is_closed"])
    cases = events.groupby("Case ID").agg(
        created_at=("at", "first"),
        resolved_at=("closed_at", "max"),
        user=("customer", "first"),
        category=("product", "first"),
        agent=("Resource", "last"),
        event_count=("at", "size"),
        reopen_count=("is_reopen", "sum"),
        escalation_count=("is_escalation", "sum"),
        wait_count=("is_wait", "sum"),
    )
    counts = [name for name in cases.columns if name.endswith("_count")]
    return cases.astype(dict.fromkeys(counts, int))


def repeat_issues(cases: pd.DataFrame) -> dict[tuple[str, str], int]:
    """More than three incidences of one category, created in one week that starts on Monday 00:00 in India."""
    week = (cases["created_at"] + IST).dt.isocalendar()
    label = week["year"].astype(str) + "-W" + week["week"].astype(str).str.zfill(2)
    counts = cases.groupby([label.rename("week"), "category"]).size().reset_index(name="count")
    repeated = counts[counts["count"] > 3]
    return dict(zip(zip(repeated["week"], repeated["category"], strict=True), repeated["count"].tolist(), strict=True))
