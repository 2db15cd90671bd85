"""The desk's pages with 1,000 open incidences: first paint, live update, requests and bytes, and p99 under 16 clients.

`.venv/bin/python -m benchmarks.pages [--build]` prints one line a figure. It serves the application in this process on
loopback. With `--build` the clients also ask while a full build of the demo city runs at nice 19.
"""

import argparse
import itertools
import statistics
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

from api.dashboard.session import SESSION_COOKIE
from benchmarks.api.load import Request, require_wrk, run
from benchmarks.building import building, make_a_warehouse
from cli.system_parts import find_browser
from store.clock import monotonic_seconds
from store.enums import Role
from store.migrations import migrate
from store.settings import Settings
from tests.api.serving import AGENT_ID, Api, serve_api
from tests.browser.cast import customer, says
from tests.browser.conftest import session_token

OPEN_INCIDENCES = 1_000
LOADS = 15
UPDATES = 15
CLIENTS = 16
LOAD_SECONDS = 5
_PAINT = """() => new Promise((tell) => new PerformanceObserver((list, observer) => {
  const [paint] = list.getEntriesByName("first-contentful-paint");
  if (paint) { observer.disconnect(); tell(paint.startTime); }
}).observe({ type: "paint", buffered: true }))"""

_SIZES = """() => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind)).map((entry) => entry.encodedBodySize)"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages")
    parser.add_argument("--build", action="store_true", help="measure beside a build too")
    has_build = parser.parse_args().build
    require_wrk()
    with TemporaryDirectory(prefix="supportled-pages-") as directory:
        settings = Settings.at(Path(directory))
        migrate(settings.operations_url)
        if has_build:
            make_a_warehouse(settings)
        with serve_api(settings) as api:
            ids = [customer(api, f"user-{n}", f"Customer {n}", quantity=10 + n % 50) for n in range(OPEN_INCIDENCES)]
            agent = api.as_role(Role.AGENT)
            agent.post(f"/agent/actions/{ids[0]}", json={"action": "REASSIGN", "agentId": AGENT_ID}).raise_for_status()
            paths = {"queue": "/desk?view=all", "incidence": f"/desk/incidences/{ids[0]}"}
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=find_browser())
                for name, path in paths.items():
                    for line in measured(browser, api, name, path, ids[0]):
                        print(line, flush=True)
                browser.close()
            for name, path in paths.items():
                print(f"{name}, {CLIENTS} clients: {under_load(settings, api, path)}", flush=True)
            if has_build:
                with building(settings, full=True) as is_running:
                    for name, path in itertools.cycle(paths.items()):
                        told = under_load(settings, api, path)
                        if not is_running():
                            break
                        print(f"{name}, {CLIENTS} clients beside a build: {told}", flush=True)


def measured(browser: Browser, api: Api, name: str, path: str, incidence_id: str) -> Iterator[str]:
    context = browser.new_context(base_url=api.address)
    token = session_token(api, Role.AGENT)
    context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": api.address}])
    page = context.new_page()
    page.goto(path)
    sizes: list[int] = page.evaluate(_SIZES)
    yield f"{name}: first visit {len(sizes)} requests, {sum(sizes) / 1024:.0f} KiB"
    paints = []
    for _ in range(LOADS):
        page.goto(path)
        paints.append(page.evaluate(_PAINT))
    yield f"{name}: first paint median {statistics.median(paints):.0f} ms, slowest of {LOADS} {max(paints):.0f} ms"
    delays = [updated(page, api, name, incidence_id, number) for number in range(UPDATES)]
    yield f"{name}: live update median {statistics.median(delays):.0f} ms, slowest of {UPDATES} {max(delays):.0f} ms"
    context.close()


def updated(page: Page, api: Api, name: str, incidence_id: str, number: int) -> float:
    """Milliseconds from the commit of a change to its being on the page."""
    if name == "incidence":
        text = f"message {number}"
        says(api.store, incidence_id, text)
        begun = monotonic_seconds()
        page.get_by_text(text, exact=True).wait_for()
    else:
        user = f"late-{number}"
        customer(api, user, user.title(), quantity=60 + number)
        begun = monotonic_seconds()
        page.get_by_role("link", name=user.title()).wait_for()
    return (monotonic_seconds() - begun) * 1_000


def under_load(settings: Settings, api: Api, path: str) -> str:
    """Each client is another session, as many agents are."""
    sessions = [f"{SESSION_COOKIE}={session_token(api, Role.AGENT)}" for _ in range(CLIENTS)]
    requests = [Request("GET", path, session) for session in sessions]
    found = run(api.address, requests, connections=CLIENTS, seconds=LOAD_SECONDS, directory=settings.var_dir)
    return f"p50 {found.p50_ms:.0f} ms, p99 {found.p99_ms:.0f} ms, {found.per_second:.0f} pages/s"


if __name__ == "__main__":
    main()
