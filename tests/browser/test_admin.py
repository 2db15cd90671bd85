import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Connection, insert

from store import clock
from store.enums import Role
from store.ids import new_id
from store.tables import outbox
from tests.api.serving import Api
from tests.browser.cast import customer
from tests.browser.conftest import PHONE, Visitors

Violations = Callable[[Page], list[str]]
SETS = (
    "friction",
    "routing",
    "escalation",
    "notification",
    "discount",
    "category",
    "screen",
    "phrase",
    "office-hours",
    "policy",
)


def change_first_band(page: Page, to: str) -> None:
    page.get_by_role("button", name="Change these rules").click()
    page.get_by_label("To under, rupees; empty: no end 1").fill(to)
    page.get_by_label("From, rupees 2").fill(to)


def test_a_change_of_routing_shows_what_it_does_before_it_is_in_force(
    pages: Api, visitors: Visitors, violations: Violations
):
    customer(pages, "r-ravi", "Ravi Routed", quantity=10)  # ₹6,620: chat, now
    page = visitors.open(pages, "/admin/rules/routing", Role.ADMIN)
    change_first_band(page, "7000")
    page.get_by_role("button", name="Show what would change").click()
    effect = page.get_by_role("region", name="What would change")
    expect(effect).to_contain_text("would have had other channels")
    expect(effect).to_contain_text("Chat → no human support")
    expect(page.locator("ins").first).to_have_text("under ₹7,000")
    assert violations(page) == []
    page.get_by_role("button", name="Put in force now").click()
    expect(page.get_by_role("heading", name=re.compile(r"Routing rules, version \d+"))).to_be_visible()
    bands = pages.as_role(Role.APP).get("/channel/rules").json()["bands"]
    assert bands[0]["orderValueMax"] == bands[1]["orderValueMin"] == 7_000
    page.get_by_role("link", name="version 1").click()
    expect(page.get_by_role("cell", name="under ₹5,000")).to_be_visible()


def test_rules_with_a_gap_are_refused_and_what_was_typed_stays(pages: Api, visitors: Visitors):
    page = visitors.open(pages, "/admin/rules/routing", Role.ADMIN)
    page.get_by_role("button", name="Change these rules").click()
    page.get_by_label("From, rupees 2").fill("9999")
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_role("alert")).to_contain_text("leaves a gap after band 0")
    expect(page.get_by_label("From, rupees 2")).to_have_value("9999")
    expect(page.get_by_role("button", name="Put in force now")).to_have_count(0)


def test_two_admins_do_not_overwrite_each_other(pages: Api, visitors: Visitors):
    one, other = (visitors.open(pages, "/admin/rules/friction", Role.ADMIN) for _ in range(2))
    for page, points in ((one, "31"), (other, "32")):
        page.get_by_role("button", name="Change these rules").click()
        page.get_by_label("Inactivity: Points").fill(points)
        page.get_by_role("button", name="Show what would change").click()
        expect(page.get_by_role("region", name="What would change")).to_contain_text("help was due for")
    one.get_by_role("button", name="Put in force now").click()
    expect(one.get_by_role("cell", name="+31")).to_be_visible()
    other.get_by_role("button", name="Put in force now").click()
    expect(other.get_by_role("alert")).to_contain_text("Somebody saved version")
    expect(other.get_by_label("Inactivity: Points")).to_have_value("32")
    expect(other.locator("del")).to_have_text("+31")
    other.get_by_role("button", name="Put in force now").click()
    expect(other.get_by_role("cell", name="+32")).to_be_visible()


def test_plain_rules_are_changed_line_by_line_and_seen_first(pages: Api, visitors: Visitors, violations: Violations):
    page = visitors.open(pages, "/admin/rules/notification", Role.ADMIN)
    page.get_by_role("button", name="Change these rules").click()
    page.get_by_label("Over 3").fill("0.001.2")
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_role("alert")).to_contain_text("should be a number")
    page.get_by_label("Over 3").fill("90")
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_role("region", name="What would change")).to_contain_text(
        "Lines that change: 1; new: 0; gone: 0"
    )
    expect(page.locator("ins")).to_have_text("Inactivity seconds > 90")
    assert violations(page) == []
    page.get_by_role("button", name="Put in force now").click()
    expect(page.get_by_role("heading", name="Notification rules, version 2")).to_be_visible()
    rules = pages.as_role(Role.APP).get("/notifications/rules").json()["rules"]
    assert next(rule["threshold"] for rule in rules if rule["code"] == "GUEST_COUNT_INACTIVITY") == 90


def test_every_set_can_be_read_and_changed(pages: Api, visitors: Visitors, violations: Violations):
    page = visitors.open(pages, "/admin/rules", Role.ADMIN)
    for name in SETS:
        answer = page.request.get(f"/admin/rules/{name}")
        assert answer.status == 200
        assert "Change these rules" in answer.text()
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    for name in ("policy", "notification"):
        page.goto(f"/admin/rules/{name}")
        page.get_by_role("button", name="Change these rules").click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert violations(page) == []


def test_a_new_agent_gets_a_link_and_signs_in(pages: Api, visitors: Visitors, violations: Violations):
    page = visitors.open(pages, "/admin/people", Role.ADMIN)
    page.get_by_label("Name").fill("Farah <b>")
    page.get_by_label("Id, if it should be a certain one").fill("agent-farah")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("row", name="Farah").get_by_role("button", name="Agent").click()
    address = page.locator(".secret").inner_text()
    assert violations(page) == []
    farah = visitors.open(pages, address)
    farah.get_by_role("button", name="Sign in").click()
    expect(farah.locator("details.menu summary")).to_have_text("Farah <b>")


def test_a_key_is_shown_once_and_ends_when_it_is_revoked(pages: Api, visitors: Visitors):
    page = visitors.open(pages, "/admin/keys", Role.ADMIN)
    page.get_by_label("Role").select_option("ANALYST")
    page.get_by_label("What it is for").fill("notebook of Isha")
    page.get_by_role("button", name="Make a key").click()
    key = page.locator(".secret").inner_text()
    assert pages.client(key).get("/friction/thresholds").status_code == 200
    page.goto("/admin/keys")
    assert key not in page.content()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Revoke notebook of Isha").click()
    expect(page.get_by_role("row", name="notebook of Isha")).to_contain_text("revoked")
    assert pages.client(key).get("/friction/thresholds").status_code == 401


def test_what_could_not_be_delivered_is_sent_again(pages: Api, visitors: Visitors):
    def put(connection: Connection) -> None:
        at = clock.now()
        row = {"destination": "APP", "kind": "ORDER_CHANGE", "payload": {}, "state": "DEAD", "attempts": 8}
        dead = {**row, "failure": "http 500", "created_at": at, "due_at": at, "expires_at": at, "source": "app"}
        connection.execute(insert(outbox).values(message_id=new_id(at), **dead))

    pages.store.write(put)
    page = visitors.open(pages, "/admin/dead-letters", Role.ADMIN)
    row = page.get_by_role("row", name="Order change")
    expect(row).to_contain_text("http 500")
    row.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("Everything was delivered")).to_be_visible()


@pytest.mark.parametrize("path", ["/admin", "/admin/rules/friction", "/admin/people", "/admin/keys", "/desk/team"])
def test_supervising_pages_are_for_everybody(pages: Api, visitors: Visitors, violations: Violations, path: str):
    page = visitors.open(pages, path, Role.ADMIN, size=PHONE, dark=True, language="hi")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
