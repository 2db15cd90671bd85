"""Real pages in a real Chromium: each page that a test opens must end without a console error or an outside request."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from api.dashboard.session import LANGUAGE_COOKIE, SESSION_COOKIE
from api.dashboard.sign_in import insert_link, open_session
from cli.system_parts import find_browser
from store.enums import Role
from store.settings import Settings
from tests.api.serving import AGENT_ID, SUPERVISOR_ID, Api, serve_api

PATIENCE_MS = 20_000
"""How long a page may take: a machine at work on other things is no failure."""
expect.set_options(timeout=PATIENCE_MS)
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}
OWNERS = {Role.AGENT: AGENT_ID, Role.SUPERVISOR: SUPERVISOR_ID}


@dataclass
class Visitors:
    """Opens pages of served applications as somebody, and remembers what went wrong on them."""

    browser: Browser
    wrong: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def open(
        self,
        api: Api,
        path: str,
        role: Role | None = None,
        *,
        agent_id: str | None = None,
        size: Any = DESK,
        dark: bool = False,
        language: str = "en",
    ) -> Page:
        """The page at this path, signed in with that role (as its agent of tests/api/serving.py, unless another is named)."""
        context = self.browser.new_context(
            base_url=api.address, viewport=size, color_scheme="dark" if dark else "light", reduced_motion="reduce"
        )
        self.contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        cookies = {LANGUAGE_COOKIE: language}
        if role is not None:
            cookies[SESSION_COOKIE] = session_token(api, role, agent_id)
        context.add_cookies([{"name": name, "value": value, "url": api.address} for name, value in cookies.items()])
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))
        page.on("request", lambda request: self._watch(api, request.url))
        page.goto(path)
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        # Chromium tells of each 4xx and 5xx of its own; the tests look at what the page makes of it.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.wrong.append(f"{message.location.get('url')}: {message.text}")

    def _watch(self, api: Api, url: str) -> None:
        if not url.startswith((api.address, "data:", "blob:")):
            self.wrong.append(f"asked {url}")


def session_token(api: Api, role: Role, agent_id: str | None = None) -> str:
    """A session as the sign-in link gives it."""

    def sign_in(connection: Any) -> str:
        return open_session(connection, insert_link(connection, role=role, agent_id=agent_id or OWNERS.get(role)).token)

    return api.store.write(sign_in)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, else the one that Playwright fetched.

    Not for the whole session: while Playwright is open its event loop is the thread's, and no other test may run one.
    """
    path = find_browser()
    assert path is not None, "there is no browser; ./supportled doctor names the remedy"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture
def visitors(chromium: Browser) -> Iterator[Visitors]:
    """`visitors.open(api, "/desk", Role.AGENT)`; nothing may have gone wrong on any of its pages when the test ends."""
    visitors = Visitors(chromium)
    yield visitors
    for context in visitors.contexts:
        context.close()
    assert visitors.wrong == []


@pytest.fixture(scope="session")
def pages_settings(tmp_path_factory: pytest.TempPathFactory, _migrated_file: Path) -> Settings:
    settings = Settings.at(tmp_path_factory.mktemp("pages"))
    shutil.copy(_migrated_file, settings.var_dir)
    return settings


@pytest.fixture(scope="session")
def pages(pages_settings: Settings) -> Iterator[Api]:
    """One served application for the tests of pages that need no warehouse. Each makes users and incidences of its own."""
    with serve_api(pages_settings) as api:
        yield api


@pytest.fixture(scope="session")
def violations() -> Callable[[Page], list[str]]:
    """What axe finds wrong with a page for people who cannot see it well."""
    axe = Axe()

    def find(page: Page) -> list[str]:
        found = axe.run(page).response["violations"]
        return [
            f"{each['id']}: {node['html'][:200]} {node['failureSummary']}" for each in found for node in each["nodes"]
        ]

    return find
