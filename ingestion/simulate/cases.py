"""The cases that reach the help desk: offered by a prompt, asked before an order, asked after one."""

import random
from collections.abc import Iterator

import numpy as np

from ingestion.simulate.app_log import Step
from ingestion.simulate.calendar import EVENT_TYPES
from ingestion.simulate.catalogue import cart_items
from ingestion.simulate.city import POST_ORDER_TOPICS, PRE_ORDER_TOPICS, WORST_CATEGORY
from ingestion.simulate.desk import Case
from ingestion.simulate.ledger import Record
from ingestion.simulate.people import LANGUAGES
from ingestion.simulate.period import Period
from ingestion.simulate.prompting import Prompted
from ingestion.simulate.rows import NO_INSTANT
from ingestion.simulate.visits import Story

SMALL_LOSS_PAISE = 4_000_000
"""Away from the worst screen only carts up to ₹40,000 are lost, so that one wedding does not outweigh a broken screen."""
LOSS_SHARE = 0.20
"""Of questions with small carts, away from the worst screen, that no order follows: how many end with a lost cart."""
UNNAMED_SHARE = 0.25
"""Of questions that the app's own help answers, how many nobody files under a category."""


def open_cases(dice: random.Random, period: Period, prompted: list[Prompted]) -> list[Case]:
    """Every case of the period, in order of time."""
    cases = [*_offered(period, prompted), *_asked(dice, period), *_after_orders(period)]
    return sorted(cases, key=lambda case: (case.created_at, case.user_id))


def _offered(period: Period, prompted: list[Prompted]) -> Iterator[Case]:
    """A shown prompt offers a person where one is allowed."""
    for each in prompted:
        visit, prompt = each.visit, each.prompt
        if prompt["is_holdout"] or not period.visits.is_human_help_allowed[visit]:
            continue
        is_accepted = prompt["accepted_at"] is not None
        order_id, ordered_at = _ordered(period, visit) if is_accepted else (None, NO_INSTANT)
        has_loops = period.script.counts[visit, Step.CHECKOUT_DETOUR] > 0
        yield Case(
            **_cart_of(period, visit),
            stage="PRE_ORDER",
            trigger="SYSTEM_INITIATED",
            screen="checkout",
            category="MENU_CHOICE" if has_loops else "PRICE_CLARITY",
            created_at=prompt["due_at"],
            opened_at=prompt["accepted_at"] or 0,
            talk_us=int(period.script.help_us[visit]),
            order_id=order_id,
            ordered_at=ordered_at,
            prompt_id=prompt["prompt_id"],
            offer_ends_at=prompt["dismissed_at"] or prompt["expired_at"] or 0,
        )


def _asked(dice: random.Random, period: Period) -> Iterator[Case]:
    visits = period.visits
    asked = np.flatnonzero(visits.story == Story.ASKED)
    for visit, at in zip(asked.tolist(), _help_times(period, asked), strict=True):
        topic = PRE_ORDER_TOPICS[visits.topic[visit]]
        cart = _cart_of(period, visit)
        order_id, ordered_at = _ordered(period, visit)
        is_worst = topic.category == WORST_CATEGORY
        loses = is_worst or (cart["value_paise"] <= SMALL_LOSS_PAISE and dice.random() < LOSS_SHARE)
        is_unnamed = not cart["is_human_allowed"] and dice.random() < UNNAMED_SHARE
        yield Case(
            **cart,
            stage="PRE_ORDER",
            trigger="USER_INITIATED",
            screen=topic.screen,
            category=None if is_unnamed else topic.category,
            created_at=at,
            opened_at=at,
            talk_us=int(period.script.help_us[visit]),
            order_id=order_id,
            ordered_at=ordered_at,
            is_worst=is_worst,
            is_lost=loses and ordered_at == NO_INSTANT,
            is_waiting=bool(visits.asked_at[visit]),
        )


def _after_orders(period: Period) -> Iterator[Case]:
    """Questions about the user's latest order; of whoever has none yet, nothing is heard."""
    visits, orders = period.visits, period.orders
    asked = np.flatnonzero(visits.story == Story.POST_ORDER)
    questions = sorted(zip(_help_times(period, asked), asked.tolist(), strict=True))
    placed = list(zip(orders.placed_at.tolist(), orders.visit.tolist(), strict=True))
    latest: dict[int, int] = {}
    next_order = 0
    for at, visit in questions:
        while next_order < len(placed) and placed[next_order][0] < at:
            bought = placed[next_order][1]
            latest[int(visits.user[bought])] = bought
            next_order += 1
        if (bought := latest.get(int(visits.user[visit]))) is None:
            continue
        topic = POST_ORDER_TOPICS[visits.topic[visit]]
        yield Case(
            **_cart_of(period, bought),
            stage="POST_ORDER",
            trigger="USER_INITIATED",
            screen=topic.screen,
            category=topic.category,
            created_at=at,
            opened_at=at,
            talk_us=int(period.script.help_us[visit]),
            order_id=_ordered(period, bought)[0],
            ordered_at=NO_INSTANT,
            is_waiting=bool(visits.asked_at[visit]),
        )


def _help_times(period: Period, visits: np.ndarray) -> list[int]:
    """When each of these visits reached its help screen."""
    log = period.log
    return log.at[log.last_up_to(visits, period.script.help_step[visits])].tolist()


def _cart_of(period: Period, visit: int) -> Record:
    """What a case takes from the visit whose cart or order it is about."""
    visits, people = period.visits, period.people
    user = int(visits.user[visit])
    carts = visits.carts
    return {
        "user_id": people.user_id[user],
        "language": LANGUAGES[people.language[user]],
        "event_type": EVENT_TYPES[visits.event_type[visit]],
        "value_paise": int(carts.value_paise[visit]),
        "guests": int(carts.guests[visit]),
        "is_human_allowed": bool(visits.is_human_help_allowed[visit]),
        "is_high_value": bool(visits.is_high_value[visit]),
        "selected_items": cart_items(int(carts.platter[visit]), int(carts.extra[visit])),
    }


def _ordered(period: Period, visit: int) -> tuple[str | None, int]:
    order = int(period.orders.of_visit[visit])
    if order < 0:
        return None, NO_INSTANT
    return period.orders.order_id[order], int(period.orders.placed_at[order])
