"""Charts as SVG text for the page: no script, no outside font, one quiet palette."""

import re
from collections.abc import Sequence

import altair as alt
import pandas as pd
import vl_convert
from markupsafe import Markup

from store.display import words
from store.published import FrictionReason, TrendPoint

INK = "#64748b"
ACCENT = "#b45309"
QUIET = "#94a3b8"
FONT = "system-ui, sans-serif"


def reasons_chart(top: Sequence[FrictionReason]) -> Markup:
    """Bars of incidences by category, with a tick at the four-week average."""
    frame = pd.DataFrame(
        {
            "category": [words(reason.issue_category) for reason in top],
            "incidences": [reason.incidence_count for reason in top],
            "average": [reason.four_week_average for reason in top],
        }
    )
    base = alt.Chart(frame).encode(y=alt.Y("category:N", sort=None, title=None))
    bars = base.mark_bar(color=ACCENT, height={"band": 0.6}).encode(x=alt.X("incidences:Q", title="incidences"))
    labels = base.mark_text(align="left", dx=4, color=INK).encode(x="incidences:Q", text="incidences:Q")
    ticks = base.mark_tick(color=INK, thickness=2, size=18).encode(x="average:Q")
    return _svg((bars + ticks + labels).properties(width=520, height=alt.Step(26)))


def share_trend_chart(points: Sequence[TrendPoint], target: float | None) -> Markup:
    """A line of weekly shares, with the target as a dashed rule."""
    frame = pd.DataFrame(
        {
            "week": pd.to_datetime([point.date for point in points]),
            "share": [point.value for point in points],
            "state": ["final" if point.is_final else "provisional" for point in points],
        }
    )
    x = alt.X("week:T", title="week from", axis=alt.Axis(format="%-d %b", tickCount=8))
    y = alt.Y("share:Q", title=None, axis=alt.Axis(format="%"), scale=alt.Scale(zero=False))
    line = alt.Chart(frame).mark_line(color=ACCENT, strokeWidth=2.5).encode(x=x, y=y)
    dots = (
        alt.Chart(frame)
        .mark_point(size=45, color=ACCENT)
        .encode(x=x, y=y, fill=alt.condition("datum.state == 'final'", alt.value(ACCENT), alt.value("white")))
    )
    chart = line + dots
    if target is not None:
        rule = alt.Chart(pd.DataFrame({"target": [target]})).mark_rule(color=QUIET, strokeDash=[5, 4])
        chart = rule.encode(y="target:Q") + chart
    return _svg(chart.properties(width=560, height=190))


def _svg(chart: alt.LayerChart | alt.FacetChart) -> Markup:
    spec = (
        chart.configure(background="transparent", font=FONT)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            gridColor="#e2e8f033",
            domain=False,
            ticks=False,
            labelPadding=6,
            labelLimit=220,
            labelFontSize=12,
        )
        .to_dict()
    )
    svg = vl_convert.vegalite_to_svg(spec)
    # The page scales it: a fixed width would not fit a phone. Its labels are escaped by the renderer.
    scalable = re.sub(
        r'<svg class="marks" width="[\d.]+" height="[\d.]+"', '<svg class="marks" role="presentation"', svg, count=1
    )
    return Markup(scalable)  # noqa: S704
