"""What the app reports during each visit, event by event: screens, carts, profiles and signals in one order."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ingestion.simulate.city import FLOW_OF_SCREEN, PRE_ORDER_TOPICS
from ingestion.simulate.visits import SECOND, Story, Visits


class Step(IntEnum):
    """What can happen in a visit, in the order in which it happens. A visit does each so many times, most of them never."""

    PROFILE = 0
    FOREGROUND = 1
    HOME = 2
    ORDER_DETAIL = 3
    HELP_ON_ORDER = 4
    MENU = 5
    PLATTER_VIEWED = 6
    ITEM_VIEWED = 7
    MENU_DETOUR = 8
    ITEM_ADDED = 9
    FIRST_CART = 10
    COMPARE = 11
    MENU_COMPARISON = 12
    HELP_ON_MENU = 13
    GUEST_COUNT = 14
    QUANTITY_CHANGE = 15
    HELP_ON_GUESTS = 16
    CUSTOMIZE = 17
    CUSTOMIZATION_CHANGE = 18
    LAST_CART = 19
    PRICE_CALCULATION = 20
    CHECKOUT = 21
    BACK_TO_GUESTS = 22
    CHECKOUT_DETOUR = 23
    HEARTBEAT = 24
    CHECKOUT_INACTIVITY = 25
    HELP_ON_CHECKOUT = 26
    PAYMENT = 27
    PAYMENT_TRY = 28
    HELP_ON_PAYMENT = 29
    PAYMENT_SUCCESS = 30
    BACKGROUND = 31


STEPS = len(Step)
HELP_STEPS = {
    "menu": Step.HELP_ON_MENU,
    "compare": Step.HELP_ON_MENU,
    "guest_count": Step.HELP_ON_GUESTS,
    "customize": Step.HELP_ON_CHECKOUT,
    "address": Step.HELP_ON_CHECKOUT,
    "checkout": Step.HELP_ON_CHECKOUT,
    "payment": Step.HELP_ON_PAYMENT,
}
_HELP_OF_TOPIC = np.array([HELP_STEPS[topic.screen] for topic in PRE_ORDER_TOPICS])
_GAP_SECONDS = np.full(STEPS, 9.0)
_GAP_SECONDS[[Step.PLATTER_VIEWED, Step.ITEM_VIEWED, Step.MENU_COMPARISON, Step.CUSTOMIZATION_CHANGE]] = 14.0
_LONGEST_QUIET_US = 28 * 60 * SECOND
"""After half an hour without activity a session has ended."""
_SHORT_PAUSE_SECONDS, _HEARTBEAT_SECONDS = 55.0, 20.0

SCREEN_OF_STEP: dict[Step, str] = {
    Step.HOME: "home",
    Step.ORDER_DETAIL: "order_detail",
    Step.HELP_ON_ORDER: "help",
    Step.MENU: "menu",
    Step.MENU_DETOUR: "platter_detail",
    Step.COMPARE: "compare",
    Step.HELP_ON_MENU: "help",
    Step.GUEST_COUNT: "guest_count",
    Step.HELP_ON_GUESTS: "help",
    Step.CUSTOMIZE: "customize",
    Step.CHECKOUT: "checkout",
    Step.BACK_TO_GUESTS: "guest_count",
    Step.CHECKOUT_DETOUR: "address",
    Step.HELP_ON_CHECKOUT: "help",
    Step.PAYMENT: "payment",
    Step.HELP_ON_PAYMENT: "help",
}
"""A detour goes to the screen named here and back to the flow's main one, so often as the step counts half."""
SIGNAL_STEPS = frozenset(
    {
        Step.FOREGROUND,
        Step.PLATTER_VIEWED,
        Step.ITEM_VIEWED,
        Step.ITEM_ADDED,
        Step.MENU_COMPARISON,
        Step.QUANTITY_CHANGE,
        Step.CUSTOMIZATION_CHANGE,
        Step.PRICE_CALCULATION,
        Step.HEARTBEAT,
        Step.CHECKOUT_INACTIVITY,
        Step.PAYMENT_TRY,
        Step.PAYMENT_SUCCESS,
        Step.BACKGROUND,
    }
)
SCREEN_WHILE = {
    Step.FOREGROUND: None,
    Step.PLATTER_VIEWED: "menu",
    Step.ITEM_VIEWED: "menu",
    Step.ITEM_ADDED: "menu",
    Step.MENU_COMPARISON: "compare",
    Step.QUANTITY_CHANGE: "guest_count",
    Step.CUSTOMIZATION_CHANGE: "customize",
    Step.PRICE_CALCULATION: "guest_count",
    Step.HEARTBEAT: "checkout",
    Step.CHECKOUT_INACTIVITY: "checkout",
    Step.PAYMENT_TRY: "payment",
    Step.PAYMENT_SUCCESS: "payment",
    Step.BACKGROUND: None,
}
"""Where the user is when a signal is sent."""


@dataclass(slots=True)
class Script:
    """What each visit does: how often each step, where it pauses and is evaluated, and how long it then talks to a person."""

    counts: np.ndarray
    evaluated_after: np.ndarray
    """The step after which the app asks for a friction score; -1: never."""
    pause_us: np.ndarray
    """From the last activity to the evaluation."""
    answer_us: np.ndarray
    """From the evaluation to the next event, in which the user goes on, accepts or dismisses."""
    help_step: np.ndarray
    """Where help is asked for or accepted; -1: nowhere."""
    help_us: np.ndarray
    """How long the conversation with a person keeps the visit."""
    status: np.ndarray
    """Of the prompt of an eligible visit: an index into PROMPT_STATUSES; -1: no prompt."""


PROMPT_STATUSES = ("ACCEPTED", "DISMISSED", "EXPIRED", "WITHHELD")
ACCEPTED, DISMISSED, EXPIRED, WITHHELD = range(4)


@dataclass(slots=True)
class Log:
    """Every event of the app, sorted by visit and by order within it; `seq` is the place in the server's order, from 1."""

    visit: np.ndarray
    step: np.ndarray
    nth: np.ndarray
    """How often this step happened in the visit before."""
    at: np.ndarray
    seq: np.ndarray
    first_of_visit: np.ndarray
    """Index of each visit's first event, and the number of events at the end."""

    def last_up_to(self, visits: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """Index of the last event of each given visit that is not later than the given step."""
        key = self.visit.astype(np.int64) * STEPS + self.step
        return np.searchsorted(key, visits.astype(np.int64) * STEPS + steps, side="right") - 1


def write_log(rng: np.random.Generator, visits: Visits, script: Script) -> Log:
    """Play the script. Gaps between events are exponential; a pause and a conversation take the time the script gives them."""
    flat = script.counts.ravel()
    place = np.repeat(np.arange(flat.size), flat)
    visit, step = (place // STEPS).astype(np.int32), (place % STEPS).astype(np.int8)
    first_of_place = np.cumsum(flat) - flat
    nth = (np.arange(len(place)) - first_of_place[place]).astype(np.int16)
    events_of_visit = script.counts.sum(axis=1)
    first_of_visit = np.concatenate([[0], np.cumsum(events_of_visit)])

    gap = (np.clip(rng.exponential(1.0, len(place)), 0.12, 3.9) * _GAP_SECONDS[step] * 1000).astype(np.int64) * 1000
    gap[step == Step.HEARTBEAT] = int(_HEARTBEAT_SECONDS) * SECOND
    log = Log(visit, step, nth, gap, gap, first_of_visit)
    _stretch(log, gap, script)
    total = np.cumsum(gap)
    before = np.concatenate([[0], total])[first_of_visit[:-1]]
    is_over = total[first_of_visit[1:] - 1] - before
    begins = np.where(visits.asked_at > 0, visits.asked_at - is_over, visits.started_at)
    log.at = total - before[visit] + begins[visit]
    order = np.lexsort((np.arange(len(place)), visit, log.at))
    seq = np.empty(len(place), dtype=np.int64)
    seq[order] = np.arange(1, len(place) + 1)
    log.seq = seq
    return log


def _stretch(log: Log, gap: np.ndarray, script: Script) -> None:
    """Put pauses before the event that ends them, and conversations after the screen on which they begin."""
    paused = np.flatnonzero(script.evaluated_after >= 0)
    last = log.last_up_to(paused, script.evaluated_after[paused])
    heartbeats = script.counts[paused, Step.HEARTBEAT].astype(np.int64) * (
        script.evaluated_after[paused] == Step.HEARTBEAT
    )
    rest = script.pause_us[paused] - heartbeats * int(_HEARTBEAT_SECONDS) * SECOND + script.answer_us[paused]
    goes_on = last + 1 < log.first_of_visit[paused + 1]
    gap[last[goes_on] + 1] = rest[goes_on]
    talking = np.flatnonzero((script.help_step >= 0) & (script.help_us > 0))
    asked = log.last_up_to(talking, script.help_step[talking])
    goes_on = asked + 1 < log.first_of_visit[talking + 1]
    gap[asked[goes_on] + 1] += script.help_us[talking][goes_on]


def write_script(rng: np.random.Generator, visits: Visits) -> Script:
    """Decide what each visit does. Only eligible visits go over the friction score; the others stay at 50 or below."""
    n = len(visits)
    counts = np.zeros((n, STEPS), dtype=np.int16)
    story = visits.story
    post, asked, eligible = story == Story.POST_ORDER, story == Story.ASKED, story == Story.ELIGIBLE
    shops = ~post
    depth = _depth(rng, visits)

    def times(step: Step, mean: float, most: int, least: int = 0) -> None:
        wanted = np.clip(rng.poisson(mean, n), least, most)
        counts[:, step] = np.where(shops & (depth >= step), wanted, 0)

    counts[:, Step.PROFILE] = visits.is_first_of_user
    counts[:, Step.HOME] = 1
    counts[post, Step.ORDER_DETAIL] = counts[post, Step.HELP_ON_ORDER] = 1
    for step in (Step.MENU, Step.FIRST_CART, Step.GUEST_COUNT, Step.CHECKOUT, Step.PAYMENT):
        counts[:, step] = shops & (depth >= step)
    customizes = shops & (depth >= Step.CUSTOMIZE) & ((visits.carts.extra >= 0) | (rng.random(n) < 0.3))
    counts[:, Step.CUSTOMIZE] = customizes
    times(Step.PLATTER_VIEWED, 1.9, 9, 1)
    times(Step.ITEM_VIEWED, 1.8, 9)
    times(Step.ITEM_ADDED, 0.7, 4, 1)
    counts[:, Step.COMPARE] = shops & (depth >= Step.COMPARE) & (rng.random(n) < 0.35)
    counts[:, Step.MENU_COMPARISON] = counts[:, Step.COMPARE]
    times(Step.QUANTITY_CHANGE, 0.9, 5)
    counts[:, Step.CUSTOMIZATION_CHANGE] = np.where(customizes, rng.poisson(1.1, n).clip(1, 5), 0)
    counts[:, Step.LAST_CART] = shops & (depth >= Step.LAST_CART) & (visits.carts.extra >= 0)
    times(Step.PRICE_CALCULATION, 0.8, 5)
    counts[:, Step.PAYMENT_SUCCESS] = visits.converts
    failures = rng.choice([0, 1, 2], n, p=[0.90, 0.08, 0.02])
    counts[:, Step.PAYMENT_TRY] = np.where(shops & (depth >= Step.PAYMENT), 2 * failures, 0)
    counts[:, Step.MENU_DETOUR] = np.where(
        shops & (depth >= Step.MENU_DETOUR), 2 * rng.choice([0, 1, 2], n, p=[0.7, 0.2, 0.1]), 0
    )

    has_heartbeats = rng.random(n) < 0.22
    script = Script(
        counts=counts,
        evaluated_after=np.full(n, -1),
        pause_us=np.zeros(n, dtype=np.int64),
        answer_us=_microseconds(rng.uniform(6, 80, n)),
        help_step=np.full(n, -1),
        help_us=np.zeros(n, dtype=np.int64),
        status=np.full(n, -1),
    )
    _script_small_friction(rng, visits, script, has_heartbeats)
    _script_questions(rng, visits, script, asked, post)
    _script_eligible(rng, visits, script, eligible, has_heartbeats)
    counts[:, Step.FOREGROUND] = has_heartbeats
    leaves_in_time = (script.help_step < 0) | (script.help_us < _LONGEST_QUIET_US)
    counts[:, Step.BACKGROUND] = has_heartbeats & leaves_in_time & (rng.random(n) < 0.8)
    _script_callers(rng, visits, script)
    return script


def _depth(rng: np.random.Generator, visits: Visits) -> np.ndarray:
    """The last step a visit may reach."""
    browse = np.array(
        [Step.MENU, Step.ITEM_ADDED, Step.HELP_ON_MENU, Step.HELP_ON_GUESTS, Step.PRICE_CALCULATION, Step.CHECKOUT]
    )
    depth = rng.choice(browse, len(visits), p=[0.12, 0.22, 0.22, 0.18, 0.14, 0.12])
    asked = visits.story == Story.ASKED
    depth[asked] = _HELP_OF_TOPIC[visits.topic[asked]]
    depth[visits.story == Story.ELIGIBLE] = Step.HELP_ON_CHECKOUT
    depth[visits.converts] = Step.BACKGROUND
    return depth


def _script_small_friction(
    rng: np.random.Generator, visits: Visits, script: Script, has_heartbeats: np.ndarray
) -> None:
    """Some ordinary buyers hesitate once: they go back and forth, ask for the price often, or pause; never two at once. A
    share of them is scored live, too."""
    n = len(visits)
    counts = script.counts
    buyers = (visits.story == Story.ORDER) | ((visits.story == Story.BROWSE) & (counts[:, Step.CHECKOUT] > 0))
    kind = rng.choice(4, n, p=[0.80, 0.07, 0.07, 0.06])
    counts[buyers & (kind == 1), Step.CHECKOUT_DETOUR] = 2 * 4
    counts[buyers & (kind == 2), Step.PRICE_CALCULATION] = 7
    may_pause = buyers & (kind == 3) & has_heartbeats & ~(visits.is_high_value & visits.is_first_time_user)
    counts[may_pause, Step.HEARTBEAT] = 4
    counts[buyers & (rng.random(n) < 0.03), Step.BACK_TO_GUESTS] = 2
    scored = buyers & (rng.random(n) < 0.25)
    long_pause = may_pause & scored
    script.evaluated_after[scored] = np.where(long_pause[scored], Step.HEARTBEAT, Step.CHECKOUT_DETOUR)
    short = _microseconds(rng.uniform(1, _SHORT_PAUSE_SECONDS, n))
    script.pause_us[scored] = np.where(long_pause, _microseconds(rng.uniform(80.5, 99, n)), short)[scored]


def _script_questions(
    rng: np.random.Generator, visits: Visits, script: Script, asked: np.ndarray, post: np.ndarray
) -> None:
    counts = script.counts
    steps = _HELP_OF_TOPIC[visits.topic[asked]]
    script.help_step[asked] = steps
    counts[np.flatnonzero(asked), steps] = 1
    at_payment = asked & (script.help_step == Step.HELP_ON_PAYMENT)
    counts[at_payment, Step.PAYMENT_TRY] = 2 * rng.integers(1, 3, int(at_payment.sum()))
    script.help_step[post] = Step.HELP_ON_ORDER
    minutes = np.exp(np.log(7.0) + 0.75 * rng.standard_normal(len(visits))).clip(1.2, 120)
    minutes = np.where(visits.converts, minutes.clip(1.2, 26), minutes)
    minutes = np.where(asked & ~visits.is_human_help_allowed, rng.uniform(0.3, 1.5, len(visits)), minutes)
    script.help_us = _microseconds(minutes * 60)


def _script_eligible(
    rng: np.random.Generator, visits: Visits, script: Script, eligible: np.ndarray, has_heartbeats: np.ndarray
) -> None:
    """Give each eligible visit enough trouble at the checkout for a score over 50, and decide how its prompt ends."""
    n = len(visits)
    counts = script.counts
    high, first = visits.is_high_value, visits.is_first_time_user
    draw = rng.random(n)
    by_price = eligible & (high | first) & (draw < 0.35)  # 30 + 20 + 15 or 10
    by_loops_and_price = eligible & high & ~by_price & (draw < 0.55)  # 25 + 20 + 15
    by_pause = ~by_loops_and_price & eligible
    by_loops = eligible & ~by_price
    counts[by_loops, Step.CHECKOUT_DETOUR] = 2 * rng.integers(4, 7, int(by_loops.sum()))
    many = by_price | by_loops_and_price
    counts[many, Step.PRICE_CALCULATION] = rng.integers(6, 10, int(many.sum()))
    pause = np.where(by_pause, rng.uniform(61.5, 110, n), rng.uniform(2, 18, n))
    beats = np.where(has_heartbeats & by_pause, np.floor(pause / _HEARTBEAT_SECONDS), 0)
    counts[:, Step.HEARTBEAT] = np.where(eligible, beats, counts[:, Step.HEARTBEAT])
    script.pause_us[eligible] = _microseconds(pause)[eligible]
    script.evaluated_after[eligible] = Step.HEARTBEAT
    counts[eligible & by_pause & (rng.random(n) < 0.6), Step.CHECKOUT_INACTIVITY] = 1

    accepts = rng.random(n) < np.where(visits.converts, 0.62, 0.38)
    dismisses = rng.random(n) < 0.55
    status = np.where(accepts, ACCEPTED, np.where(dismisses, DISMISSED, EXPIRED))
    status = np.where(visits.is_holdout, WITHHELD, status)
    script.status[eligible] = status[eligible]
    helped = eligible & (script.status == ACCEPTED) & visits.is_human_help_allowed
    script.help_step[helped] = Step.HELP_ON_CHECKOUT
    counts[helped, Step.CHECKOUT_INACTIVITY] = 0
    counts[helped, Step.HELP_ON_CHECKOUT] = 1


def _script_callers(rng: np.random.Generator, visits: Visits, script: Script) -> None:
    """Who waits for a person at the end has hesitated, not enough for a prompt, and does nothing else meanwhile."""
    counts = script.counts
    waiting = visits.asked_at > 0
    counts[waiting, Step.BACKGROUND] = 0
    at_checkout = waiting & (script.help_step == Step.HELP_ON_CHECKOUT)
    counts[at_checkout, Step.CHECKOUT_DETOUR] = 2 * rng.integers(4, 7, int(at_checkout.sum()))
    both = at_checkout & ~visits.is_high_value & ~visits.is_first_time_user
    many = both | (waiting & (script.help_step == Step.HELP_ON_PAYMENT))
    counts[many, Step.PRICE_CALCULATION] = rng.integers(6, 10, int(many.sum()))


def _microseconds(seconds: np.ndarray) -> np.ndarray:
    return np.round(seconds * 1000).astype(np.int64) * 1000


def flow_of(screen: str | None) -> str | None:
    return FLOW_OF_SCREEN.get(screen) if screen else None
