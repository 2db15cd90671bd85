"""The pages of figures in a real browser, over a published city."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copy

import pytest
from playwright.sync_api import Page, expect

from api.dashboard.front import PLACES
from api.dashboard.session import LANGUAGE_COOKIE, SESSION_COOKIE
from orchestration.exports import export_kpis
from orchestration.reports import write_weekly_report
from store.enums import Role
from store.settings import Settings
from tests.api.serving import Api, serve_api
from tests.browser.conftest import DESK, PHONE, Visitors, session_token
from tests.cities import City

PAGES = {
    "/": Role.ADMIN,
    "/insights": Role.INVESTOR,
    "/insights/kpis/cost_per_assisted_order?by=day&period=last_28_days": Role.INVESTOR,
    "/insights/friction?period=last_28_days&orderBand=FROM_25K": Role.ANALYST,
    "/insights/recommendations": Role.ANALYST,
    "/insights/costs": Role.ANALYST,
    "/insights/prompts": Role.ANALYST,
    "/insights/incidences?issueCategory=DELIVERY_AREA&period=last_28_days": Role.ANALYST,
    "/insights/exports": Role.INVESTOR,
    "/reports": Role.ANALYST,
}


@pytest.fixture(scope="module")
def insights(first_city: City, tmp_path_factory: pytest.TempPathFactory, _migrated_file: Path) -> Iterator[Api]:
    """The published city beside an operational store of the tests' own."""
    settings = Settings.at(tmp_path_factory.mktemp("insights"))
    copy(_migrated_file, settings.var_dir)
    for name in ("warehouse", "dbt"):
        (settings.var_dir / name).symlink_to(first_city.settings.var_dir / name)
    write_weekly_report(settings, formats=("html",))
    export_kpis(settings)
    with serve_api(settings, loops=()) as api:
        yield api


@pytest.mark.parametrize("path", PAGES)
def test_pages_fit_phone_and_desk_light_and_dark_and_everybody(
    insights: Api, visitors: Visitors, violations: Callable[[Page], list[str]], path: str
) -> None:
    page = visitors.open(insights, path, PAGES[path], size=PHONE, dark=True)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert _scrolls_sideways(page) is False
    assert violations(page) == []
    page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})
    page.emulate_media(color_scheme="light")
    assert _scrolls_sideways(page) is False
    assert violations(page) == []


def test_a_tile_leads_to_its_trend_its_rows_and_a_file(insights: Api, visitors: Visitors) -> None:
    page = visitors.open(insights, "/insights", Role.ANALYST)
    page.locator("select[name=period]").select_option("last_28_days")
    page.locator("select[name=orderBand]").select_option("FROM_25K")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"period=last_28_days.*orderBand=FROM_25K"))
    page.get_by_role("link", name="Self-serve conversion", exact=True).click()
    expect(page).to_have_url(re.compile("/insights/kpis/self_serve_conversion_rate"))
    expect(page.get_by_role("img")).to_have_attribute("aria-label", re.compile("^From .* to "))
    page.get_by_role("link", name="See the rows").click()
    expect(page).to_have_url(
        re.compile(r"/insights/rows/self_serve_conversion_rate\?period=last_28_days&orderBand=FROM_25K")
    )
    bands = page.locator('td[data-label="Order band"]')
    assert set(bands.all_text_contents()) == {"From ₹25,000"}
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").click()
    rows = Path(waiting.value.path()).read_text("utf-8").splitlines()
    told = re.search(r"([\d,]+) rows", page.locator("main").inner_text())
    assert told
    assert len(rows) - 1 == int(told[1].replace(",", ""))


def test_a_recommendation_is_decided_on_its_page_and_can_be_opened_again(insights: Api, visitors: Visitors) -> None:
    page = visitors.open(insights, "/insights/recommendations", Role.ANALYST)
    first = page.locator("article.advice").first
    expect(first.locator(".badge")).to_have_text("Open")
    first.get_by_role("button", name="Accept").click()
    expect(first.locator(".badge")).to_have_text("Accepted")
    colleague = visitors.open(insights, "/insights/recommendations", Role.ADMIN)
    expect(colleague.locator("article.advice").first.locator(".badge")).to_have_text("Accepted")
    first.get_by_role("link", name=re.compile("incidence")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The evidence of a recommendation")
    page.go_back()
    page.locator("article.advice").first.get_by_role("button", name="Open again").click()
    expect(page.locator("article.advice").first.locator(".badge")).to_have_text("Open")


def test_reports_and_documentation_open_without_asking_anybody(insights: Api, visitors: Visitors) -> None:
    page = visitors.open(insights, "/reports", Role.ANALYST)
    page.get_by_role("link", name="Read").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    docs = visitors.open(insights, "/docs/data", Role.ANALYST)
    expect(docs.get_by_role("heading", name="The warehouse")).to_be_visible()
    docs.goto("/docs/data/index.html#!/model/model.supportled.fct_incidences")
    expect(docs.get_by_role("heading", name="fct_incidences")).to_be_visible()


def test_before_the_first_build_pages_say_how_to_make_it(pages: Api) -> None:
    cookie = {"Cookie": f"{SESSION_COOKIE}={session_token(pages, Role.ANALYST)}"}
    for path, status, remedy in (
        ("/insights", 503, "./supportled build"),
        ("/docs/data/index.html", 404, "./supportled build"),
        ("/reports", 200, "./supportled report"),
        ("/insights/exports", 200, "./supportled export kpis"),
        ("/", 200, "./supportled build"),
    ):
        answer = pages.client(None).get(path, headers=cookie)
        assert answer.status_code == status, path
        assert remedy in answer.text


def test_the_front_page_speaks_hindi(pages: Api) -> None:
    cookie = {"Cookie": f"{SESSION_COOKIE}={session_token(pages, Role.ADMIN)}; {LANGUAGE_COOKIE}=hi"}
    page = pages.client(None).get("/", headers=cookie).text
    assert page.count("/docs/data") == 1
    assert not [place for place in PLACES if place.title in page or place.text in page]


def _scrolls_sideways(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
