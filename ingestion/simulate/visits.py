"""Who opens the app when, and what becomes of it: the plan that everything else in the demo is told from."""

from dataclasses import dataclass, fields
from datetime import date
from enum import IntEnum

import numpy as np

from ingestion.simulate.calendar import EVENT_TYPES, FIRST_HOUR, HOUR_WEIGHTS, demand_table
from ingestion.simulate.catalogue import Carts, fill_carts, without_extras
from ingestion.simulate.city import (
    HOLDOUT_SHARE,
    PERSISTENT_CATEGORY,
    PERSISTENT_USERS_A_WEEK,
    POST_ORDER_TOPICS,
    PRE_ORDER_TOPICS,
    RARE_CATEGORY,
    WORSENING,
    WORST_CATEGORY,
    City,
    topic_index,
)
from ingestion.simulate.people import Users
from store.ids import is_in_holdout

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
WEEK_DAYS = 7

ORDERS_PER_USER_DAY = 1 / 30
VISITS_PER_USER_DAY = 13 / 180
ASKED_PER_USER_DAY = 1 / 400
POST_ORDER_PER_USER_DAY = 1 / 600
ELIGIBLE_USER_SHARE = 0.45
LATER_ELIGIBLE_SHARE = 0.15
"""Of users with an eligible moment, how many have one more."""
DESK_HOURS = (9, 20)
"""Help is asked for and offered while agents are there: the first and the last hour in which such a visit may start."""
HELP_CONVERSION = 0.45
WORST_SCREEN_CONVERSION = 0.30
HUMAN_HELP_FROM_PAISE = 500_000
CALLERS_PER_USER, CALLERS = 1 / 200, (4, 40)
"""How many have just asked for help when the demo ends, and the fewest and the most of them."""
CALLER_AGES_SECONDS = ((0.40, 15, 420), (0.35, 420, 870), (0.25, 930, 3_300))
"""Since when they wait: the share of them, and from when to when. Only the last were there before the owner's 15 minutes."""
HIGH_VALUE_EVENT_TYPES = 3
"""WEDDING, CORPORATE and RELIGIOUS come first in EVENT_TYPES."""
_EARLY_TOPICS = [n for n, topic in enumerate(PRE_ORDER_TOPICS) if topic.screen in {"menu", "compare", "guest_count"}]
"""Asked about before the cart is complete."""


class Story(IntEnum):
    """What a visit is."""

    BROWSE = 0
    ORDER = 1
    ELIGIBLE = 2
    """Runs into friction; a prompt is due."""
    ASKED = 3
    """Asks for help before an order."""
    POST_ORDER = 4
    """Asks about an order placed earlier."""


@dataclass(frozen=True, slots=True)
class Visits:
    """One entry a visit, in order of time; instants in microseconds since 1970. A user's visits are 33 hours or more apart,
    so that nothing of one falls into the 24 hours after another."""

    user: np.ndarray
    started_at: np.ndarray
    event_type: np.ndarray
    """Index into EVENT_TYPES."""
    carts: Carts
    story: np.ndarray
    converts: np.ndarray
    topic: np.ndarray
    """Index into PRE_ORDER_TOPICS or POST_ORDER_TOPICS, -1 without one."""
    is_holdout: np.ndarray
    is_first_of_user: np.ndarray
    is_first_time_user: np.ndarray
    """No order before this visit."""
    is_high_value: np.ndarray
    """One of the three event types that always get a person's help."""
    is_human_help_allowed: np.ndarray
    """By the routing rules: nobody under ₹5,000, but for those three."""
    asked_at: np.ndarray
    """When help was asked for that is still awaited at the end, which ends the visit; 0 for the others."""

    def __len__(self) -> int:
        return len(self.user)


@dataclass(slots=True)
class _Plan:
    """The visits while they are planned, in order of user and day."""

    days: int
    holdout: np.ndarray
    """Of users by their index."""
    user: np.ndarray
    day: np.ndarray
    event_type: np.ndarray
    carts: Carts
    story: np.ndarray
    converts: np.ndarray
    topic: np.ndarray

    @property
    def user_days(self) -> int:
        return len(self.holdout) * self.days

    def free(self) -> np.ndarray:
        """The visits that nothing is planned for yet."""
        return np.flatnonzero((self.story == Story.BROWSE) & (self.topic < 0))


def plan_visits(
    rng: np.random.Generator, city: City, users: Users, first_day: date, start_us: int, days: int, until_us: int
) -> Visits:
    """The visits of `days` Indian days from `first_day`, whose midnight is `start_us`, and the callers of the hour before
    `until_us`."""
    plan = _empty_plan(rng, users, first_day, days)
    _plan_eligible(rng, plan, city)
    _plan_questions_and_orders(rng, plan)
    _plan_rare_topic(rng, plan)
    _plan_worst_screen(rng, plan)
    planned = len(plan.user)
    _plan_callers(rng, plan, (until_us - 1 - start_us) // DAY)
    carts = without_extras(plan.carts, (plan.story == Story.ASKED) & np.isin(plan.topic, _EARLY_TOPICS))

    count = len(plan.user)
    hours = rng.choice(len(HOUR_WEIGHTS), count, p=HOUR_WEIGHTS / HOUR_WEIGHTS.sum()) + FIRST_HOUR
    at_desk = rng.integers(DESK_HOURS[0], DESK_HOURS[1] + 1, count)
    hours = np.where(plan.story >= Story.ELIGIBLE, at_desk, hours)
    started = start_us + plan.day * DAY + hours * HOUR + rng.integers(0, 3_600_000, count) * 1000
    asked_at = np.zeros(count, dtype=np.int64)
    asked_at[planned:] = until_us - _caller_ages(rng, count - planned)
    started[planned:] = asked_at[planned:] - HOUR // 20
    order = np.lexsort((plan.user, started))
    user, converts, event_type = plan.user[order], plan.converts[order], plan.event_type[order]
    carts = carts.take(order)
    is_high_value = event_type < HIGH_VALUE_EVENT_TYPES
    rank = np.arange(count)
    first_visit, first_order = np.full((2, len(plan.holdout)), count)
    np.minimum.at(first_visit, user, rank)
    np.minimum.at(first_order, user[converts], rank[converts])
    return Visits(
        user=user,
        started_at=started[order],
        event_type=event_type,
        carts=carts,
        story=plan.story[order],
        converts=converts,
        topic=plan.topic[order],
        is_holdout=plan.holdout[user],
        is_first_of_user=first_visit[user] == rank,
        is_first_time_user=(users.prior_order_count[user] == 0) & (first_order[user] >= rank),
        is_high_value=is_high_value,
        is_human_help_allowed=is_high_value | (carts.value_paise >= HUMAN_HELP_FROM_PAISE),
        asked_at=asked_at[order],
    )


def _empty_plan(rng: np.random.Generator, users: Users, first_day: date, days: int) -> _Plan:
    """Who comes on which days. A user comes on days of one parity only, hence at least two days apart."""
    table = demand_table(first_day, days)
    weights = table.sum(axis=1)
    count = round(len(users.user_id) * days * VISITS_PER_USER_DAY)
    tries = int(count * 2.8) + 50
    by_activity = np.cumsum(users.activity) / users.activity.sum()
    user = np.searchsorted(by_activity, rng.random(tries)).clip(0, len(users.activity) - 1)
    day = np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(tries)).clip(0, days - 1)
    keep = (user + day) % 2 == 0
    pairs = np.unique(user[keep] * days + day[keep])
    pairs = rng.permutation(pairs)[:count]
    persistent = _persistent_pairs(rng, len(users.user_id), first_day, days)
    pairs = np.unique(np.concatenate([pairs, persistent]))
    user, day = pairs // days, pairs % days
    shares = table[day] / table[day].sum(axis=1, keepdims=True)
    event_type = (rng.random((len(day), 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(0, table.shape[1] - 1)
    topic = np.full(len(day), -1)
    is_persistent = np.isin(pairs, persistent)
    topic[is_persistent] = topic_index(PERSISTENT_CATEGORY)
    event_type[is_persistent] = EVENT_TYPES.index("CORPORATE")
    return _Plan(
        days=days,
        holdout=np.array([is_in_holdout(user_id, HOLDOUT_SHARE) for user_id in users.user_id]),
        user=user,
        day=day,
        event_type=event_type,
        carts=fill_carts(rng, event_type),
        story=np.where(is_persistent, Story.ASKED, Story.BROWSE),
        converts=np.zeros(len(day), dtype=bool),
        topic=topic,
    )


def _persistent_pairs(rng: np.random.Generator, users: int, first_day: date, days: int) -> np.ndarray:
    """User and day (as user × days + day) of the office managers who ask the same thing on four days of one week."""
    first_monday = -first_day.weekday() % WEEK_DAYS
    pairs = []
    for monday in range(first_monday, days - WEEK_DAYS + 1, WEEK_DAYS):
        chosen = rng.permutation((users - monday % 2) // 2)[:PERSISTENT_USERS_A_WEEK] * 2 + monday % 2
        pairs += [user * days + monday + offset for user in chosen.tolist() for offset in (0, 2, 4, 6)]
    return np.array(pairs, dtype=np.int64)


def _plan_eligible(rng: np.random.Generator, plan: _Plan, city: City) -> None:
    """Choose the visits with an eligible moment, and which of them convert.

    Conversion is dealt out evenly along time in each arm rather than drawn, so that the realised uplift is the planted
    one to a fraction of a point whatever the seed. The last day has none: its 24 hours would not be over.
    """
    user, day = plan.user, plan.day
    free = plan.free()
    usable = rng.permutation(free[day[free] < plan.days - 1])
    _, first_at = np.unique(user[usable], return_index=True)
    wanted = round(len(plan.holdout) * ELIGIBLE_USER_SHARE * min(1.0, plan.days / 30))
    first = np.sort(rng.permutation(usable[first_at])[:wanted])
    first_day_of = np.full(len(plan.holdout), plan.days)
    first_day_of[user[first]] = day[first]
    later = rng.permutation(usable[day[usable] > first_day_of[user[usable]]])
    later = np.sort(later[: round(len(first) * LATER_ELIGIBLE_SHARE * min(1.0, plan.days / 60))])
    for moments in (first, later):
        in_time = moments[np.argsort(day[moments], kind="stable")]
        for is_holdout, rate in ((False, city.prompted_conversion), (True, city.holdout_conversion)):
            arm = in_time[plan.holdout[user[in_time]] == is_holdout]
            plan.converts[arm] = dealt_out(len(arm), rate, float(rng.random()))
        plan.story[moments] = Story.ELIGIBLE


def dealt_out(count: int, rate: float, offset: float) -> np.ndarray:
    """`count` yes or no in an even rhythm: any stretch of n holds n × rate of yes, give or take one."""
    steps = np.floor(np.arange(count + 1) * rate + offset)
    return np.diff(steps) > 0


def _plan_questions_and_orders(rng: np.random.Generator, plan: _Plan) -> None:
    asked, rest = np.split(rng.permutation(plan.free()), [round(plan.user_days * ASKED_PER_USER_DAY)])
    plan.story[asked] = Story.ASKED
    plan.topic[asked] = _draw_topics(rng, [topic.weight for topic in PRE_ORDER_TOPICS], len(asked))
    plan.converts[asked] = rng.random(len(asked)) < HELP_CONVERSION
    ordered = rest[: max(0, round(plan.user_days * ORDERS_PER_USER_DAY) - int(plan.converts.sum()))]
    plan.story[ordered] = Story.ORDER
    plan.converts[ordered] = True

    first_order = np.full(len(plan.holdout), plan.days)
    np.minimum.at(first_order, plan.user[plan.converts], plan.day[plan.converts])
    free = plan.free()
    after_order = rng.permutation(free[plan.day[free] > first_order[plan.user[free]]])
    after_order = after_order[: round(plan.user_days * POST_ORDER_PER_USER_DAY)]
    plan.story[after_order] = Story.POST_ORDER
    plan.topic[after_order] = _draw_topics(rng, [topic.weight for topic in POST_ORDER_TOPICS], len(after_order))


def _draw_topics(rng: np.random.Generator, weights: list[float], count: int) -> np.ndarray:
    return rng.choice(len(weights), count, p=np.array(weights) / sum(weights))


def _plan_rare_topic(rng: np.random.Generator, plan: _Plan) -> None:
    """One question about it every seventh day: never two in one week, however weeks are cut."""
    for rare_day in range(3, plan.days, WEEK_DAYS):
        today = np.flatnonzero(
            (plan.story == Story.ASKED) & (plan.day == rare_day) & (plan.topic != topic_index(PERSISTENT_CATEGORY))
        )
        if len(today):
            plan.topic[rng.choice(today)] = topic_index(RARE_CATEGORY)


def _plan_worst_screen(rng: np.random.Generator, plan: _Plan) -> None:
    """Make the payment screen worse in each of the last three weeks: more people ask about it, and most of them leave."""
    worst = topic_index(WORST_CATEGORY)
    is_worst = (plan.story == Story.ASKED) & (plan.topic == worst)
    worsening_from = plan.days - WEEK_DAYS * len(WORSENING)
    usual = int((is_worst & (plan.day < worsening_from)).sum()) * WEEK_DAYS / max(1, worsening_from)
    gets_help = (plan.carts.value_paise >= HUMAN_HELP_FROM_PAISE) | (plan.event_type < HIGH_VALUE_EVENT_TYPES)
    for week, factor in enumerate(WORSENING):
        first = worsening_from + week * WEEK_DAYS
        in_week = (plan.day >= first) & (plan.day < first + WEEK_DAYS)
        already = np.flatnonzero(in_week & is_worst)
        free = plan.free()
        missing = max(0, round(max(usual, 2.0) * factor) - len(already))
        added = rng.permutation(free[in_week[free] & gets_help[free]])[:missing]
        plan.story[added] = Story.ASKED
        plan.topic[added] = worst
        affected = np.concatenate([already, added])
        plan.converts[affected] = dealt_out(len(affected), WORST_SCREEN_CONVERSION, float(rng.random()))


def _plan_callers(rng: np.random.Generator, plan: _Plan, today: int) -> None:
    """Add those who have just asked for help when the demo ends: users who have not been here for two days, whom the
    routing rules give a person."""
    last_day, first_order = np.full(len(plan.holdout), -1), np.full(len(plan.holdout), today)
    np.maximum.at(last_day, plan.user, plan.day)
    np.minimum.at(first_order, plan.user[plan.converts], plan.day[plan.converts])
    free = np.flatnonzero((last_day >= 0) & (last_day < today - 2))
    count = min(int(np.clip(len(plan.holdout) * CALLERS_PER_USER, *CALLERS)), len(free))
    wanted = count * 8
    event_type = rng.integers(0, len(EVENT_TYPES), wanted)
    carts = fill_carts(rng, event_type)
    gets_help = (carts.first_paise >= HUMAN_HELP_FROM_PAISE) | (event_type < HIGH_VALUE_EVENT_TYPES)
    chosen = np.flatnonzero(gets_help)[:count]
    user = rng.permutation(free)[: len(chosen)]
    is_after_order = (first_order[user] < today) & (rng.random(len(user)) < 0.35)
    before = _draw_topics(rng, [topic.weight for topic in PRE_ORDER_TOPICS], len(user))
    after = _draw_topics(rng, [topic.weight for topic in POST_ORDER_TOPICS], len(user))
    added = {
        "user": user,
        "day": np.full(len(user), today),
        "event_type": event_type[chosen],
        "story": np.where(is_after_order, Story.POST_ORDER, Story.ASKED),
        "converts": np.zeros(len(user), dtype=bool),
        "topic": np.where(is_after_order, after, before),
    }
    for name, values in added.items():
        setattr(plan, name, np.concatenate([getattr(plan, name), values]))
    theirs = carts.take(chosen)
    plan.carts = Carts(
        *(np.concatenate([getattr(plan.carts, each.name), getattr(theirs, each.name)]) for each in fields(Carts))
    )


def _caller_ages(rng: np.random.Generator, count: int) -> np.ndarray:
    """For how many microseconds each caller has been waiting."""
    shares, earliest, latest = zip(*CALLER_AGES_SECONDS, strict=True)
    kind = rng.choice(len(shares), count, p=shares)
    return (rng.uniform(np.array(earliest)[kind], np.array(latest)[kind]) * 1000).astype(np.int64) * 1000
