"""Simulate a demo city and put it into the operational store."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from sqlalchemy import select

from ingestion.simulate.app_log import write_log, write_script
from ingestion.simulate.cases import open_cases
from ingestion.simulate.catalogue import ITEMS
from ingestion.simulate.city import CITIES, SOURCE
from ingestion.simulate.desk import Desk
from ingestion.simulate.fold import context_records, suppression_records
from ingestion.simulate.ids import Ids
from ingestion.simulate.ledger import Ledger
from ingestion.simulate.log_rows import signal_rows, update_rows
from ingestion.simulate.orders import event_dates, order_rows, place_orders
from ingestion.simulate.people import LANGUAGES, TIERS, Agent, make_agents, make_users
from ingestion.simulate.period import Period
from ingestion.simulate.prompting import evaluations, prompt_records, score_rows
from ingestion.simulate.put import put_rows, take_out
from ingestion.simulate.rows import Rows, rows_of
from ingestion.simulate.scoring import inputs_after_each_event
from ingestion.simulate.texts import Pen
from ingestion.simulate.truth import DemoTruth, find_truth
from ingestion.simulate.visits import DAY, HOUR, SECOND, plan_visits
from ingestion.simulate.webhooks import deliver
from store import clock, tables
from store.enums import AgentStatus
from store.session import open_store
from store.settings import Settings

LEAST_DAYS, LEAST_USERS = 2, 20


@dataclass(slots=True)
class Demo:
    """A simulated city: its rows, in the order in which they are put, and what was planted."""

    rows: list[Rows]
    log_length: int
    """How many numbers of the context log it takes."""
    truth: DemoTruth


def simulate(*, until: datetime, seed: int = 7, days: int = 90, users: int = 20_000, city: str = "first") -> Demo:
    """Simulate the last `days` whole Indian days before `until`, and those who ask for help as it comes: the desk is left
    at work. The same arguments give the same rows."""
    if days < LEAST_DAYS or users < LEAST_USERS:
        raise ValueError(f"a demo needs {LEAST_DAYS} days and {LEAST_USERS} users or more")
    place = CITIES[city]
    until_us = int(until.timestamp()) * SECOND
    midnight = indian_midnight(until)
    start_us = int(midnight.timestamp()) * SECOND - days * DAY
    rng = np.random.default_rng([seed, days, users, sorted(CITIES).index(city)])
    dice = random.Random(int(rng.integers(0, 2**62)))
    ids = Ids(dice)

    people = make_users(rng, place.user_prefix, users)
    agents = make_agents(rng, place.user_prefix)
    first_day = midnight.astimezone(clock.IST).date() - timedelta(days=days)
    visits = plan_visits(rng, place, people, first_day, start_us, days, until_us)
    script = write_script(rng, visits)
    log = write_log(rng, visits, script)
    found = place_orders(rng, place.user_prefix, visits, log, until_us)
    dates = event_dates(rng, visits)
    user_ids = np.array(people.user_id, dtype=object)
    session_ids = np.array([ids.at(at) for at in visits.started_at.tolist()], dtype=object)

    period = Period(people, visits, script, log, found, user_ids, session_ids)
    inputs = inputs_after_each_event(log)
    evaluated = evaluations(period, inputs)
    scores = score_rows(ids, period, evaluated)
    prompted = prompt_records(dice, ids, period, evaluated, scores)
    ledger = Ledger(ids, until_us)
    desk = Desk(dice, Pen(dice), agents, ledger)
    incidence_of_prompt = {
        case.prompt_id: row["incidence_id"]
        for case in open_cases(dice, period, prompted)
        if (row := desk.tell(case)) is not None
    }
    for each in prompted:
        each.prompt["incidence_id"] = incidence_of_prompt.get(each.prompt["prompt_id"])
    prompts = [prompt for each in prompted for prompt in (each.prompt, each.weaker) if prompt is not None]
    by_order = {order_id: n for n, order_id in enumerate(found.order_id)}
    found.modified_at.update({by_order[order_id]: at for order_id, at in desk.order_changed_at.items()})
    events, conversations, identities = deliver(dice, ids, ledger.incidences, ledger.timeline)

    rows = [
        _user_rows(period, start_us),
        _agent_rows(agents, start_us),
        _catalogue_rows(start_us),
        update_rows(period, dates),
        signal_rows(rng, period),
        order_rows(found, visits, user_ids, dates),
        scores,
        *(
            rows_of(table, records)
            for table, records in (
                (tables.user_context, context_records(period, inputs, dates)),
                (tables.suppressions, suppression_records(prompted)),
                (tables.prompts, prompts),
                (tables.incidences, ledger.incidences),
                (tables.incidence_timeline, ledger.timeline),
                (tables.escalation_log, ledger.escalations),
                (tables.agent_actions, ledger.actions),
                (tables.approvals, ledger.approvals),
                (tables.order_change_requests, ledger.changes),
                (tables.outbox, ledger.outbox),
                (tables.timers, ledger.timers),
                (tables.webhook_events, events),
                (tables.platform_conversations, conversations),
                (tables.platform_identities, identities),
            )
        ),
    ]
    truth = find_truth(
        city=place,
        seed=seed,
        days=days,
        users=users,
        from_us=start_us,
        until_us=until_us,
        agents=agents,
        incidences=ledger.incidences,
        timeline=ledger.timeline,
        actions=ledger.actions,
        totals={part.table.name: len(part) for part in rows},
    )
    return Demo(rows, len(log.visit), truth)


def seed_demo(
    settings: Settings,
    *,
    seed: int = 7,
    days: int = 90,
    users: int = 20_000,
    until: datetime | None = None,
    city: str = "first",
    progress: Callable[[str], None] = print,
) -> DemoTruth:
    """Simulate a city and put it into the (migrated) store in one transaction; all of it is there, or nothing.

    Without `until` it ends now. The planted truths are returned, and written to `demo_truth.json` in the state directory.
    """
    progress(f"Simulating a demo city: {users:,} users, {days} days")
    demo = simulate(until=until or clock.now(), seed=seed, days=days, users=users, city=city)
    progress("Putting it into the store")
    with open_store(settings) as store:
        store.write(put_rows, demo.rows, demo.log_length, progress)
    demo.truth.write(settings)
    progress(f"Demo city ready: {sum(demo.truth.totals.values()):,} rows")
    return demo.truth


def remove_demo(settings: Settings) -> dict[str, int]:
    """Take every demo row out of the store, leaving a `deletions` row for each. Returns rows by table."""
    with open_store(settings) as store:
        return store.write(take_out, clock.now())


def store_is_empty(settings: Settings) -> bool:
    """Whether the store holds no users, orders, incidences or signals, of whatever source."""
    with open_store(settings) as store, store.read() as connection:
        facts = (tables.users, tables.orders, tables.incidences, tables.friction_signals)
        return all(connection.execute(select(table).limit(1)).first() is None for table in facts)


def indian_midnight(at: datetime) -> datetime:
    """The last midnight in India that is not after `at`."""
    return at.astimezone(clock.IST).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def _user_rows(period: Period, start_us: int) -> Rows:
    people, visits, orders = period.people, period.visits, period.orders
    count = len(people.user_id)
    created = np.full(count, start_us)
    created[visits.user[visits.is_first_of_user]] = visits.started_at[visits.is_first_of_user]
    last_order = np.zeros(count, dtype=np.int64)
    np.maximum.at(last_order, visits.user[orders.visit], orders.placed_at)
    return Rows(
        tables.users,
        {
            "user_id": people.user_id,
            "name": people.name,
            "phone": people.phone,
            "language": np.array(LANGUAGES, dtype=object)[people.language],
            "tier": np.array(TIERS, dtype=object)[people.tier],
            "prior_order_count": people.prior_order_count,
            "last_order_date": [_indian_date(at) if at else None for at in last_order.tolist()],
            "source": [SOURCE] * count,
            "source_id": people.user_id,
            "created_at": created,
            "updated_at": np.maximum(created, last_order),
        },
    )


def _indian_date(at_us: int) -> str:
    return datetime.fromtimestamp(at_us // SECOND, clock.IST).date().isoformat()


def _agent_rows(agents: list[Agent], start_us: int) -> Rows:
    records = [
        {
            "agent_id": agent.agent_id,
            "name": agent.name,
            "levels": "[" + ", ".join(f'"{level}"' for level in agent.levels) + "]",
            "open_limit": agent.open_limit,
            # A real customer's incidence must never be given to an agent who does not exist.
            "status": AgentStatus.AWAY.value,
            "platform_ids": "{}",
            "source": SOURCE,
            "created_at": start_us - HOUR,
            "updated_at": start_us - HOUR,
        }
        for agent in agents
    ]
    return rows_of(tables.agents, records)


def _catalogue_rows(start_us: int) -> Rows:
    records = [
        {
            "item_id": item.item_id,
            "valid_from": start_us - 30 * DAY,
            "kind": item.kind,
            "name_en": item.name_en,
            "name_hi": item.name_hi,
            "price_paise": item.rupees * 100,
            "is_priced_per_plate": item.is_priced_per_plate,
            "is_active": True,
            "source": SOURCE,
        }
        for item in ITEMS
    ]
    return rows_of(tables.catalogue_items, records)
