"""What the live store would hold of each user at the end: the fold of the log, and whose prompts are snoozed."""

import json

import numpy as np

from ingestion.simulate.app_log import SIGNAL_STEPS, Step
from ingestion.simulate.calendar import EVENT_TYPES
from ingestion.simulate.catalogue import cart_items, selected_platter
from ingestion.simulate.city import SOURCE
from ingestion.simulate.ledger import Record
from ingestion.simulate.log_rows import FLOWS, SCREENS, flows_shown, screen_names, signal_name
from ingestion.simulate.period import Period
from ingestion.simulate.prompting import Prompted
from ingestion.simulate.scoring import Inputs
from ingestion.simulate.visits import SECOND

SNOOZE_US = 30 * 60 * SECOND


def context_records(period: Period, inputs: Inputs, event_dates: list[str]) -> list[Record]:
    """One row of `user_context` for each user who ever came: the last session, and the last cart of any."""
    visits, log = period.visits, period.log
    last_visit = np.full(len(period.user_ids), -1)
    last_visit[visits.user] = np.arange(len(visits))  # visits are in order of time, so the latest stays
    carts = np.flatnonzero((log.step == Step.FIRST_CART) | (log.step == Step.LAST_CART))
    last_cart = np.full(len(period.user_ids), -1)
    last_cart[visits.user[log.visit[carts]]] = carts
    screen = screen_names(log)
    seen = np.flatnonzero(screen > 0)
    flows = flows_shown(log)
    return [
        _context(period, inputs, event_dates, int(visit), int(cart), screen, seen, flows)
        for visit, cart in zip(last_visit.tolist(), last_cart.tolist(), strict=True)
        if visit >= 0
    ]


def _context(
    period: Period,
    inputs: Inputs,
    event_dates: list[str],
    visit: int,
    cart: int,
    screen: np.ndarray,
    seen: np.ndarray,
    flows: np.ndarray,
) -> Record:
    visits, log = period.visits, period.log
    last = int(log.first_of_visit[visit + 1]) - 1
    first = int(log.first_of_visit[visit])
    shown_at = seen[np.searchsorted(seen, first) : np.searchsorted(seen, last, side="right")]
    stack = _stack(screen[shown_at].tolist())
    entered = flows[first : last + 1]
    entered = entered[entered >= 0]  # a screen of no flow leaves the user in the one before
    return {
        "user_id": period.user_ids[visits.user[visit]],
        "session_id": period.session_ids[visit],
        "session_started_at": int(log.at[first]),
        "current_screen": SCREENS[stack[-1]],
        "current_flow": FLOWS[int(entered[-1])] if len(entered) else None,
        "screen_stack": json.dumps([SCREENS[each] for each in stack]),
        "is_foreground": not inputs.left_at[last],
        "last_activity_at": int(inputs.last_activity_at[last]),
        "last_heartbeat_at": int(inputs.last_heartbeat_at[last]),
        **_cart(period, event_dates, cart),
        "back_navigation_count": int(inputs.back_navigation_count[last]),
        "price_check_count": int(inputs.price_check_count[last]),
        "signal_counts": json.dumps(_signal_counts(period.script.counts[visit].tolist())),
        "last_seq": int(log.seq[last]),
        "source": SOURCE,
        "updated_at": int(log.at[last]),
    }


def _stack(shown: list[int]) -> list[int]:
    """The way to the last of these screens: going to the one before goes back."""
    stack: list[int] = []
    for screen in shown:
        if screen in stack[-2:-1]:
            stack.pop()
        elif stack[-1:] != [screen]:
            stack.append(screen)
    return stack


def _cart(period: Period, event_dates: list[str], event: int) -> Record:
    if event < 0:
        names = ("cart_items", "selected_platter", "guest_count", "event_date", "event_type", "cart_value_paise")
        return dict.fromkeys(names)
    visit, carts = int(period.log.visit[event]), period.visits.carts
    is_first = period.log.step[event] == Step.FIRST_CART
    platter = int(carts.platter[visit])
    return {
        "cart_items": cart_items(platter, -1 if is_first else int(carts.extra[visit])),
        "selected_platter": selected_platter(platter),
        "guest_count": int(carts.guests[visit]),
        "event_date": event_dates[visit],
        "event_type": EVENT_TYPES[period.visits.event_type[visit]],
        "cart_value_paise": int((carts.first_paise if is_first else carts.value_paise)[visit]),
    }


def _signal_counts(counts: list[int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for step in sorted(SIGNAL_STEPS):
        for nth in range(counts[step]):
            name = signal_name(step, nth)
            found[name] = found.get(name, 0) + 1
    return found


def suppression_records(prompted: list[Prompted]) -> list[Record]:
    """The latest snooze of each user who ever dismissed a prompt."""
    latest: dict[str, int] = {}
    for each in prompted:
        if each.prompt["dismissed_at"]:
            user_id = each.prompt["user_id"]
            latest[user_id] = max(latest.get(user_id, 0), each.prompt["dismissed_at"])
    return [
        {"user_id": user_id, "suppressed_until": at + SNOOZE_US, "updated_at": at} for user_id, at in latest.items()
    ]
