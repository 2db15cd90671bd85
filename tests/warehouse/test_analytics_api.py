"""Analytics over HTTP, answered from a published city."""

import itertools
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from shutil import copytree

import pytest
from sqlalchemy import delete

from store import clock, published
from store.enums import Period, Role
from store.ids import new_id
from store.published import Published
from store.settings import Settings
from store.tables import incidences
from tests.api.robustness.calling import call_often, documented_operations
from tests.api.serving import Api, serve_api
from tests.cities import City
from tests.warehouse.retelling import Retold


@pytest.fixture(scope="module")
def served(first_city: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The city served from a copy: keys and recommendation states are written there."""
    var_dir = tmp_path_factory.mktemp("served") / "var"
    copytree(first_city.settings.var_dir, var_dir, symlinks=True)
    with serve_api(Settings.at(var_dir)) as api:
        yield api


@pytest.fixture
def warehouse(first_city: City) -> Iterator[Published]:
    with published.open_current(first_city.settings) as warehouse:
        yield warehouse


def test_kpis_come_with_what_they_stand_on(served: Api, warehouse: Published) -> None:
    answer = served.as_role(Role.INVESTOR).get("/analytics/kpis").json()
    assert answer["period"] == "last_7_days"
    assert answer["isDemo"] is True
    assert answer["version"] == warehouse.version
    assert answer["dataAsOf"].endswith("Z")
    by_metric = {kpi["metric"]: kpi for kpi in answer["kpis"]}
    rate = by_metric["self_serve_conversion_rate"]
    assert rate["value"] == pytest.approx(rate["numerator"] / rate["denominator"])
    assert rate["isFinal"] is False
    assert rate["definition"]
    assert by_metric["cost_per_assisted_order"]["unit"] == "RUPEES"
    low, high = by_metric["prompt_uplift"]["interval"]
    assert low < by_metric["prompt_uplift"]["value"] < high


def test_a_week_has_the_value_that_analytics_daily_has(served: Api, warehouse: Published) -> None:
    rows = warehouse.query(
        "select date, metric, value from marts.analytics_daily where period = 'WEEK' and segment = 'ALL' "
        "and date = (select max(date) - 7 from marts.analytics_daily where period = 'WEEK')"
    )
    monday: date = rows[0]["date"]
    year, week, _ = monday.isocalendar()
    answer = served.as_role(Role.ANALYST).get("/analytics/kpis", params={"period": f"{year}-W{week:02}"}).json()
    assert answer["startDate"] == monday.isoformat()
    units = {kpi["metric"]: kpi for kpi in answer["kpis"]}
    for row in rows:
        kpi = units[row["metric"]]
        scale = 100 if kpi["unit"] == "RUPEES" else 1
        expected = (
            None if row["value"] is None else pytest.approx(row["value"] / scale, abs=0.005 if scale == 100 else 1e-9)
        )
        assert kpi["value"] == expected, row["metric"]


@pytest.mark.parametrize("dimension", ["channel", "language"])
def test_crossed_filters_are_the_same_definition(warehouse: Published, dimension: str) -> None:
    """One filter is read from analytics_daily, two from the cube: summed over the second they are the same."""
    values = [row["v"] for row in warehouse.query(f"select distinct {dimension} as v from marts.fct_kpis")]
    end = warehouse.as_of.date()
    bounds = {"period": Period.WEEK, "start_date": end - timedelta(days=60), "end_date": end}
    metric = "assisted_conversion_rate"
    single = published.trend(warehouse, metric, filters={"stage": "PRE_ORDER"}, **bounds)
    crossed = [
        published.trend(warehouse, metric, filters={"stage": "PRE_ORDER", dimension: value}, **bounds)
        for value in values
    ]
    sums: dict[date, tuple[float, float]] = {}
    for point in itertools.chain.from_iterable(crossed):
        numerator, denominator = sums.get(point.date, (0.0, 0.0))
        sums[point.date] = (numerator + (point.numerator or 0), denominator + (point.denominator or 0))
    assert any(point.denominator for point in single)
    for point in single:
        if point.denominator:
            assert sums[point.date] == (point.numerator, point.denominator)


def test_a_filter_that_a_metric_cannot_be_cut_by_gives_null_not_a_wrong_figure(served: Api) -> None:
    answer = served.as_role(Role.ANALYST).get("/analytics/kpis", params={"channel": "CALL"}).json()
    by_metric = {kpi["metric"]: kpi["value"] for kpi in answer["kpis"]}
    assert by_metric["self_serve_conversion_rate"] is None
    assert by_metric["assisted_conversion_rate"] is not None
    problem = served.as_role(Role.ANALYST).get(
        "/analytics/trend/self_serve_conversion_rate", params={"channel": "CALL"}
    )
    assert problem.status_code == 422
    assert "cannot be cut by channel" in problem.json()["detail"]


def test_the_report_keeps_the_owners_six_keys(served: Api) -> None:
    answer = served.as_role(Role.ANALYST).get("/analytics/friction-report").json()
    assert {
        "period",
        "top_friction_reasons",
        "unresolved_repeats",
        "cost_per_order",
        "self_serve_rate",
        "recommendations",
    } <= answer.keys()
    assert answer["period"] == "last_7_days"
    assert answer["top_friction_reasons"][0].keys() >= {"issueCategory", "incidenceCount", "topScreen"}
    first = answer["recommendations"][0]
    assert (first["issueCategory"], first["appScreen"]) == ("PAYMENT_FAILURE", "payment")
    assert first["evidence"]


def test_costs_are_answered_in_rupees_by_stage_and_channel(served: Api) -> None:
    answer = served.as_role(Role.ANALYST).get("/analytics/cost-analysis", params={"period": "last_28_days"}).json()
    whole = next(line for line in answer["lines"] if line["stage"] is None)
    assert whole["cxCost"] == pytest.approx(
        whole["contactCost"] + whole["handlingCost"] + whole["discountCost"], abs=0.02
    )
    assert {line["stage"] for line in answer["lines"]} == {"PRE_ORDER", "POST_ORDER", None}


def test_a_trend_has_one_point_a_period(served: Api) -> None:
    answer = (
        served.as_role(Role.INVESTOR)
        .get("/analytics/trend/friction_rate", params={"granularity": "WEEK", "period": "last_28_days"})
        .json()
    )
    dates = [date.fromisoformat(point["date"]) for point in answer["points"]]
    assert len(dates) >= 3
    assert all(day.isoweekday() == 1 for day in dates)
    assert all((later - earlier).days == 7 for earlier, later in itertools.pairwise(dates))


def test_every_kpi_has_a_trend_in_its_own_unit(served: Api) -> None:
    client = served.as_role(Role.ANALYST)
    for kpi in client.get("/analytics/kpis").json()["kpis"]:
        answer = client.get(f"/analytics/trend/{kpi['metric']}")
        assert answer.status_code == 200, answer.text
        for point in answer.json()["points"]:
            if kpi["unit"] == "RUPEES" and point["denominator"]:
                assert point["value"] == pytest.approx(point["numerator"] / point["denominator"], abs=0.011)


def test_an_answer_that_the_caller_has_is_not_sent_again(served: Api) -> None:
    client = served.as_role(Role.ANALYST)
    first = client.get("/analytics/kpis")
    again = client.get("/analytics/kpis", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(
        "/analytics/kpis", params={"stage": "PRE_ORDER"}, headers={"If-None-Match": first.headers["ETag"]}
    )
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("path", "parameters", "status", "said"),
    [
        ("/analytics/kpis", {"period": "yesterday"}, 422, "2026-W47"),
        ("/analytics/kpis", {"from": "2026-11-02"}, 422, "send both"),
        ("/analytics/kpis", {"from": "2026-11-02", "to": "2026-11-01"}, 422, "after to"),
        ("/analytics/kpis", {"tier": "PLATINUM"}, 422, "tier"),
        ("/analytics/trend/happiness", {}, 404, "happiness"),
        ("/analytics/friction-report", {"week": "2026-W60"}, 422, "period"),
    ],
)
def test_problems_name_the_field_and_the_remedy(
    served: Api, path: str, parameters: dict[str, str], status: int, said: str
) -> None:
    answer = served.as_role(Role.ANALYST).get(path, params=parameters)
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, problem["status"]) == (status, status)
    assert said in problem["detail"]
    assert problem["remedy"]


def test_investors_see_no_rows(served: Api) -> None:
    for path in ("/analytics/friction-report", "/analytics/cost-analysis"):
        assert served.as_role(Role.INVESTOR).get(path).status_code == 403
    assert served.client(None).get("/analytics/kpis").status_code == 401


def test_an_accepted_recommendation_is_accepted_in_the_next_report(retold: Retold) -> None:
    client = retold.api.as_role(Role.ANALYST)
    assert retold.accepted["state"] == "OPEN"
    found = client.get("/analytics/friction-report").json()["recommendations"]
    assert {row["recommendationId"]: row["state"] for row in found}[retold.accepted["recommendationId"]] == "ACCEPTED"
    assert client.post("/analytics/recommendations/unknown", json={"state": "DONE"}).status_code == 404


def test_an_incidence_that_left_the_store_is_told_from_the_warehouse(served: Api, warehouse: Published) -> None:
    (row,) = warehouse.query("select incidence_id, user_id from marts.fct_incidences order by incidence_id limit 1")
    incidence_id, user_id = row["incidence_id"], row["user_id"]
    live = served.as_role(Role.AGENT).get(f"/incidences/{incidence_id}").raise_for_status().json()
    served.store.write(
        lambda connection: connection.execute(delete(incidences).where(incidences.c.incidence_id == incidence_id))
    )
    told = served.as_role(Role.AGENT).get(f"/incidences/{incidence_id}").raise_for_status().json()
    stays_behind = {"userInputs", "selectedItems", "allowedChannels", "ruleVersion"}
    assert {name: told[name] for name in told.keys() - stays_behind} == {
        name: live[name] for name in live.keys() - stays_behind
    }
    assert served.as_user(user_id).get(f"/incidences/{incidence_id}").status_code == 200
    assert served.as_user("somebody-else").get(f"/incidences/{incidence_id}").status_code == 404
    assert served.as_role(Role.AGENT).get(f"/incidences/{new_id(clock.now())}").status_code == 404


@pytest.mark.parametrize("role", [Role.ANALYST, Role.INVESTOR])
def test_analytics_answer_as_they_are_documented(served: Api, role: Role, size: Callable[..., int]) -> None:
    report = served.as_role(Role.ANALYST).get("/analytics/friction-report").json()
    known = {
        "metric": [kpi["metric"] for kpi in served.as_role(Role.INVESTOR).get("/analytics/kpis").json()["kpis"]],
        "recommendationId": [row["recommendationId"] for row in report["recommendations"]],
    }
    for operation in documented_operations(served):
        if "/analytics/" in operation.label:
            call_often(served, known, operation, role, size(small=5, full=50))
