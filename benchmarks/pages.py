"""How quick the pages of figures are: bytes, requests, first paint, and their answers under 16 clients, also while a build runs.

`python -m benchmarks.pages --var DIR [--seconds 15] [--build]`. DIR is the state directory of a published warehouse that
nobody serves meanwhile; `--build` makes a build in it, at nice 19, while the clients go on.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import subprocess
import sys
from pathlib import Path

import httpx2
from playwright.sync_api import sync_playwright

from api.dashboard.session import SESSION_COOKIE
from api.dashboard.sign_in import insert_link, open_session
from benchmarks.api.server import product_environment, serving
from orchestration.child import command
from store import clock
from store.enums import Role
from store.migrations import migrate
from store.session import open_store
from store.settings import ROOT, Settings

PATHS = (
    "/",
    "/insights",
    "/insights/kpis/self_serve_conversion_rate",
    "/insights/friction",
    "/insights/recommendations",
    "/insights/costs",
    "/insights/prompts",
    "/insights/rows/assisted_conversion_rate",
    "/reports",
)
CLIENTS = 16


def sessions(settings: Settings, count: int) -> list[str]:
    """Tokens of sessions of admins, made before the API opens the store."""
    migrate(settings.operations_url)
    with open_store(settings) as store:
        return [
            store.write(lambda connection: open_session(connection, insert_link(connection, role=Role.ADMIN).token))
            for _ in range(count)
        ]


def look(address: str, token: str) -> None:
    """Each page once in Chromium with an empty cache, phone-sized: what it loads and when it paints."""
    print(f"{'page':<45} {'first ms':>9} {'again ms':>9} {'paint ms':>9} {'requests':>9} {'page KB':>8} {'all KB':>7}")
    with sync_playwright() as playwright, httpx2.Client(base_url=address, cookies={SESSION_COOKIE: token}) as client:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        for path in PATHS:
            took, body = [], b""
            for _ in range(2):
                started = clock.monotonic_seconds()
                body = client.get(path).raise_for_status().content
                took.append((clock.monotonic_seconds() - started) * 1_000)
            context = browser.new_context(viewport={"width": 390, "height": 844})
            context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": address}])
            page = context.new_page()
            page.goto(f"{address}{path}")
            paint, loaded, size = page.evaluate(
                """() => {
                    const files = performance.getEntriesByType("resource").filter(f => !f.name.startsWith("data:"));
                    const sum = files.reduce((bytes, file) => bytes + file.transferSize, 0);
                    const paints = performance.getEntriesByName("first-contentful-paint");
                    return [paints.length ? paints[0].startTime : 0, files.length + 1,
                            sum + performance.getEntriesByType("navigation")[0].transferSize];
                }"""
            )
            context.close()
            print(
                f"{path:<45} {took[0]:>9.1f} {took[1]:>9.1f} {paint:>9.0f} {loaded:>9} {len(body) / 1024:>8.1f} {size / 1024:>7.0f}"
            )
        browser.close()


async def load(
    address: str, tokens: list[str], seconds: float, until: subprocess.Popen[bytes] | None = None
) -> list[float]:
    """Milliseconds of each answer to clients that ask for one page after the other."""
    took: list[float] = []
    end = clock.monotonic_seconds() + seconds

    async def go_on(number: int, token: str) -> None:
        async with httpx2.AsyncClient(base_url=address, cookies={SESSION_COOKIE: token}, timeout=30) as client:
            for path in itertools.islice(itertools.cycle(PATHS), number, None):
                if clock.monotonic_seconds() > end and (until is None or until.poll() is not None):
                    return
                started = clock.monotonic_seconds()
                answer = await client.get(path)
                took.append((clock.monotonic_seconds() - started) * 1_000)
                if answer.status_code == httpx2.codes.TOO_MANY_REQUESTS:
                    raise SystemExit("The clients are too quick for the rate of a session: use more sessions.")
                answer.raise_for_status()

    await asyncio.gather(*(go_on(number, token) for number, token in enumerate(tokens)))
    return took


def tell(name: str, took: list[float], seconds: float) -> None:
    took.sort()
    p99 = took[int(0.99 * (len(took) - 1))]
    print(
        f"{name}: {len(took)} pages, {len(took) / seconds:.0f}/s, median {statistics.median(took):.0f} ms, p99 {p99:.0f} ms, most {took[-1]:.0f} ms"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--build", action="store_true")
    options = parser.parse_args()
    settings = Settings.at(options.var.resolve())
    tokens = sessions(settings, CLIENTS + 1)
    print(f"load of the machine before: {os.getloadavg()[0]:.2f}")
    with serving(settings) as server:
        look(server.address, tokens[-1])
        tell(f"{CLIENTS} clients", asyncio.run(load(server.address, tokens[:-1], options.seconds)), options.seconds)
        if options.build:
            started = clock.monotonic_seconds()
            building = subprocess.Popen(
                ["nice", "-n", "19", *command("cli", "build")],
                cwd=ROOT,
                env=product_environment(settings),
                stdout=subprocess.DEVNULL,
            )
            took = asyncio.run(load(server.address, tokens[:-1], 1, building))
            tell(
                f"{CLIENTS} clients while a build runs (it ended with {building.wait()})",
                took,
                clock.monotonic_seconds() - started,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
