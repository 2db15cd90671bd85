"""Random raw facts that arrive late, doubled, changed and in any order, and the real way they land."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

import duckdb

from ingestion.contracts import RAW
from ingestion.raw import drafting
from store.enums import (
    ActorType,
    Channel,
    ContextUpdateKind,
    EventType,
    Flow,
    SignalType,
    Stage,
    Tier,
    TimelineEvent,
)
from store.settings import Settings

AS_OF = datetime(2026, 11, 23, tzinfo=UTC)
FIRST_AT = AS_OF.replace(tzinfo=None) - timedelta(days=34)
BEGINNING = datetime.fromisoformat("0001-01-01")
SLICE_COUNT = 3
RULES = {"rule_versions", "friction_rules", "screens", "office_hours", "holidays"}

Row = Mapping[str, Any]
Slice = dict[str, list[Row]]
"""Rows by raw table."""


@dataclass
class World:
    """Every version of every row there will be, the later one after the earlier."""

    random: random.Random
    users: list[str]
    rows: list[tuple[str, Row]] = field(default_factory=list)

    def add(self, table: str, **row: Any) -> Row:
        self.rows.append((table, row))
        return row

    def at(self, *, days: int = 30) -> datetime:
        return FIRST_AT + timedelta(microseconds=self.random.randrange(days * 86_400 * 1_000_000))


def random_slices(seed: int, *, user_count: int = 40, size: int = 80) -> list[Slice]:
    """The facts of a made-up world cut into `SLICE_COUNT` slices at random, so that most arrive out of order.

    Some rows come twice. Of rows with several versions, the later never comes before the earlier. The last slice takes
    rows out, joins a chat user to a known one, and leaves most users as they were.
    """
    world = World(random.Random(seed), [f"u{number}" for number in range(user_count)])
    _add_people(world)
    _add_rules(world)
    incidences = _add_incidences(world, size)
    _add_orders(world, size)
    _add_log(world, size)
    _add_deliveries(world, size // 2)
    _add_files(world, incidences, size)
    slices: list[Slice] = [{} for _ in range(SLICE_COUNT)]
    earliest: dict[tuple[str, Any], int] = {}
    for table, row in world.rows:
        key = (table, tuple(row[name] for name in RAW[table].key))
        # The last slice is small, so that most users have nothing in it; new rules concern everybody.
        weights = (1, 1, 0) if table in RULES else (10, 8, 0.3)
        place = max(earliest.get(key, 0), world.random.choices(range(SLICE_COUNT), weights)[0])
        earliest[key] = place
        places = {place, SLICE_COUNT - 2} if place < SLICE_COUNT - 2 and world.random.random() < 0.1 else {place}
        earliest[key] = max(places)
        for one in places:
            slices[one].setdefault(table, []).append(row)
    _add_late_changes(world, slices[-1], incidences)
    return [{table: _latest(table, rows, world.random) for table, rows in one.items()} for one in slices]


def _latest(table: str, rows: list[Row], shuffler: random.Random) -> list[Row]:
    """An extract has each row once, as it is then; its order means nothing."""
    by_key = {tuple(row[name] for name in RAW[table].key): row for row in rows}
    latest = list(by_key.values())
    shuffler.shuffle(latest)
    return latest


def _add_people(world: World) -> None:
    for number, user in enumerate(world.users[:-2]):
        row = {
            "user_id": user,
            "language": "en",
            "tier": world.random.choice([*Tier, None]),
            "prior_order_count": number % 2,
            "source": "demo" if number % 5 == 0 else "app",
            "source_id": user,
            "created_at": FIRST_AT,
            "updated_at": FIRST_AT,
        }
        world.add("users", **row)
        if number % 3 == 0:
            world.add("users", **{**row, "tier": Tier.GOLD, "prior_order_count": 2})


def _add_rules(world: World) -> None:
    for version, valid_from, threshold in ((1, BEGINNING, 5), (2, FIRST_AT + timedelta(days=14), 1)):
        for rule_set in ("FRICTION", "SCREEN", "OFFICE_HOURS"):
            world.add("rule_versions", rule_set=rule_set, version=version, valid_from=valid_from)
        for code, kind, over, weight in (
            ("INACTIVITY", "SCORE", 60, 30),
            ("BACK_NAVIGATION", "SCORE", threshold, 25),
            ("PRICE_CHECK", "SCORE", threshold, 20),
            ("HIGH_VALUE_EVENT", "SCORE", None, 15),
            ("FIRST_TIME_USER", "SCORE", None, 10),
            ("HELP", "HELP", 30, None),
        ):
            world.add("friction_rules", version=version, code=code, kind=kind, threshold=over, weight=weight)
        for weekday in range(5 + version):
            world.add("office_hours", version=version, weekday=weekday, opens=time(8 + version), closes=time(19))
        world.add(
            "holidays", version=version, holiday_date=FIRST_AT.date() + timedelta(days=9 + version), name="Holiday"
        )
        world.add("screens", version=version, code="pay", flow=Flow.CHECKOUT if version == 1 else Flow.PAYMENT)


def _add_incidences(world: World, size: int) -> list[dict[str, Any]]:
    incidences: list[dict[str, Any]] = []
    for number in range(size):
        created_at = world.at()
        row: dict[str, Any] = {
            "incidence_id": f"i{number}",
            "user_id": world.random.choice(world.users),
            "stage": world.random.choices(list(Stage), (3, 1))[0],
            "channel": Channel.CALL,
            "first_channel": world.random.choice([*Channel, None]),
            "trigger": "USER_INITIATED",
            "is_self_serve": False,
            "app_screen": world.random.choice(["pay", "menu", None]),
            "order_value_paise": world.random.choice([None, 400_000, 2_600_000]),
            "agent_id": world.random.choice(["a", "b", None]),
            "created_at": created_at,
            "opened_at": world.random.choice([created_at, None]),
            "reopen_count": 0,
            "source": "desk" if number % 10 == 0 else "app",
            "source_id": f"native{number}",
            "updated_at": created_at,
        }
        world.add("incidences", **row)
        if world.random.random() < 0.7:
            closed_at = created_at + timedelta(seconds=world.random.randrange(5000))
            row = {**row, "outcome": "RESOLVED", "resolved_at": closed_at, "order_impact": "LOST"}
            world.add("incidences", **row)
        if number and world.random.random() < 0.1:
            world.add("incidences", **{**row, "merged_into": f"i{world.random.randrange(number)}"})
        incidences.append(row)
        at = created_at
        for step in range(world.random.randrange(9)):
            at += timedelta(microseconds=world.random.randrange(900_000_000))
            event_type = world.random.choice([*TimelineEvent, *[TimelineEvent.MESSAGE] * 20])
            is_agent = world.random.random() < 0.6
            world.add(
                "incidence_timeline",
                event_id=f"e{number}-{step}",
                incidence_id=f"i{number}",
                event_type=event_type,
                actor_type=ActorType.AGENT if is_agent else ActorType.USER,
                agent_id=world.random.choice(["a", "b"]) if is_agent else None,
                started_at=at - timedelta(seconds=90) if event_type == "CALL" else None,
                ended_at=at if event_type == "CALL" else None,
                occurred_at=at,
                recorded_at=at,
                source="app",
            )
        if world.random.random() < 0.3:
            world.add(
                "escalation_log",
                escalation_id=f"x{number}",
                incidence_id=f"i{number}",
                trigger="UNRESOLVED",
                level="SUPERVISOR",
                escalated_at=created_at,
                source="app",
            )
        change = {"request_id": f"c{number}", "incidence_id": f"i{number}", "order_id": f"o{number}", "source": "app"}
        change |= {"kind": "DISCOUNT", "discount_paise": 5000 + number, "requested_at": created_at}
        for status in ("REQUESTED", "APPLIED"):
            if world.random.random() < 0.5:
                world.add("order_change_requests", **change, status=status)
    return incidences


def _add_orders(world: World, size: int) -> None:
    for number in range(size):
        placed_at = world.at()
        row = {
            "order_id": f"o{number}",
            "user_id": world.random.choice(world.users),
            "status": "PLACED",
            "event_type": world.random.choice([*EventType, None]),
            "value_paise": world.random.randrange(100_000, 5_000_000),
            "placed_at": placed_at,
            "recorded_at": placed_at,
            "source": "app",
            "source_id": f"o{number}",
            "updated_at": placed_at,
        }
        world.add("orders", **row)
        if world.random.random() < 0.2:
            world.add("orders", **{**row, "status": "CANCELLED", "cancelled_at": placed_at + timedelta(hours=1)})


def _add_log(world: World, size: int) -> None:
    seq = 0
    for number in range(size):
        user, at = world.random.choice(world.users), world.at()
        for _ in range(world.random.randrange(1, 14)):
            seq += 1
            at += timedelta(microseconds=world.random.randrange(100_000_000))
            event = {"seq": seq, "user_id": user, "session_id": f"s{number}", "recorded_at": at, "source": "app"}
            place = {"screen": "pay", "flow": world.random.choice([*Flow, None])}
            if world.random.random() < 0.5:
                signal = world.random.choice([*SignalType, SignalType.HEARTBEAT, SignalType.HEARTBEAT, "SHAKEN"])
                world.add("friction_signals", **event, **place, signal_type=signal, client_event_id=str(seq))
                continue
            kind = world.random.choice(list(ContextUpdateKind))
            world.add(
                "context_updates",
                **event,
                **(place if kind == "SCREEN" else {}),
                kind=kind,
                is_back_navigation=kind == "SCREEN" and world.random.random() < 0.5,
                event_type=world.random.choice(list(EventType)) if kind == "CART" else None,
                tier=world.random.choice([*Tier, None]) if kind == "PROFILE" else None,
                language=world.random.choice(["hi", None]) if kind == "PROFILE" else None,
                prior_order_count=world.random.randrange(2) if kind == "PROFILE" else None,
            )
            if world.random.random() < 0.2:
                world.add(
                    "friction_scores",
                    score_id=f"f{seq}",
                    user_id=user,
                    session_id=f"s{number}",
                    after_seq=seq,
                    inactivity_seconds=0,
                    back_navigation_count=0,
                    price_check_count=0,
                    is_high_value_event=False,
                    is_first_time_user=False,
                    score=0,
                    is_help_due=False,
                    rule_version=1,
                    evaluated_at=at + timedelta(seconds=world.random.randrange(200)),
                    source="app",
                )


def _add_deliveries(world: World, size: int) -> None:
    for number in range(size):
        at = world.at()
        event: dict[str, Any] = {
            "event_id": f"w{number}",
            "platform": world.random.choice(["INTERCOM", "FRESHCHAT"]),
            "state": "PENDING",
            "attempts": 0,
            "duplicate_count": 0,
            "occurred_at": at,
            "received_at": at + timedelta(seconds=1),
            "source": "app",
        }
        world.add("webhook_events", **event)
        if world.random.random() < 0.7:
            applied_at = at + timedelta(seconds=world.random.randrange(1, 9))
            world.add("webhook_events", **{**event, "state": "APPLIED", "attempts": 1, "processed_at": applied_at})


def _add_files(world: World, incidences: list[dict[str, Any]], size: int) -> None:
    """Exports of a help desk, in part of incidences and orders that are live too."""
    for number in range(0, size, 2):
        live = incidences[number]
        created_at = world.at()
        origin = {"source": "desk", "_file_id": "file", "_line": number}
        incidence = {
            "incidence_id": f"file-i{number}",
            "source_id": live["source_id"],
            "user_id": world.random.choice([*world.users, "only in files"]),
            "stage": Stage.PRE_ORDER,
            "trigger": "USER_INITIATED",
            "agent_id": "desk:a",
            "created_at": created_at,
            "is_helped": world.random.choice([True, None]),
        }
        world.add("file_incidences", **origin, **incidence)
        if world.random.random() < 0.5:
            resolved_at = created_at + timedelta(hours=5)
            world.add("file_incidences", **origin, **incidence, outcome="RESOLVED", resolved_at=resolved_at)
        for step in range(3):
            world.add(
                "file_incidence_events",
                **{**origin, "source_id": f"{number}-{step}"},
                event_id=f"file-e{number}-{step}",
                incidence_id=f"file-i{number}",
                incidence_source_id=live["source_id"],
                event_type=world.random.choice(["NOTE", "ESCALATED", "WAIT"]),
                actor_type=ActorType.AGENT,
                agent_id="desk:a",
                occurred_at=created_at + timedelta(hours=step),
                event_no=step + 1,
            )
        world.add(
            "file_orders",
            **{**origin, "source_id": f"o{number}"},
            order_id=world.random.choice([f"o{number}", f"file-o{number}"]),
            user_id=world.random.choice(world.users),
            value_paise=600_000,
            placed_at=world.at(),
        )
        world.add(
            "file_signals",
            **{**origin, "source_id": f"g{number}"},
            user_id=world.random.choice(world.users[:3]),
            signal_type=world.random.choice(list(SignalType)),
            flow=Flow.CHECKOUT,
            recorded_at=world.at(days=1),
        )
        world.add(
            "file_users",
            **{**origin, "source_id": f"fu{number}"},
            user_id=world.random.choice([*world.users, "only in files"]),
            tier=world.random.choice(list(Tier)),
        )


def _add_late_changes(world: World, last: Slice, incidences: list[dict[str, Any]]) -> None:
    """What only a comparison of all raw rows finds: rows that went, and rows that now concern somebody else."""
    erased = world.users[1]
    for table in ("users", "orders", "incidences", "friction_signals", "context_updates", "friction_scores"):
        kept = [row for row in last.get(table, []) if row["user_id"] != erased]
        last[table] = kept
    keys = {
        table: [row[RAW[table].key[0]] for name, row in world.rows if name == table and row.get("user_id") == erased]
        for table in ("users", "orders", "friction_signals", "context_updates", "friction_scores")
    }
    last["deletions"] = [
        {"table_name": table, "row_key": str(key), "reason": "ERASURE", "deleted_at": FIRST_AT}
        for table, found in keys.items()
        for key in dict.fromkeys(found)
    ]
    moved = next(row for row in incidences[3:] if row["user_id"] not in (erased, world.users[0]))
    last["incidences"] = [row for row in last["incidences"] if row["incidence_id"] != moved["incidence_id"]]
    last["incidences"].append({**moved, "user_id": world.users[0]})


def write_extract(settings: Settings, tables: Mapping[str, Iterable[Row]]) -> None:
    """Store the rows as the next extract."""
    with duckdb.connect() as connection, drafting(settings) as draft:
        for table, rows in tables.items():
            columns = RAW[table].columns
            declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute(f'create table "{table}" ({declared})')
            for row in rows:
                # A column that the contract does not have is a mistake of ours.
                values = [row.get(name) for name in columns]
                assert set(row) <= set(columns), set(row) - set(columns)
                connection.execute(f'insert into "{table}" values ({", ".join("?" * len(values))})', values)
            draft.write(connection, table, f'select * from "{table}"')
        draft.commit("OPS", AS_OF)
