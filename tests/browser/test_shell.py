import re
from collections.abc import Callable
from pathlib import Path

import httpx2
from playwright.sync_api import Page, expect

from api.dashboard.hindi import HINDI
from api.dashboard.pages import HERE
from api.dashboard.session import SESSION_COOKIE
from store.enums import Role
from tests.api.serving import AGENT_ID, Api
from tests.browser.conftest import PHONE, Visitors

Violations = Callable[[Page], list[str]]


def make_link(pages: Api, role: str, agent_id: str | None = None) -> str:
    answer = pages.as_role(Role.ADMIN).post("/sign-in-links", json={"role": role, "agentId": agent_id})
    return answer.raise_for_status().json()["url"]


def test_a_link_signs_in_once_and_leads_to_the_desk(pages: Api, visitors: Visitors):
    url = make_link(pages, "AGENT", AGENT_ID)
    page = visitors.open(pages, url)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{pages.address}/desk")
    again = visitors.open(pages, url)
    again.get_by_role("button", name="Sign in").click()
    expect(again.get_by_role("heading", name="That did not work")).to_be_visible()


def test_looking_at_a_link_does_not_use_it_up(pages: Api):
    url = make_link(pages, "ANALYST")
    with httpx2.Client(verify=False) as client:
        assert client.get(url).status_code == 200
        answer = client.post(url)
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert client.post(url).status_code == 401


def test_a_link_that_another_site_posts_signs_nobody_in(pages: Api):
    url = make_link(pages, "ANALYST")
    assert pages.client(None).post(url, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 401


def test_without_a_session_the_way_leads_to_sign_in_and_back(pages: Api):
    answer = pages.client(None).get("/desk?view=mine")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/desk%3Fview%3Dmine"
    page = pages.client(None).get(answer.headers["location"]).text
    assert 'href="/desk?view=mine"' in page
    elsewhere = pages.client(None).get("/sign-in?next=//evil.example/").text
    assert 'href="//evil' not in elsewhere


def test_a_post_without_the_forms_token_is_refused(pages: Api, visitors: Visitors):
    page = visitors.open(pages, "/desk", Role.ADMIN)
    refused = page.request.post("/sign-out", form={}, max_redirects=0)
    assert refused.status == 403
    page.reload()
    expect(page).to_have_url(f"{pages.address}/desk")


def test_signing_out_ends_the_session(pages: Api, visitors: Visitors):
    page = visitors.open(pages, "/desk", Role.ADMIN)
    (kept,) = [each for each in page.context.cookies() if each.get("name") == SESSION_COOKIE]
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{pages.address}/sign-in")
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": kept.get("value", ""), "url": pages.address}])
    page.goto("/desk")
    expect(page).to_have_url(re.compile("/sign-in"))


def test_the_language_is_chosen_on_any_page(pages: Api, visitors: Visitors):
    page = visitors.open(pages, "/desk", Role.SUPERVISOR)
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="हिन्दी").click()
    expect(page.locator("html")).to_have_attribute("lang", "hi")
    expect(page.get_by_role("link", name=HINDI["Desk"])).to_be_visible()


def test_pages_may_load_nothing_but_ours(pages: Api):
    page = pages.client(None).get("/sign-in")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
        answer = pages.client(None).get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


def test_everyone_can_read_the_sign_in_page(pages: Api, visitors: Visitors, violations: Violations):
    assert violations(visitors.open(pages, "/sign-in", size=PHONE, dark=True)) == []
    assert violations(visitors.open(pages, "/sign-in?next=/desk", language="hi")) == []


def test_every_word_of_the_pages_has_its_hindi():
    sources = [*HERE.rglob("*.html"), *HERE.rglob("*.py")]
    texts = {text for source in sources for text in _texts(source)}
    assert texts
    assert sorted(texts - HINDI.keys()) == []


def test_what_is_not_ours_has_licence_and_version_beside_it():
    for directory in (entry for entry in (HERE / "static").iterdir() if entry.is_dir()):
        assert (directory / "LICENSE").read_text().strip()
        assert re.search(r"\d+\.\d+\.\d+", (directory / "VERSION").read_text())


def _texts(source: Path) -> set[str]:
    """What stands in t("…") or t('…')."""
    return {
        one or other
        for one, other in re.findall(r"""\bt\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""", source.read_text())
        if source.name not in ("i18n.py", "hindi.py")
    }
