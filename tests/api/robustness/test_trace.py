"""SQLite and PostgreSQL are one product: the same requests get the same answers."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from api.rates import Rate, Rates
from store import clock
from store.enums import Role
from store.settings import Settings
from tests.api.robustness.trace import Player, record
from tests.api.serving import serve_api
from tests.api.telling import NOON, Clock, sell


def test_one_trace_gets_the_same_answers_on_both_engines(
    sqlite_settings: Settings,
    migrated_postgres_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    size: Callable[..., int],
):
    stopped = Clock(NOON)
    monkeypatch.setattr(clock, "now", stopped.now)

    def player(settings: Settings):
        stopped.at = NOON
        return serve_api(settings, loops=())

    with player(sqlite_settings) as api:
        api.store.write(sell)
        api.app.state.rates = UNLIMITED
        told = record(Player(api, stopped), size(small=200, full=2_000), seed=20_261_123)
    with player(Settings.at(tmp_path / "other", migrated_postgres_url)) as api:
        api.store.write(sell)
        api.app.state.rates = UNLIMITED
        other = Player(api, stopped)
        for number, (step, answer) in enumerate(told):
            differing = list(differences(asdict(answer), asdict(other.play(step))))
            assert differing == [], f"request {number}: {step}"
    statuses = Counter(answer.status for _, answer in told)
    print(dict(statuses))
    assert not [step for step, answer in told if answer.status >= 500]
    assert statuses[200] + statuses[201] > len(told) / 2


def differences(one: Any, other: Any, place: str = "") -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            yield from differences(one.get(name), other.get(name), f"{place}.{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{place}[{number}]")
    elif one != other:
        yield f"{place}: {one!r} on SQLite, {other!r} on PostgreSQL"


UNLIMITED = Rates({role: Rate(1e9, 1_000_000_000) for role in Role})
