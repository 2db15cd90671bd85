"""What the pages of /insights ask the warehouse, and what they show and give away of it."""

import csv
import html
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from shutil import copy, copytree

import duckdb
import httpx2
import pytest
from openpyxl import load_workbook

from api.dashboard.insights.downloads import DOWNLOADS
from api.dashboard.session import SESSION_COOKIE
from api.dashboard.sign_in import insert_link, open_session
from store import published
from store.clock import IST
from store.enums import RecommendationState, Role
from store.published import Published
from store.published.friction import friction_reasons, repeat_issues, screens_and_reasons
from store.published.periods import ReportPeriod, period_before
from store.published.prompts import prompt_effects
from store.published.recommendations import decisions
from store.published.rows import ROWS, find_rows, metric_rows
from store.published.versions import FILE_NAME
from store.settings import Settings
from tests.api.serving import Api, serve_api
from tests.cities import City

AS_OF = datetime(2026, 11, 23, tzinfo=IST)
HOSTILE = '=HYPERLINK("http://evil.example") <script>alert(1)</script>'


@pytest.fixture(scope="module")
def warehouse(first_city: City) -> Iterator[Published]:
    with published.open_current(first_city.settings) as warehouse:
        yield warehouse


@pytest.fixture(scope="module")
def changed_city(first_city: City, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The city's published version, in which a fix was done three weeks ago and a category has a hostile name."""
    settings = Settings.at(tmp_path_factory.mktemp("changed"))
    version = published.current_version(first_city.settings)
    assert version is not None
    copytree(first_city.settings.published_dir / version, settings.published_dir / version)
    settings.current_link.symlink_to(Path("published") / version)
    with duckdb.connect(str(settings.published_dir / version / FILE_NAME)) as connection:
        connection.execute(
            "update marts.fct_weekly_recommendations set state = 'DONE', "
            "state_changed_at = (select as_of - interval 21 day from marts.data_as_of) "
            "where issue_category = 'PAYMENT_FAILURE' and period = 'last_7_days'"
        )
        connection.execute(
            "update marts.fct_incidences set issue_category = ? where issue_category = 'ORDER_CHANGE'", [HOSTILE]
        )
    return settings


@pytest.fixture(scope="module")
def served(changed_city: Settings, _migrated_file: Path) -> Iterator[Api]:
    copy(_migrated_file, changed_city.var_dir)
    with serve_api(changed_city, loops=()) as api:
        yield api


def visit(api: Api, path: str, role: Role = Role.ANALYST) -> httpx2.Response:
    def sign_in(connection) -> str:
        return open_session(connection, insert_link(connection, role=role).token)

    return api.client(None).get(path, headers={"Cookie": f"{SESSION_COOKIE}={api.store.write(sign_in)}"})


@pytest.mark.parametrize("filters", [{}, {"order_band": "FROM_25K"}, {"tier": "GOLD", "language": "hi"}])
@pytest.mark.parametrize("period", ["last_7_days", "last_28_days"])
def test_the_rows_behind_a_figure_add_up_to_it(warehouse: Published, period: str, filters: Mapping[str, str]) -> None:
    days = published.parse_period(period, warehouse.as_of)
    entries = {entry["metric"]: entry for entry in published.catalogue(warehouse)}
    assert entries.keys() >= ROWS.keys()
    for kpi in (kpi for kpi in published.kpis(warehouse, days, filters) if kpi.metric in ROWS):
        entry = entries[kpi.metric]
        if not set(filters) <= set(entry["dimensions"]):
            with pytest.raises(ValueError, match="cannot be cut by"):
                metric_rows(warehouse, kpi.metric, days, filters)
            continue
        sets, of_days = metric_rows(warehouse, kpi.metric, days, filters)
        found = [find_rows(warehouse, rows, of_days, filters, limit=1) for rows in sets]
        summed = (sum(rows.numerator for rows in found), sum(rows.denominator for rows in found))
        if entry["is_additive"]:
            assert summed == (kpi.numerator or 0.0, kpi.denominator or 0.0), kpi.metric
        elif kpi.metric.startswith("time_to_resolve"):
            assert summed[1] == kpi.denominator


def test_the_rows_behind_repeats_are_of_as_many_categories(warehouse: Published) -> None:
    for period in ("last_7_days", "last_28_days"):
        days = published.parse_period(period, warehouse.as_of)
        (rows,), _ = metric_rows(warehouse, "repeat_issue_count", days)
        found = find_rows(warehouse, rows, days, limit=100_000)
        place = [column.title for column in found.columns].index("Reason")
        repeats = repeat_issues(warehouse, days)
        assert {row[place] for row in found.rows} == {issue.issue_category for issue in repeats}
        assert found.row_count == sum(issue.incidence_count for issue in repeats)
        kpi = next(kpi for kpi in published.kpis(warehouse, days) if kpi.metric == "repeat_issue_count")
        assert kpi.value == len(repeats) > 0


def test_the_rows_behind_the_uplift_are_its_two_arms(warehouse: Published) -> None:
    effect = next(effect for effect in prompt_effects(warehouse) if effect.window == "28_DAYS")
    days = published.last_7_days(warehouse.as_of)
    (rows,), window = metric_rows(warehouse, "prompt_uplift", days)
    assert window.end_date == effect.period_end_date
    found = find_rows(warehouse, rows, window, limit=1)
    assert found.denominator == effect.treated_users + effect.holdout_users
    assert found.numerator == effect.treated_converted + effect.holdout_converted


def test_reasons_of_any_period_are_those_of_the_report_where_there_is_one(warehouse: Published) -> None:
    periods = warehouse.query("select distinct period from marts.fct_friction_reasons order by period")
    assert len(periods) > 3
    for row in periods:
        days = published.parse_period(row["period"], warehouse.as_of)
        expected = warehouse.query(
            "select rank, issue_category, incidence_count, top_screen, top_screen_count, four_week_average, trend_rate, "
            "cx_cost_paise, lost_value_paise from marts.fct_friction_reasons where period = ? and is_demo order by rank",
            [row["period"]],
        )
        found = friction_reasons(warehouse, days)
        assert [{name: getattr(reason, name) for name in expected[0]} for reason in found] == expected
        assert sum(pair.incidence_count for pair in screens_and_reasons(warehouse, days)) == sum(
            reason.incidence_count for reason in found
        )
        mart = warehouse.query(
            "select issue_category, incidence_count, open_or_dropped_count from marts.fct_repeat_issues "
            "where period = ? and is_demo and scope = 'CATEGORY' order by incidence_count desc, issue_category",
            [row["period"]],
        )
        assert [
            (issue.issue_category, issue.incidence_count, issue.open_or_dropped_count)
            for issue in repeat_issues(warehouse, days)
        ] == [tuple(line.values()) for line in mart]


def test_a_decision_is_compared_by_the_weeks_before_and_since(changed_city: Settings) -> None:
    with published.open_current(changed_city) as warehouse:
        (made,) = decisions(warehouse)
        assert (made.state, made.issue_category, made.days_after) == (RecommendationState.DONE, "PAYMENT_FAILURE", 20)
        decided = warehouse.as_of.astimezone(IST).date() - timedelta(days=21)
        before, since = (
            friction_reasons_on(warehouse, made.issue_category, made.app_screen, period)
            for period in (
                ReportPeriod("before", decided - timedelta(days=28), decided - timedelta(days=1)),
                ReportPeriod("since", decided + timedelta(days=1), decided + timedelta(days=20)),
            )
        )
        assert made.before.incidence_count == before / 4
        assert made.after is not None
        assert made.after.incidence_count == pytest.approx(since * 7 / 20)
        assert since > 0


def friction_reasons_on(warehouse: Published, category: str, screen: str, days: ReportPeriod) -> int:
    pairs = screens_and_reasons(warehouse, days)
    return sum(p.incidence_count for p in pairs if (p.issue_category, p.app_screen) == (category, screen))


def test_the_period_before_is_of_the_same_kind() -> None:
    def name(period: str) -> str:
        return period_before(published.parse_period(period, AS_OF)).name

    assert name("2026-03") == "2026-02"
    assert name("2026-01") == "2025-12"
    assert name("2026-W01") == "2025-W52"
    assert period_before(published.parse_period("2026-11-23", AS_OF)).end_date.isoformat() == "2026-11-22"


@pytest.mark.parametrize("name", DOWNLOADS)
def test_csv_and_xlsx_hold_the_same_rows(served: Api, name: str) -> None:
    asks = {
        "trend": "metric=time_to_resolve",
        "breakdown": "metric=assisted_conversion_rate&dimension=channel",
        "rows": "metric=blocked_action_rate",
        "evidence": f"id={first_recommendation(served)}",
    }.get(name, "")
    answers = {
        kind: visit(served, f"/insights/tables/{name}.{kind}?{asks}").raise_for_status() for kind in ("csv", "xlsx")
    }
    assert "attachment" in answers["csv"].headers["content-disposition"]
    written = list(csv.reader(StringIO(answers["csv"].text)))
    book = load_workbook(BytesIO(answers["xlsx"].content))
    lines = list(book.worksheets[0].iter_rows(values_only=True))
    heading = lines.index(next(line for line in lines if list(line[: len(written[0])]) == written[0]))
    assert "Data as of" in str(lines[1][0])
    assert len(written) == len(lines) - heading > 1
    assert not any(cell.data_type == "f" for row in book.worksheets[0].iter_rows() for cell in row)
    assert not re.search(r'(^|,)"?=', answers["csv"].text, re.MULTILINE), "no live formula"


def first_recommendation(api: Api) -> str:
    page = visit(api, "/insights/recommendations").text
    found = re.search(r"/insights/recommendations/([0-9a-f-]{36})/evidence", page)
    assert found
    return found[1]


def test_every_page_tells_what_its_figures_stand_on(served: Api, warehouse: Published) -> None:
    for path in (
        "",
        "/kpis/friction_rate",
        "/friction",
        "/recommendations",
        "/costs",
        "/prompts",
        "/rows/friction_rate",
    ):
        page = visit(served, f"/insights{path}?period=last_28_days").raise_for_status().text
        assert f"version <code>{warehouse.version}</code>" in page, path
        assert "data as of <time" in page
        assert "Demo data: no real customers" in page
    overview = html.unescape(visit(served, "/insights").text)
    assert [entry["metric"] for entry in published.catalogue(warehouse) if entry["definition"] not in overview] == []


def test_a_tile_has_the_figure_of_the_api_for_the_same_address(served: Api) -> None:
    query = "period=last_28_days&orderBand=FROM_25K&eventType=WEDDING"
    kpis = served.as_role(Role.ANALYST).get(f"/analytics/kpis?{query}").json()["kpis"]
    page = visit(served, f"/insights?{query}").text
    rate = next(kpi for kpi in kpis if kpi["metric"] == "assisted_conversion_rate")
    assert f"<strong>{rate['value'] * 100:.1f}%</strong>" in page
    assert "Not counted by this filter" in page, "sessions have no event type"


def test_what_was_written_by_others_is_shown_as_text(served: Api) -> None:
    for path in ("/insights/friction", "/insights/rows/escalation_rate", "/insights/incidences"):
        page = visit(served, path).raise_for_status().text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page, path
    exported = visit(served, "/insights/tables/reasons.csv").text
    assert "'=HYPERLINK" in exported


def test_investors_see_figures_and_no_way_to_rows(served: Api) -> None:
    page = visit(served, "/insights/kpis/friction_rate", Role.INVESTOR).raise_for_status().text
    assert "/insights/rows" not in page
    assert "/insights/friction" not in page
    for name, table in DOWNLOADS.items():
        if table.has_rows:
            assert visit(served, f"/insights/tables/{name}.csv", Role.INVESTOR).status_code == 403, name
    assert visit(served, "/insights/tables/kpis.csv", Role.INVESTOR).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/insights?period=never", 422, "2026-W47"),
        ("/insights?tier=%3Cscript%3E", 422, "tier"),
        ("/insights/kpis/happiness", 404, "happiness"),
        ("/insights/rows/friction_rate?stage=PRE_ORDER", 422, "cannot be cut by stage"),
        ("/insights/rows/friction_rate?page=99999", 404, "no such page"),
        ("/insights/tables/nothing.csv", 404, "nothing"),
        ("/insights/recommendations/00000000-0000-0000-0000-000000000000/evidence", 404, "no such recommendation"),
    ],
)
def test_what_cannot_be_shown_is_told_with_what_to_do(served: Api, path: str, status: int, said: str) -> None:
    answer = visit(served, path)
    assert answer.status_code == status
    assert said in answer.text
    assert "What to do" in answer.text


def test_an_empty_period_says_what_to_do(served: Api) -> None:
    page = visit(served, "/insights/friction?period=2020-01").raise_for_status().text
    assert "No incidence was created" in page
    assert "Choose a longer period" in page
    assert "Nothing to count in this period" in visit(served, "/insights?period=2020-01").text


def test_the_documentation_of_the_warehouse_is_whole_and_asks_nobody(first_city: City) -> None:
    directory = first_city.settings.data_docs_dir
    page = (directory / "index.html").read_text("utf-8")
    assert re.findall(r"<script[^>]*>", page) == ['<script defer src="app.js">']
    assert not re.search(r"""(src|href)=["']https?:""", page)
    catalog = json.loads((directory / "catalog.json").read_text("utf-8"))
    manifest = json.loads((directory / "manifest.json").read_text("utf-8"))
    marts = {
        key
        for key, node in manifest["nodes"].items()
        if node.get("schema") == "marts" and node["resource_type"] == "model"
    }
    assert marts <= catalog["nodes"].keys()
    assert catalog["nodes"]["model.supportled.dim_kpis"]["columns"]["metric"]["type"] == "VARCHAR"
    assert str(first_city.settings.var_dir) not in json.dumps(manifest)
    assert manifest["metadata"]["send_anonymous_usage_stats"] is False
