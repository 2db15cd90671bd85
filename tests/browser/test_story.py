"""The whole product in one story: a customer hesitates, is helped and orders, and the week's figures tell of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from store import clock
from store.enums import Role
from store.settings import ROOT, Settings
from tests.api.serving import Api, serve_api
from tests.browser.cast import says, sell_items
from tests.browser.conftest import Visitors

DAYS_AGO = 3
"""The story is told then, so that its day is over in the report of the last seven whole days."""


@pytest.fixture
def shop(tmp_path: Path, _migrated_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """A served application of its own, three days ago."""
    settings = Settings.at(tmp_path / "var")
    settings.var_dir.mkdir()
    shutil.copy(_migrated_file, settings.var_dir)
    now = clock.now
    back = now() - (now() - timedelta(days=DAYS_AGO)).replace(hour=6)  # in office hours
    monkeypatch.setattr(clock, "now", lambda: now() - back)
    with serve_api(settings) as api:
        yield api


class Phone:
    """The app on a customer's phone, and its backend."""

    def __init__(self, api: Api, user_id: str) -> None:
        self.api, self.user_id = api, user_id
        self.backend, self.app = api.as_role(Role.APP), api.as_user(user_id)

    def shows(self, *screens: str) -> None:
        for screen in screens:
            self.app.put(f"/context/{self.user_id}/screen", json={"currentScreen": screen}).raise_for_status()

    def fills_cart(self, quantity: int, **more: Any) -> None:
        cart = {"cartItems": [{"itemId": "platter-royal", "quantity": quantity}], **more}
        self.app.put(f"/context/{self.user_id}/cart", json=cart).raise_for_status()

    def signals(self, word: str, count: int) -> None:
        rows = [{"clientEventId": f"{word}-{n}", "signalType": word} for n in range(count)]
        self.app.post(f"/context/{self.user_id}/signals", json=rows).raise_for_status()

    def asks_whether_help_is_due(self) -> dict[str, Any]:
        return self.app.post("/friction/detect", json={}).raise_for_status().json()

    def accepts(self, prompt_id: str) -> str:
        wanted = {"stage": "PRE_ORDER", "promptId": prompt_id, "appScreen": "checkout"}
        return self.app.post("/incidences", json=wanted).raise_for_status().json()["incidenceId"]

    def orders(self, order_id: str, rupees: int, change_id: str) -> None:
        order = {"userId": self.user_id, "status": "PLACED", "orderValue": rupees, "eventType": "WEDDING"}
        self.backend.put(f"/orders/{order_id}", json={**order, "changeRequestId": change_id}).raise_for_status()


def test_from_hesitation_to_the_order(shop: Api, visitors: Visitors):
    live_through(shop, visitors)


@pytest.mark.release
def test_the_weeks_figures_tell_of_it(shop: Api, visitors: Visitors, monkeypatch: pytest.MonkeyPatch):
    live_through(shop, visitors)
    monkeypatch.undo()  # three days later
    settings = shop.store.settings
    environment = os.environ | {"SUPPORTLED_VAR": str(settings.var_dir), "PYTHONPATH": str(ROOT)}
    for command in ("build", "report"):
        done = subprocess.run([sys.executable, "-m", "cli", command], cwd=ROOT, env=environment, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
    insights = visitors.open(shop, "/insights?period=last_7_days", Role.INVESTOR)
    expect(insights.locator("main")).to_contain_text("Assisted conversion")
    expect(insights.get_by_text("100.0%").first).to_be_visible()
    report = visitors.open(shop, "/reports", Role.ANALYST)
    expect(report.locator("main")).to_contain_text("last 7 days", ignore_case=True)
    report.goto("/reports/last_7_days/friction-report.html")
    expect(report.locator("body")).to_contain_text("₹4,000")


def live_through(shop: Api, visitors: Visitors) -> None:
    """A customer hesitates, is offered help and takes it; the agent is stopped at too large a discount; the customer orders."""
    sell_items(shop.store)
    phone = Phone(shop, "story-meera")
    profile = {"name": "Meera Nair", "language": "en", "tier": "GOLD", "priorOrderCount": 0}
    phone.backend.put("/context/story-meera/profile", json=profile).raise_for_status()
    phone.shows("home", "menu", "checkout")
    phone.fills_cart(60, guestCount=180, eventDate="2027-01-20", eventType="WEDDING")
    phone.signals("PRICE_CALCULATION", 6)
    for _ in range(4):
        phone.shows("delivery_slot", "checkout")  # and back again
    found = phone.asks_whether_help_is_due()
    assert found["isHelpDue"], found
    incidence_id = phone.accepts(found["prompt"]["promptId"])

    desk = visitors.open(shop, "/desk?view=unassigned", Role.AGENT)
    expect(desk.get_by_role("row").filter(has_text="Meera Nair")).to_contain_text("Help was offered and taken")
    desk.keyboard.press("j")
    desk.keyboard.press("c")
    expect(desk.get_by_text("It is yours")).to_be_visible()
    desk.goto(f"/desk/incidences/{incidence_id}")
    says(shop.store, incidence_id, "Is there anything you can do about the price?")
    expect(desk.get_by_text("Is there anything you can do about the price?")).to_be_visible()
    desk.get_by_label("Note", exact=True).fill("Would order today for ₹4,000 less.")
    desk.get_by_role("button", name="Save the note").click()
    desk.get_by_role("button", name="Apply discount").click()
    desk.get_by_label("Amount in rupees").fill("4000")
    desk.get_by_role("button", name="Ask the app").click()
    expect(desk.get_by_text("This needs a supervisor's approval")).to_be_visible()

    team = visitors.open(shop, "/desk/team", Role.SUPERVISOR)
    team.get_by_role("button", name="Approve").click()
    expect(team.get_by_text("Nothing is asked")).to_be_visible()
    desk.get_by_role("button", name="Do it now").click()
    expect(desk.get_by_text("The app was asked: ₹4,000 off")).to_be_visible()
    change = shop.as_role(Role.AGENT).get(f"/agent/dashboard/{incidence_id}").json()["orderChanges"][0]
    phone.orders("story-order", 35_000, change["requestId"])
    expect(desk.get_by_text("Closed: Converted", exact=True)).to_be_visible()
    expect(desk.get_by_text("Applied Discount ₹4,000")).to_be_visible()
