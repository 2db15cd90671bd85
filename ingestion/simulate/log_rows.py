"""The log as rows of `friction_signals` and `context_updates`."""

from typing import Any

import numpy as np

from ingestion.simulate.app_log import SCREEN_OF_STEP, SCREEN_WHILE, SIGNAL_STEPS, STEPS, Log, Step
from ingestion.simulate.calendar import EVENT_TYPES
from ingestion.simulate.catalogue import EXTRAS, PLATTERS, cart_items, selected_platter
from ingestion.simulate.city import FLOW_OF_SCREEN, SOURCE
from ingestion.simulate.people import LANGUAGES, TIERS
from ingestion.simulate.period import Period
from ingestion.simulate.rows import Rows
from ingestion.simulate.visits import Visits
from store.tables import context_updates, friction_signals

FLOWS = tuple(dict.fromkeys(FLOW_OF_SCREEN.values()))
_WAY_BACK = {Step.MENU_DETOUR: "menu", Step.BACK_TO_GUESTS: "checkout", Step.CHECKOUT_DETOUR: "checkout"}
"""Where the second half of a detour leads."""
_SIGNAL = {
    Step.FOREGROUND: "APP_FOREGROUND",
    Step.BACKGROUND: "APP_BACKGROUND",
    Step.PAYMENT_TRY: "PAYMENT_ATTEMPT",
    Step.PAYMENT_SUCCESS: "PAYMENT_ATTEMPT",
}
_HALF = 2


def screen_names(log: Log) -> np.ndarray:
    """The screen that each event shows or happens on, as an index into `SCREENS`."""
    return _SCREEN_TABLE[log.step, log.nth % _HALF]


def flows_shown(log: Log) -> np.ndarray:
    """The flow that each event enters or stays on, as an index into FLOWS; -1 for screens without one and for signals."""
    return np.where(_IS_SCREEN[log.step], FLOW_OF_EACH_SCREEN[screen_names(log)], -1)


def back_navigations(log: Log) -> np.ndarray:
    """Whether each event goes back to the screen before: the way back of a detour, and the way to the guest count."""
    is_way_back = log.nth % _HALF == 1
    detour = (log.step == Step.MENU_DETOUR) | (log.step == Step.CHECKOUT_DETOUR)
    return (detour & is_way_back) | ((log.step == Step.BACK_TO_GUESTS) & ~is_way_back)


def signal_name(step: Step, nth: int) -> str:
    """The type of the signal that a step sends; every other time a try of a payment is its failure."""
    if step == Step.PAYMENT_TRY and nth % _HALF == 1:
        return "PAYMENT_FAILED"
    return _SIGNAL.get(step, step.name)


_SIGNAL_NAMES = np.array([[signal_name(step, nth) for nth in range(_HALF)] for step in Step], dtype=object)
SCREENS = (None, *dict.fromkeys([*SCREEN_OF_STEP.values(), *_WAY_BACK.values()]))
_IS_SCREEN = np.array([step in SCREEN_OF_STEP for step in Step])
_SCREEN_TABLE = np.zeros((STEPS, _HALF), dtype=np.int64)
for _step in Step:
    _name = SCREEN_OF_STEP.get(_step, SCREEN_WHILE.get(_step))
    _SCREEN_TABLE[_step] = SCREENS.index(_name), SCREENS.index(_WAY_BACK.get(_step, _name))
FLOW_OF_EACH_SCREEN = np.array([FLOWS.index(FLOW_OF_SCREEN[s]) if s in FLOW_OF_SCREEN else -1 for s in SCREENS])


def signal_rows(rng: np.random.Generator, period: Period) -> Rows:
    """One row a signal, in the server's order; `seq` still counts from 1."""
    log, visits = period.log, period.visits
    chosen = _in_order(log, np.array([step in SIGNAL_STEPS for step in Step]))
    step, visit = log.step[chosen], log.visit[chosen]
    words = _SIGNAL_NAMES[step, log.nth[chosen] % _HALF]
    screen = screen_names(log)[chosen]
    return Rows(
        friction_signals,
        {
            "seq": log.seq[chosen],
            "user_id": period.user_ids[visits.user[visit]],
            "session_id": period.session_ids[visit],
            "signal_type": words,
            "value": _values(rng, step, visits, visit),
            "screen": _words(SCREENS)[screen],
            "flow": _words(FLOWS)[FLOW_OF_EACH_SCREEN[screen]],
            "client_event_id": [f"e{n}" for n in (log.seq[chosen]).tolist()],
            "client_at": log.at[chosen] - rng.integers(20, 900, len(chosen)) * 1000,
            "recorded_at": log.at[chosen],
            "source": [SOURCE] * len(chosen),
        },
    )


def update_rows(period: Period, event_dates: list[str]) -> Rows:
    """One row a screen, cart or profile, in the server's order; columns of the other kinds are null."""
    log, visits, users = period.log, period.visits, period.people
    chosen = _in_order(log, np.array([step not in SIGNAL_STEPS for step in Step]))
    step, visit = log.step[chosen], log.visit[chosen]
    user = visits.user[visit]
    is_screen = _IS_SCREEN[step]
    is_profile = step == Step.PROFILE
    is_cart = ~is_screen & ~is_profile
    is_first_cart = step == Step.FIRST_CART
    screen = screen_names(log)[chosen]
    carts = visits.carts
    extra = np.where(is_first_cart, -1, carts.extra[visit])
    full_cart = _CART_TEXTS[carts.platter[visit], extra]
    value = np.where(is_first_cart, carts.first_paise[visit], carts.value_paise[visit])
    date = np.array(event_dates, dtype=object)[visit]
    return Rows(
        context_updates,
        {
            "seq": log.seq[chosen],
            "user_id": period.user_ids[user],
            "session_id": period.session_ids[visit],
            "kind": np.where(is_screen, "SCREEN", np.where(is_cart, "CART", "PROFILE")).astype(object),
            "screen": _only(is_screen, _words(SCREENS)[screen]),
            "flow": _only(is_screen, _words(FLOWS)[FLOW_OF_EACH_SCREEN[screen]]),
            "is_back_navigation": back_navigations(log)[chosen],
            "cart_items": _only(is_cart, full_cart),
            "selected_platter": _only(is_cart, _PLATTER_TEXTS[carts.platter[visit]]),
            "guest_count": _only(is_cart, carts.guests[visit]),
            "event_date": _only(is_cart, date),
            "event_type": _only(is_cart, _words(EVENT_TYPES)[visits.event_type[visit]]),
            "cart_value_paise": _only(is_cart, value),
            "language": _only(is_profile, _words(LANGUAGES)[users.language[user]]),
            "tier": _only(is_profile, _words(TIERS)[users.tier[user]]),
            "prior_order_count": _only(is_profile, users.prior_order_count[user]),
            "client_at": log.at[chosen] - 150_000,
            "recorded_at": log.at[chosen],
            "source": [SOURCE] * len(chosen),
        },
    )


_CART_TEXTS = np.array(
    [[cart_items(p, e) for e in [*range(len(EXTRAS)), -1]] for p in range(len(PLATTERS))], dtype=object
)
"""By platter and extra; an extra of -1 is the last column."""
_PLATTER_TEXTS = np.array([selected_platter(p) for p in range(len(PLATTERS))], dtype=object)


def _in_order(log: Log, is_wanted: np.ndarray) -> np.ndarray:
    wanted = np.flatnonzero(is_wanted[log.step])
    return wanted[np.argsort(log.seq[wanted])]


def _words(words: tuple[Any, ...]) -> np.ndarray:
    """Words to be picked by index; -1 picks null."""
    return np.array([*words, None], dtype=object)


def _only(flags: np.ndarray, values: np.ndarray) -> np.ndarray:
    chosen = values.astype(object)
    chosen[~flags] = None
    return chosen


def _values(rng: np.random.Generator, step: np.ndarray, visits: Visits, visit: np.ndarray) -> np.ndarray:
    """Seconds for durations, rupees for prices, null for the rest."""
    values = np.full(len(step), None, dtype=object)
    compared = step == Step.MENU_COMPARISON
    values[compared] = np.round(rng.uniform(15, 170, int(compared.sum())), 1)
    waited = step == Step.CHECKOUT_INACTIVITY
    values[waited] = np.round(rng.uniform(61, 110, int(waited.sum())), 1)
    priced = step == Step.PRICE_CALCULATION
    values[priced] = visits.carts.value_paise[visit[priced]] / 100
    return values
