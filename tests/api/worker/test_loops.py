import asyncio
import subprocess
import sys
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.rules.registry import Registry
from api.worker.loops import LONGEST_PAUSE_SECONDS, Loop, pause_seconds, run_loops
from store import clock
from store.session import Store
from store.settings import ROOT
from tests.api.serving import Api
from tests.api.story import read, started, until


def run_for_a_while(store: Store, *loops: Loop, until_true) -> None:
    async def run() -> None:
        running = asyncio.create_task(run_loops(store, Registry(store), loops))
        async with asyncio.timeout(20):
            while not until_true():  # noqa: ASYNC110 - the writer thread makes it true
                await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(run())


def test_a_loop_that_fails_is_tried_again_and_the_others_go_on(sqlite_store: Store):
    tries, others = [], []

    def fail(connection, rules) -> int:
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("boom")
        return 0

    def work(connection, rules) -> int:
        others.append(1)
        return 0

    loops = (Loop("failing", 0.01, fail), Loop("working", 0.01, work))
    run_for_a_while(sqlite_store, *loops, until_true=lambda: len(tries) >= 4 and len(others) >= 4)


def test_a_loop_writes_only_when_something_is_due(sqlite_store: Store):
    looks, writes = [], []

    def look(connection, rules) -> bool:
        looks.append(1)
        return len(looks) == 3

    def write(connection, rules) -> int:
        writes.append(1)
        return 1

    run_for_a_while(sqlite_store, Loop("seldom", 0.01, write, look), until_true=lambda: len(looks) >= 6)
    assert len(writes) == 1


def test_a_full_batch_is_followed_by_another_at_once(sqlite_store: Store):
    left = [25, 25, 7]
    run_for_a_while(sqlite_store, Loop("busy", 600, lambda *_: left.pop(0), batch=25), until_true=lambda: not left)


@given(st.floats(0.01, 1_000), st.integers(0, 10_000))
def test_pauses_grow_with_failures_and_end_somewhere(every: float, failures: int):
    pause = pause_seconds(every, failures)
    assert every <= pause <= max(every, LONGEST_PAUSE_SECONDS)
    assert pause <= pause_seconds(every, failures + 1)


def test_the_served_api_lets_clocks_run_out_by_itself(api: Api, monkeypatch: pytest.MonkeyPatch):
    made = started(api, "user-1", 12_000)
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(minutes=15))
    until(lambda: read(api, made["incidenceId"])["escalationLevel"] == "SUPERVISOR", seconds=5)


def test_a_worker_beside_a_sqlite_api_is_refused(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "api.worker"],
        cwd=ROOT,
        env={"SUPPORTLED_VAR": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "worker.not_needed" in ended.stdout + ended.stderr
