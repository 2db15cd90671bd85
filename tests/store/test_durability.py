import random
import subprocess
import sys
from collections.abc import Callable

from sqlalchemy import func, select

from store.session import open_store
from store.settings import ROOT, Settings
from store.tables import friction_signals


def test_a_killed_process_loses_nothing_that_it_acknowledged(store_settings: Settings, size: Callable[..., int]):
    """Fails if an answer is given before its commit, or if a number of the log is used twice after a kill."""
    acknowledged: list[int] = []
    for _ in range(size(small=3, full=20)):
        acknowledged += acknowledged_before_kill(store_settings, after=random.randint(1, 300))
        with open_store(store_settings) as store, store.read() as connection:
            kept = set(connection.execute(select(friction_signals.c.seq)).scalars())
            assert set(acknowledged) <= kept
            assert connection.execute(select(func.max(friction_signals.c.change_seq))).scalar_one() > 0
    assert len(acknowledged) == len(set(acknowledged))


def acknowledged_before_kill(settings: Settings, *, after: int) -> list[int]:
    """What a process acknowledged until it was killed (SIGKILL), some time after its first `after` answers."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.store.acknowledging"],
        cwd=ROOT,
        env={"SUPPORTLED_VAR": str(settings.var_dir), "SUPPORTLED_OPERATIONS_URL": settings.operations_url},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(after)]
        process.kill()
        lines += process.stdout.readlines()
    return [int(line) for line in lines if line.endswith("\n")]
