"""`python -m ingestion.simulate`: put a demo city into the operational store."""

import argparse
from datetime import datetime

from ingestion.simulate import seed_demo
from ingestion.simulate.city import CITIES
from store import clock
from store.migrations import migrate
from store.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ingestion.simulate", description="Put a demo city into the store.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--until", type=_instant, help="ISO date or time, Indian if without a zone; default: now")
    parser.add_argument("--city", choices=sorted(CITIES), default="first")
    arguments = parser.parse_args()
    settings = Settings.from_environment()
    migrate(settings.operations_url)
    seed_demo(settings, **vars(arguments))


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=clock.IST)


if __name__ == "__main__":
    main()
