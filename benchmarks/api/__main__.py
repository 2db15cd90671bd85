"""`python -m benchmarks.api [FIGURE ...] [--postgres] [--incidences N] [--fsync-ms MS] [--seconds 3] [--rounds 3]`.

Figures: route, detect, create (each a share of the throughput of an empty endpoint with the same body and key check, in the
same server, turn by turn), signals, build (creates while builds run at nice 19), analytics. By default the first four. The
server is the process that `supportled up` starts; wrk asks it over loopback and shares the machine's cores with it.
"""

import argparse
import itertools
import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from sqlalchemy import func, select

from benchmarks.api.load import LoadFailed, Request, Round, require_wrk, run
from benchmarks.api.server import Server, serving, slow_disk
from benchmarks.api.state import Keys, prepare
from benchmarks.api.workloads import SIGNALS_A_BATCH, Workload, creates, questions, signal_batches, workloads
from benchmarks.building import building, make_a_warehouse
from benchmarks.writer import postgres_url
from store.published import open_current
from store.session import open_store
from store.settings import Settings
from store.tables import friction_signals

FIGURES = ("route", "detect", "create", "signals", "build", "analytics")
DEFAULT = FIGURES[:4]
CONNECTIONS = (16, 64)
MANY_INCIDENCES = 1_000_000


@dataclass(frozen=True, slots=True)
class Bench:
    """A server with its state, and how it is asked."""

    settings: Settings
    server: Server
    keys: Keys
    directory: Path
    seconds: int
    rounds: int
    has_many: bool

    def ask(self, requests: Sequence[Request], connections: int, seconds: int | None = None) -> tuple[Round, float]:
        """What came of it, and the microseconds of processor time that the server took for an answer."""
        before = self.server.cpu_seconds()
        wanted = seconds or self.seconds
        found = run(self.server.address, requests, connections=connections, seconds=wanted, directory=self.directory)
        return found, (self.server.cpu_seconds() - before) / max(found.answered, 1) * 1e6

    def ask_once(
        self, requests: Sequence[Request], connections: int, seconds: int | None = None
    ) -> tuple[Round, float]:
        """The same, where a request that is sent again is another one."""
        asked = self.ask(requests, connections, seconds)
        if asked[0].answered + connections > len(requests):
            raise LoadFailed(
                "More was answered than there were requests: raise the limit in benchmarks/api/workloads.py."
            )
        return asked


def compare(bench: Bench, work: Workload) -> None:
    """Floor and route turn by turn; medians of the rounds."""
    for connections, usual in work.least_share.items():
        least = 0.35 if bench.has_many and work.is_each_sent_once else usual
        ask = bench.ask_once if work.is_each_sent_once else bench.ask
        warm = work.make(1)
        bench.ask(work.floor(warm), connections, 1)
        ask(warm, connections, 1)
        floors, routes = [], []
        for _ in range(bench.rounds):
            requests = work.make(bench.seconds)
            floors.append(bench.ask(work.floor(requests), connections))
            routes.append(ask(requests, connections))
        floor, route = _medians(floors), _medians(routes)
        share = route["per_second"] / floor["per_second"]
        slower = route["p99_ms"] / floor["p99_ms"]
        print(
            f"{work.name:<22} {connections:>4} {floor['per_second']:>8,.0f} {route['per_second']:>8,.0f} {share:>6.0%}"
            f" {_mark(share >= least, f'≥ {least:.0%}'):<10} {floor['p99_ms']:>7.1f} {route['p99_ms']:>7.1f} {slower:>5.1f}"
            f" {_mark(slower < 5, '< 5'):<6} {floor['cpu']:>6.0f} {route['cpu']:>6.0f}",
            flush=True,
        )


def _medians(asked: Sequence[tuple[Round, float]]) -> dict[str, float]:
    rounds = [one for one, _ in asked]
    return {
        "per_second": statistics.median(one.per_second for one in rounds),
        "p99_ms": statistics.median(one.p99_ms for one in rounds),
        "cpu": statistics.median(cpu for _, cpu in asked),
    }


def signals(bench: Bench) -> None:
    """Rows on disk a second, counted in the store."""
    make = signal_batches(bench.keys)
    bench.ask_once(make(1), 16, 1)
    rates, waits = [], []
    for _ in range(bench.rounds):
        before = _signal_count(bench)
        found, _ = bench.ask_once(make(bench.seconds), 16)
        stored = _signal_count(bench) - before
        assert stored >= found.answered * SIGNALS_A_BATCH, "an answer came before its rows"
        rates.append(found.answered * SIGNALS_A_BATCH / found.seconds)
        waits.append(found.p99_ms)
    rate = statistics.median(rates)
    tell("signals, durable rows/s, 16 clients", f"{rate:,.0f}", "≥ 20,000", rate >= 20_000)
    tell("  p99 of a batch of 100, ms", f"{statistics.median(waits):.1f}")


def _signal_count(bench: Bench) -> int:
    with open_store(bench.settings) as store, store.read() as connection:
        return connection.execute(select(func.count()).select_from(friction_signals)).scalar_one()


def build(bench: Bench) -> None:
    """Creates while one build after the other runs."""
    make = creates(bench.keys)
    bench.ask_once(make(1), 16, 1)
    alone = statistics.median(bench.ask_once(make(bench.seconds), 16)[0].p99_ms for _ in range(bench.rounds))
    tell("p99 of a create at 16, no build, ms", f"{alone:.1f}")
    with building(bench.settings, full=True) as is_running:
        beside = [bench.ask_once(make(bench.seconds), 16)[0] for _ in range(bench.rounds + 2) if is_running()]
    waits = [one.p99_ms for one in beside]
    p99 = statistics.median(waits)
    each = ", ".join(f"{wait:.1f}" for wait in waits)
    tell("p99 beside a build at nice 19, ms", f"{p99:.1f}", "< 25", p99 < 25)
    tell("  in each round, ms", each)
    tell("  creates/s beside it", f"{statistics.median(one.per_second for one in beside):,.0f}")


def analytics(bench: Bench) -> None:
    """Questions never asked before, then the same again, then with their ETags."""
    with open_current(bench.settings) as warehouse:
        last_day = warehouse.as_of.date()
    reader = itertools.cycle(bench.keys.reader)
    requests = [Request("GET", path, next(reader)) for path in questions(last_day)]
    first, _ = bench.ask_once(requests, 16)
    tell("analytics, asked first, p99 at 16, ms", f"{first.p99_ms:.1f}", "< 150", first.p99_ms < 150)
    tell("  answers/s", f"{first.per_second:,.0f}")
    known = requests[: min(first.answered, 500)]
    bench.ask(known, 16, 1)
    again = [bench.ask(known, 16)[0] for _ in range(bench.rounds)]
    p99 = statistics.median(one.p99_ms for one in again)
    tell("analytics, asked again, p99 at 16, ms", f"{p99:.1f}", "< 20", p99 < 20)
    tell("  answers/s", f"{statistics.median(one.per_second for one in again):,.0f}")
    is_unchanged = _is_unchanged(bench, known[0])
    tell("analytics, asked with the ETag", "304" if is_unchanged else "200", "304", is_unchanged)


def _is_unchanged(bench: Bench, request: Request) -> bool:
    """Whether an answer's ETag, sent again, is answered 304."""
    headers = {"Authorization": f"Bearer {request.key}"}
    with httpx2.Client(base_url=bench.server.address, headers=headers) as client:
        etag = client.get(request.path).raise_for_status().headers["ETag"]
        return client.get(request.path, headers={"If-None-Match": etag}).status_code == 304


def tell(name: str, value: str, target: str = "", is_reached: bool | None = None) -> None:
    mark = "" if is_reached is None else _mark(is_reached, target)
    print(f"{name:<40} {value:>12}   {mark}".rstrip(), flush=True)


def _mark(is_reached: bool, target: str) -> str:
    return target if is_reached else f"{target} ✗"


@contextmanager
def a_store(directory: Path, is_postgresql: bool) -> Iterator[Settings]:
    if not is_postgresql:
        yield Settings.at(directory / "var")
        return
    directory.chmod(0o755)  # as root, PostgreSQL runs as another user
    with postgres_url(directory / "postgresql") as url:
        yield Settings.at(directory / "var", url)


def measure(bench: Bench, figures: Sequence[str]) -> None:
    with_floor = workloads(bench.keys)
    compared = [name for name in figures if name in with_floor]
    if compared:
        print(
            f"\n{'':<22} {'conn':>4} {'floor/s':>8} {'route/s':>8} {'share':>6} {'':<10} {'p99 ms:':>7} {'route':>7} {'×':>5}"
            f" {'':<6} {'CPU µs':>6} {'route':>6}"
        )
    for name in compared:
        compare(bench, with_floor[name])
    for name, other in (("signals", signals), ("build", build), ("analytics", analytics)):
        if name in figures:
            other(bench)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api")
    parser.add_argument("figures", nargs="*", type=_figure, default=DEFAULT, metavar="FIGURE")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL that is started for the run")
    parser.add_argument("--incidences", type=int, default=0, help="closed ones that lie in the store")
    parser.add_argument("--fsync-ms", type=float, default=0.0, help="how much longer each fsync takes")
    parser.add_argument("--seconds", type=int, default=3, help="length of a round")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    require_wrk()
    disk = Settings.from_environment().var_dir
    disk.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=disk) as name:  # on the disk that the product writes to
        directory = Path(name)
        if arguments.fsync_ms:  # for the processes that are started from here on
            os.environ.update(slow_disk(directory, arguments.fsync_ms))
        with a_store(directory, arguments.postgres) as settings:
            settings.var_dir.mkdir()
            keys = prepare(settings, arguments.incidences)
            if {"build", "analytics"} & set(arguments.figures):
                make_a_warehouse(settings)
            with serving(settings) as server:
                print(
                    f"{'PostgreSQL' if arguments.postgres else 'SQLite'}, {arguments.incidences:,} incidences, "
                    f"{arguments.fsync_ms:g} ms added to each fsync, rounds: {arguments.rounds} × {arguments.seconds} s; "
                    f"load of the last minute {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
                )
                bench = Bench(
                    settings,
                    server,
                    keys,
                    directory,
                    arguments.seconds,
                    arguments.rounds,
                    arguments.incidences >= MANY_INCIDENCES,
                )
                measure(bench, arguments.figures)


def _figure(name: str) -> str:
    if name not in FIGURES:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(FIGURES)}")
    return name


if __name__ == "__main__":
    main()
