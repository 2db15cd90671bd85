import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import insert

from api.dashboard.hindi import HINDI
from store import clock
from store.enums import Role
from store.settings import Settings
from store.tables import platform_conversations
from tests.api.serving import AGENT_ID, SUPERVISOR_ID, Api
from tests.api.story import put_order, read
from tests.browser.cast import customer, says
from tests.browser.conftest import PHONE, Visitors

Violations = Callable[[Page], list[str]]
HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(2)> {{ 7 * 7 }} =HYPERLINK("http://evil.example")'


def act(api: Api, role: Role, incidence_id: str, action: str, **more: object) -> dict:
    answer = api.as_role(role).post(f"/agent/actions/{incidence_id}", json={"action": action, **more})
    return answer.raise_for_status().json()


def held(api: Api, user_id: str, name: str, **more: object) -> str:
    """An incidence that is with Asha."""
    incidence_id = customer(api, user_id, name, **more)  # pyright: ignore[reportArgumentType]
    act(api, Role.AGENT, incidence_id, "REASSIGN", agentId=AGENT_ID)
    return incidence_id


def row(page: Page, name: str):
    return page.get_by_role("row").filter(has_text=name)


def test_the_queue_tells_who_waits_why_and_until_when(pages: Api, visitors: Visitors, violations: Violations):
    incidence_id = customer(pages, "q-kavya", "Kavya Iyer", event="BIRTHDAY", guests=25, tier="GOLD")
    customer(pages, "q-dev", "Dev Malhotra")
    act(pages, Role.SUPERVISOR, incidence_id, "ESCALATE", trigger="POLICY_EXCEPTION", reason="Wants to pay later.")
    page = visitors.open(pages, "/desk?view=escalated", Role.AGENT)
    line = row(page, "Kavya Iyer")
    for told in ("Gold", "Supervisor", "Wants to pay later.", "Birthday · 25 guests", "₹13,120", "Nobody has it yet."):
        expect(line).to_contain_text(told)
    expect(line.locator("[data-due]")).to_have_text(re.compile(r"^\d+:\d\d$"))
    expect(row(page, "Dev Malhotra")).to_have_count(0)
    page.get_by_label("Search by name or id").fill("dev mal")
    expect(page.get_by_text("Nothing fits these filters")).to_be_visible()
    expect(page).to_have_url(re.compile(r"view=escalated.*q=dev\+mal"))
    page.get_by_role("link", name=re.compile("Unassigned")).click()
    expect(row(page, "Dev Malhotra")).to_be_visible()
    assert violations(page) == []


def test_taking_with_a_key_and_giving_back(pages: Api, visitors: Visitors):
    incidence_id = customer(pages, "t-zoya", "Zoya Khan")
    page = visitors.open(pages, "/desk?view=unassigned&q=Zoya", Role.AGENT)
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.get_by_text("It is yours")).to_be_visible()
    expect(row(page, "Zoya Khan")).to_have_count(0)
    assert read(pages, incidence_id)["agentId"] == AGENT_ID
    page.get_by_role("button", name="Undo").click()
    expect(row(page, "Zoya Khan")).to_be_visible()
    assert read(pages, incidence_id)["agentId"] is None


def test_what_a_supervisor_took_goes_back_to_its_agent(pages: Api, visitors: Visitors):
    incidence_id = held(pages, "u-uma", "Uma Undone")
    page = visitors.open(pages, "/desk?view=all&q=Uma", Role.SUPERVISOR)
    page.get_by_role("button", name="Take it: Uma Undone").click()
    expect(row(page, "Uma Undone").get_by_text("you", exact=True)).to_be_visible()
    assert read(pages, incidence_id)["agentId"] == SUPERVISOR_ID
    page.get_by_role("button", name="Undo").click()
    expect(row(page, "Uma Undone").get_by_text("Asha")).to_be_visible()
    assert read(pages, incidence_id)["agentId"] == AGENT_ID


def test_keys_escalate_and_resolve_from_the_queue(pages: Api, visitors: Visitors):
    incidence_id = held(pages, "k-dev", "Dev Keys")
    page = visitors.open(pages, "/desk?view=mine&q=Dev+Keys", Role.AGENT)
    page.keyboard.press("/")
    expect(page.get_by_label("Search by name or id")).to_be_focused()
    page.get_by_role("link", name="Dev Keys").focus()
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog", name="Escalate")
    dialog.get_by_label("System bug").check()
    dialog.get_by_role("button", name="Escalate").click()
    expect(page.get_by_text("Escalated to Tech team").first).to_be_visible()
    expect(dialog).not_to_be_visible()
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog", name="Close as resolved")
    dialog.get_by_label("What was it about?").select_option("APP_BUG")
    dialog.get_by_role("button", name="Close as resolved").click()
    expect(page.get_by_text("Closed: Resolved").first).to_be_visible()
    assert read(pages, incidence_id)["issueCategory"] == "APP_BUG"
    expect(page.get_by_role("button", name="Apply discount")).to_be_disabled()
    expect(page.get_by_text("It is closed: RESOLVED")).to_be_visible()
    page.get_by_role("button", name="Open it again").click()
    expect(page.get_by_role("button", name="Open it again")).to_have_count(0)
    assert read(pages, incidence_id)["outcome"] is None


def test_one_incidence_at_a_glance(pages: Api, visitors: Visitors, violations: Violations):
    incidence_id = held(pages, "g-meera", "Meera Nair", event="WEDDING", guests=180, language="hi", tier="GOLD")
    says(pages.store, incidence_id, "Does the price include plates?")
    page = visitors.open(pages, f"/desk/incidences/{incidence_id}", Role.AGENT)
    for told in (
        "Meera Nair", "Gold", "speaks Hindi", "+91 98200 12345", "₹13,120", "Wedding", "180", "20 Dec 2026", "Royal vegetarian platter",
        "Home → Menu → Guest count → Checkout", "Friction 35 of 100", "Price check", "Does the price include plates?", "The first time that they need help",
    ):  # fmt: skip
        expect(page.locator("main")).to_contain_text(told)
    assert violations(page) == []
    page.get_by_role("button", name="Apply discount").click()
    expect(page.get_by_role("dialog")).to_contain_text("Your limit on this order is ₹656")
    assert violations(page) == []


def test_the_chat_is_a_link_to_the_platform_once_its_inbox_is_known(
    pages: Api, visitors: Visitors, pages_settings: Settings
):
    incidence_id = held(pages, "w-waris", "Waris Writes")
    row = {"platform": "INTERCOM", "conversation_id": "2154", "incidence_id": incidence_id, "is_open": True}
    pages.store.write(
        lambda connection: connection.execute(insert(platform_conversations).values(**row, last_event_at=clock.now()))
    )
    page = visitors.open(pages, f"/desk/incidences/{incidence_id}", Role.AGENT)
    link = page.get_by_role("link", name="Open the chat in Intercom")
    expect(link).to_have_count(0)
    pages_settings.platforms_file.write_text("[intercom]\naccount = 'ours'")
    try:
        page.reload()
        expect(link).to_have_attribute("href", "https://app.intercom.com/a/inbox/ours/inbox/conversation/2154")
        expect(link).to_have_attribute("rel", re.compile("noopener"))
    finally:
        pages_settings.platforms_file.unlink()


def test_a_discount_over_the_limit_waits_for_the_supervisor_and_then_passes(pages: Api, visitors: Visitors):
    incidence_id = held(pages, "d-arjun", "Arjun Rao")
    page = visitors.open(pages, f"/desk/incidences/{incidence_id}", Role.AGENT)
    page.get_by_role("button", name="Apply discount").click()
    page.get_by_label("Amount in rupees").fill("2,000")
    page.get_by_role("button", name="Ask the app").click()
    expect(page.get_by_text("This needs a supervisor's approval")).to_be_visible()
    expect(page.get_by_text("waits for a supervisor")).to_be_visible()
    above = visitors.open(pages, "/desk/team", Role.SUPERVISOR)
    above.get_by_role("link", name="Arjun Rao").first.click()
    above.get_by_label("Why", exact=True).fill("Once, to keep the order.")
    above.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Once, to keep the order.")).to_be_visible()  # told live
    page.get_by_role("button", name="Do it now").click()
    expect(page.get_by_text("The app was asked: ₹2,000 off")).to_be_visible()
    expect(page.get_by_role("button", name="Do it now")).to_have_count(0)


def test_what_happens_elsewhere_appears_by_itself(pages: Api, visitors: Visitors):
    incidence_id = held(pages, "l-lata", "Lata Live")
    page = visitors.open(pages, f"/desk/incidences/{incidence_id}", Role.AGENT)
    note = page.get_by_label("Note", exact=True)
    note.fill("half a sent")
    says(pages.store, incidence_id, "Are you still there?")
    expect(page.get_by_text("Are you still there?")).to_be_visible()
    expect(note).to_have_value("half a sent")
    note.fill("half a sentence")
    page.get_by_role("button", name="Save the note").click()
    expect(page.locator("#timeline").get_by_text("half a sentence")).to_be_visible()
    expect(note).to_have_value("")
    put_order(pages, "order-lata", "l-lata", 13_120).raise_for_status()
    expect(page.get_by_text("Converted").first).to_be_visible()


def test_a_stale_view_meets_a_clear_conflict_and_loses_nothing(pages: Api, visitors: Visitors):
    incidence_id = held(pages, "c-cara", "Cara Conflict")
    page = visitors.open(pages, f"/desk/incidences/{incidence_id}", Role.AGENT)
    page.get_by_role("button", name="Escalate").click()
    dialog = page.get_by_role("dialog", name="Escalate")
    dialog.get_by_label("Policy exception").check()
    dialog.get_by_label("What the next person should know").fill("Pays after the event.")
    act(pages, Role.SUPERVISOR, incidence_id, "ESCALATE", trigger="SYSTEM_BUG", reason="The coupon page hangs.")
    dialog.get_by_role("button", name="Escalate").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Somebody changed it while you were writing")
    expect(dialog.get_by_role("alert")).to_contain_text("Escalated to Tech team: System bug")
    expect(dialog.get_by_label("What the next person should know")).to_have_value("Pays after the event.")
    dialog.get_by_role("button", name="Escalate").click()
    expect(dialog).not_to_be_visible()
    assert read(pages, incidence_id)["escalationLevel"] == "SUPERVISOR"


def test_what_customers_write_is_shown_as_text(pages: Api, visitors: Visitors):
    incidence_id = held(pages, "h-hans", f"Hans {HOSTILE[:100]}")
    says(pages.store, incidence_id, HOSTILE)
    page = visitors.open(pages, f"/desk/incidences/{incidence_id}", Role.AGENT)
    expect(page.locator("#timeline .said")).to_have_text(HOSTILE)
    page.goto("/desk?view=mine")
    expect(row(page, "onerror=alert(2)")).to_have_count(1)
    page.goto(f"/desk?q={HOSTILE}")
    expect(page.get_by_label("Search by name or id")).to_have_value(HOSTILE[:128])


def test_availability_is_always_in_sight(pages: Api, visitors: Visitors):
    page = visitors.open(pages, "/desk", Role.SUPERVISOR)
    mine = page.get_by_role("group", name="Your availability")
    mine.get_by_role("button", name="Busy").click()
    expect(mine.get_by_role("button", name="Busy")).to_have_attribute("aria-pressed", "true")
    page.goto("/desk/team")
    expect(mine.get_by_role("button", name="Busy")).to_have_attribute("aria-pressed", "true")
    mine.get_by_role("button", name="Away").click()
    expect(page.get_by_role("group", name="Vikram").get_by_role("button", name="Away")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_on_a_phone_rows_are_cards_and_nothing_is_cut(pages: Api, visitors: Visitors, violations: Violations):
    incidence_id = held(pages, "p-asha", "Pooja Phone", event="CORPORATE", guests=300)
    for path in ("/desk?view=mine", f"/desk/incidences/{incidence_id}"):
        page = visitors.open(pages, path, Role.AGENT, size=PHONE, dark=True, language="hi")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("JSON.parse(document.documentElement.dataset.units).late") == HINDI["late"]
        assert violations(page) == []


@pytest.mark.parametrize("path", ["/desk/incidences/nobody", "/desk?view=nonsense&level=LOW"])
def test_what_is_not_there_is_told_plainly(pages: Api, visitors: Visitors, path: str):
    page = visitors.open(pages, path, Role.AGENT)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("That did not work|Queue"))
    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Desk")).to_be_visible()
    expect(page.get_by_role("group", name="Your availability")).to_be_visible()
    assert SUPERVISOR_ID not in page.content()
