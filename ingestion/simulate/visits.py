"""Who opens the app when, and what becomes of it: the plan that everything else in the demo is told from."""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum

import numpy as np

from ingestion.simulate.calendar import FIRST_HOUR, HOUR_WEIGHTS, demand_table
from ingestion.simulate.catalogue import Carts, fill_carts, without_extras
from ingestion.simulate.city import (
    HOLDOUT_SHARE,
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
"""Help is asked for and offered while agents are there: the first and the last hour in which a visit may start."""
HELP_CONVERSION = 0.45
HUMAN_HELP_FROM_PAISE = 500_000
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


@dataclass(slots=True)
class Visits:
    """One entry a visit, in order of time; instants in microseconds since 1970. A user's visits are 33 hours or more apart,
    so that nothing of one falls into the 24 hours after another."""

    user: np.ndarray
    day: np.ndarray
    started_at: np.ndarray
    event_type: np.ndarray
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

    def __len__(self) -> int:
        return len(self.user)


def plan_visits(
    rng: np.random.Generator, city: City, users: Users, first_day: date, start_us: int, days: int
) -> Visits:
    """The visits of `days` Indian days from `first_day`, whose midnight is `start_us`."""
    table = demand_table(first_day, days)
    user, day = _who_comes_when(rng, users, table.sum(axis=1), round(len(users.user_id) * days * VISITS_PER_USER_DAY))
    shares = table[day] / table[day].sum(axis=1, keepdims=True)
    event_type = (rng.random((len(day), 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(0, table.shape[1] - 1)
    hours = rng.choice(len(HOUR_WEIGHTS), len(day), p=HOUR_WEIGHTS / HOUR_WEIGHTS.sum()) + FIRST_HOUR
    holdout = np.array([is_in_holdout(user_id, HOLDOUT_SHARE) for user_id in users.user_id])
    carts = fill_carts(rng, event_type)

    story = np.zeros(len(user), dtype=np.int8)
    converts = np.zeros(len(user), dtype=bool)
    _plan_eligible(rng, city, user, day, days, holdout, story, converts)
    _plan_orders_and_questions(rng, len(users.user_id), user, days, story, converts)
    topic = _plan_topics(rng, user, day, days, carts, event_type, story, converts)
    carts = without_extras(carts, (story == Story.ASKED) & np.isin(topic, _EARLY_TOPICS))

    desk = rng.integers(DESK_HOURS[0], DESK_HOURS[1] + 1, len(day))
    hours = np.where(story >= Story.ELIGIBLE, desk, hours)
    started = start_us + day * DAY + hours * HOUR + rng.integers(0, 3_600_000, len(day)) * 1000
    order = np.lexsort((user, started))
    user, converts, event_type, carts = user[order], converts[order], event_type[order], carts.take(order)
    is_high_value = event_type < HIGH_VALUE_EVENT_TYPES
    rank = np.arange(len(order))
    first_visit, first_order = np.full((2, len(holdout)), len(order))
    np.minimum.at(first_visit, user, rank)
    np.minimum.at(first_order, user[converts], rank[converts])
    return Visits(
        user=user,
        day=day[order],
        started_at=started[order],
        event_type=event_type,
        carts=carts,
        story=story[order],
        converts=converts,
        topic=topic[order],
        is_holdout=holdout[user],
        is_first_of_user=first_visit[user] == rank,
        is_first_time_user=(users.prior_order_count[user] == 0) & (first_order[user] >= rank),
        is_high_value=is_high_value,
        is_human_help_allowed=is_high_value | (carts.value_paise >= HUMAN_HELP_FROM_PAISE),
    )


def _who_comes_when(
    rng: np.random.Generator, users: Users, weights: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """`count` pairs of user and day. A user comes on days of one parity only, hence at least two days apart."""
    days = len(weights)
    tries = int(count * 2.8) + 50
    by_activity = np.cumsum(users.activity) / users.activity.sum()
    user = np.searchsorted(by_activity, rng.random(tries)).clip(0, len(users.activity) - 1)
    day = np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(tries)).clip(0, days - 1)
    keep = (user + day) % 2 == 0
    pairs = np.unique(user[keep] * days + day[keep])
    pairs = np.sort(rng.permutation(pairs)[:count])
    return pairs // days, pairs % days


def _plan_eligible(
    rng: np.random.Generator,
    city: City,
    user: np.ndarray,
    day: np.ndarray,
    days: int,
    holdout: np.ndarray,
    story: np.ndarray,
    converts: np.ndarray,
) -> None:
    """Choose the visits with an eligible moment, and which of them convert.

    Conversion is dealt out evenly along time in each arm rather than drawn, so that the realised uplift is the planted
    one to a fraction of a point whatever the seed. The last day has none: its 24 hours would not be over.
    """
    usable = np.flatnonzero(day < days - 1)
    shuffled = usable[rng.permutation(len(usable))]
    _, first_at = np.unique(user[shuffled], return_index=True)
    candidates = shuffled[first_at]
    wanted = round(len(holdout) * ELIGIBLE_USER_SHARE * min(1.0, days / 30))
    first = np.sort(rng.permutation(candidates)[:wanted])
    first_day_of = np.full(len(holdout), days)
    first_day_of[user[first]] = day[first]
    later = shuffled[day[shuffled] > first_day_of[user[shuffled]]]
    later = np.sort(rng.permutation(later)[: round(len(first) * LATER_ELIGIBLE_SHARE * min(1.0, days / 60))])
    for moments in (first, later):
        in_time = moments[np.argsort(day[moments], kind="stable")]
        for is_holdout, rate in ((False, city.prompted_conversion), (True, city.holdout_conversion)):
            arm = in_time[holdout[user[in_time]] == is_holdout]
            converts[arm] = dealt_out(len(arm), rate, float(rng.random()))
        story[moments] = Story.ELIGIBLE


def dealt_out(count: int, rate: float, offset: float) -> np.ndarray:
    """`count` yes or no in an even rhythm: any stretch of n holds n × rate of yes, give or take one."""
    steps = np.floor(np.arange(count + 1) * rate + offset)
    return np.diff(steps) > 0


def _plan_orders_and_questions(
    rng: np.random.Generator, users: int, user: np.ndarray, days: int, story: np.ndarray, converts: np.ndarray
) -> None:
    asked_count = round(users * days * ASKED_PER_USER_DAY)
    pool = rng.permutation(np.flatnonzero(story == Story.BROWSE))
    asked, pool = pool[:asked_count], pool[asked_count:]
    story[asked] = Story.ASKED
    converts[asked] = rng.random(len(asked)) < HELP_CONVERSION
    ordered = pool[: max(0, round(users * days * ORDERS_PER_USER_DAY) - int(converts.sum()))]
    story[ordered] = Story.ORDER
    converts[ordered] = True
    last = len(user)
    first_order = np.full(users, last)
    np.minimum.at(first_order, user[converts], np.flatnonzero(converts))
    # A user's visits are in order of day here, so a later index of the same user is a later visit.
    after_order = np.flatnonzero((story == Story.BROWSE) & (np.arange(last) > first_order[user]))
    story[rng.permutation(after_order)[: round(users * days * POST_ORDER_PER_USER_DAY)]] = Story.POST_ORDER


def _plan_topics(
    rng: np.random.Generator,
    user: np.ndarray,
    day: np.ndarray,
    days: int,
    carts: Carts,
    event_type: np.ndarray,
    story: np.ndarray,
    converts: np.ndarray,
) -> np.ndarray:
    topic = np.full(len(user), -1)
    asked = np.flatnonzero(story == Story.ASKED)
    post = np.flatnonzero(story == Story.POST_ORDER)
    topic[asked] = _draw_topics(rng, [t.weight for t in PRE_ORDER_TOPICS], len(asked))
    topic[post] = _draw_topics(rng, [t.weight for t in POST_ORDER_TOPICS], len(post))
    _plan_rare_topic(rng, day, days, asked, topic)
    _plan_worst_screen(rng, day, days, carts, event_type, story, converts, topic)
    return topic


def _draw_topics(rng: np.random.Generator, weights: list[float], count: int) -> np.ndarray:
    return rng.choice(len(weights), count, p=np.array(weights) / sum(weights))


def _plan_rare_topic(
    rng: np.random.Generator, day: np.ndarray, days: int, asked: np.ndarray, topic: np.ndarray
) -> None:
    """One question about something else every seventh day: never more than two in one week, however weeks are cut."""
    for rare_day in range(3, days, WEEK_DAYS):
        today = asked[day[asked] == rare_day]
        if len(today):
            topic[rng.choice(today)] = topic_index(RARE_CATEGORY)


def _plan_worst_screen(
    rng: np.random.Generator,
    day: np.ndarray,
    days: int,
    carts: Carts,
    event_type: np.ndarray,
    story: np.ndarray,
    converts: np.ndarray,
    topic: np.ndarray,
) -> None:
    """Make the payment screen worse in each of the last three weeks: more people ask about it, and most of them leave."""
    payment = topic_index(WORST_CATEGORY)
    worsening_from = days - WEEK_DAYS * len(WORSENING)
    base_days = max(1, worsening_from)
    usual = int(((topic == payment) & (story == Story.ASKED) & (day < worsening_from)).sum()) * WEEK_DAYS / base_days
    usual = max(usual, 2.0)
    has_people = (carts.value_paise >= HUMAN_HELP_FROM_PAISE) | (event_type < HIGH_VALUE_EVENT_TYPES)
    for week, factor in enumerate(WORSENING):
        first = worsening_from + week * WEEK_DAYS
        in_week = (day >= first) & (day < first + WEEK_DAYS)
        now = np.flatnonzero(in_week & (topic == payment) & (story == Story.ASKED))
        missing = round(usual * factor) - len(now)
        pool = np.flatnonzero(in_week & (story == Story.BROWSE) & has_people)
        added = rng.permutation(pool)[: max(0, missing)]
        story[added] = Story.ASKED
        topic[added] = payment
        affected = np.concatenate([now, added])
        converts[affected] = dealt_out(len(affected), 0.30, float(rng.random()))
