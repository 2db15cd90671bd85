"""From the app's log to the desk: evaluations, prompts, and the cases that users and prompts open."""

import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingestion.simulate.app_log import ACCEPTED, DISMISSED, EXPIRED, PROMPT_STATUSES, Log, Script, Step
from ingestion.simulate.calendar import EVENT_TYPES
from ingestion.simulate.catalogue import cart_items
from ingestion.simulate.city import POST_ORDER_TOPICS, PRE_ORDER_TOPICS, SOURCE, WORST_CATEGORY
from ingestion.simulate.desk import MINUTE, RULE_VERSION, SMALL_LOSS_PAISE, Case
from ingestion.simulate.ids import Ids
from ingestion.simulate.orders import Orders
from ingestion.simulate.people import LANGUAGES, Users
from ingestion.simulate.rows import NO_INSTANT, Rows
from ingestion.simulate.scoring import HELP_OVER, Scores, inputs_after_each_event, score_at
from ingestion.simulate.visits import SECOND, Story, Visits
from store.tables import friction_scores

HEARTBEAT_US = 20 * SECOND
PROMPT_EXPIRY_US = 10 * MINUTE
CART_PROMPT_OVER_PAISE = 2_500_000
LOSS_SHARE = 0.11
"""Of questions away from the worst screen, how many end with a lost cart."""
_REASONS = ("INACTIVITY", "BACK_NAVIGATION", "PRICE_CHECK", "HIGH_VALUE_EVENT", "FIRST_TIME_USER")

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evaluations:
    """One entry a friction evaluation, in order of visit."""

    visit: np.ndarray
    after: np.ndarray
    """Index of the last event of the log that it knows."""
    at: np.ndarray
    scores: Scores


def evaluations(visits: Visits, script: Script, log: Log) -> Evaluations:
    """Score each visit that the app asks about, and eligible ones also earlier, when there is no reason to help yet."""
    inputs = inputs_after_each_event(log)
    asked = np.flatnonzero(script.evaluated_after >= 0)
    after = log.last_up_to(asked, script.evaluated_after[asked])
    beats = np.where(log.step[after] == Step.HEARTBEAT, script.counts[asked, Step.HEARTBEAT].astype(np.int64), 0)
    at = log.at[after] - beats * HEARTBEAT_US + script.pause_us[asked]
    early = np.flatnonzero(visits.story == Story.ELIGIBLE)
    early_after = log.last_up_to(early, np.full(len(early), Step.FIRST_CART))
    visit = np.concatenate([asked, early])
    after = np.concatenate([after, early_after])
    at = np.concatenate([at, log.at[early_after] + SECOND])
    order = np.lexsort((at, visit))
    visit, after, at = visit[order], after[order], at[order]
    return Evaluations(visit, after, at, score_at(visits, inputs, after, visit, at))


def score_rows(
    ids: Ids,
    visits: Visits,
    script: Script,
    log: Log,
    evaluated: Evaluations,
    user_ids: np.ndarray,
    session_ids: np.ndarray,
) -> Rows:
    scores = evaluated.scores
    flags = np.stack(
        [
            scores.inactivity_seconds > 60,
            scores.back_navigation_count > 3,
            scores.price_check_count > 5,
            scores.is_high_value_event,
            scores.is_first_time_user,
        ],
        axis=1,
    )
    codes = flags @ (1 << np.arange(len(_REASONS)))
    texts = np.array([_reasons(code) for code in range(1 << len(_REASONS))], dtype=object)
    is_due = scores.score > HELP_OVER
    return Rows(
        friction_scores,
        {
            "score_id": [ids.at(at) for at in evaluated.at.tolist()],
            "user_id": user_ids[visits.user[evaluated.visit]],
            "session_id": session_ids[evaluated.visit],
            "after_seq": log.seq[evaluated.after],
            "inactivity_seconds": scores.inactivity_seconds,
            "back_navigation_count": scores.back_navigation_count,
            "price_check_count": scores.price_check_count,
            "is_high_value_event": scores.is_high_value_event,
            "is_first_time_user": scores.is_first_time_user,
            "score": scores.score,
            "is_help_due": is_due,
            "reasons": texts[codes],
            "due_actions": np.where(is_due, '["HELP_PROMPT"]', "[]").astype(object),
            "rule_version": [RULE_VERSION] * len(evaluated.at),
            "evaluated_at": evaluated.at,
            "source": [SOURCE] * len(evaluated.at),
        },
    )


def _reasons(code: int) -> str:
    return "[" + ", ".join(f'"{name}"' for n, name in enumerate(_REASONS) if code >> n & 1) + "]"


def prompt_records(
    dice: random.Random,
    ids: Ids,
    visits: Visits,
    script: Script,
    evaluated: Evaluations,
    scores: Rows,
    user_ids: np.ndarray,
    session_ids: np.ndarray,
    until_us: int,
) -> tuple[list[Record], dict[str, int]]:
    """One prompt for each eligible visit, the strongest; beside it, for a large cart, the weaker one that was not shown.

    Also returns where each prompt stands in the list, by its id.
    """
    records: list[Record] = []
    place: dict[str, int] = {}
    is_due = np.flatnonzero((evaluated.scores.score > HELP_OVER) & (script.status[evaluated.visit] >= 0))
    for n in is_due.tolist():
        visit = int(evaluated.visit[n])
        at = int(evaluated.at[n])
        status = int(script.status[visit])
        is_holdout = bool(visits.is_holdout[visit])
        answered = at + int(script.answer_us[visit])
        prompt: Record = {
            "prompt_id": ids.at(at),
            "user_id": user_ids[visits.user[visit]],
            "session_id": session_ids[visit],
            "incidence_id": None,
            "score_id": scores.columns["score_id"][n],
            "rule_set": "FRICTION",
            "rule_code": "HELP",
            "rule_version": RULE_VERSION,
            "screen": "checkout",
            "score": int(evaluated.scores.score[n]),
            "status": PROMPT_STATUSES[status],
            "is_holdout": is_holdout,
            "due_at": at,
            "shown_at": None if is_holdout else at + 300_000,
            "accepted_at": answered if status == ACCEPTED else None,
            "dismissed_at": answered if status == DISMISSED else None,
            "expired_at": at + PROMPT_EXPIRY_US if status == EXPIRED else None,
            "source": SOURCE,
        }
        place[prompt["prompt_id"]] = len(records)
        records.append(prompt)
        if visits.carts.value_paise[visit] > CART_PROMPT_OVER_PAISE and dice.random() < 0.4:
            empty = dict.fromkeys(("shown_at", "accepted_at", "dismissed_at", "expired_at"))
            weaker = {
                **prompt,
                **empty,
                "prompt_id": ids.at(at),
                "rule_set": "NOTIFICATION",
                "rule_code": "CHECKOUT_CART_VALUE",
            }
            weaker["status"] = "WITHHELD" if is_holdout else "SUPPRESSED"
            records.append(weaker)
    return records, place


def open_cases(
    dice: random.Random,
    visits: Visits,
    script: Script,
    log: Log,
    found: Orders,
    evaluated: Evaluations,
    prompts: list[Record],
    place: dict[str, int],
    people: Users,
) -> list[Case]:
    """Every case of the period, in order of time."""
    session_visit = dict(
        zip((p for p in place), (int(v) for v in _visits_of(prompts, place, evaluated, script)), strict=True)
    )
    cases = [
        case
        for prompt_id, visit in session_visit.items()
        if (case := _offered(visits, script, log, found, people, visit, prompts[place[prompt_id]])) is not None
    ]
    help_at = _help_times(script, log)
    for visit in np.flatnonzero(visits.story == Story.ASKED).tolist():
        cases.append(_asked(dice, visits, script, found, people, visit, int(help_at[visit])))
    latest: dict[int, int] = {}
    orders_by_time = iter(zip(found.placed_at.tolist(), found.visit.tolist(), strict=True))
    upcoming = next(orders_by_time, None)
    posts = sorted((int(help_at[v]), v) for v in np.flatnonzero(visits.story == Story.POST_ORDER).tolist())
    for at, visit in posts:
        while upcoming is not None and upcoming[0] < at:
            latest[int(visits.user[upcoming[1]])] = upcoming[1]
            upcoming = next(orders_by_time, None)
        bought = latest.get(int(visits.user[visit]))
        if bought is not None:
            cases.append(_after_order(visits, script, found, people, visit, bought, at))
    return sorted(cases, key=lambda case: (case.created_at, case.user_id))


def _visits_of(prompts: list[Record], place: dict[str, int], evaluated: Evaluations, script: Script) -> list[int]:
    is_due = (evaluated.scores.score > HELP_OVER) & (script.status[evaluated.visit] >= 0)
    return evaluated.visit[is_due].tolist()


def _help_times(script: Script, log: Log) -> np.ndarray:
    """When each visit reached its help screen; 0 without one."""
    times = np.zeros(len(script.help_step), dtype=np.int64)
    asking = np.flatnonzero(script.help_step >= 0)
    times[asking] = log.at[log.last_up_to(asking, script.help_step[asking])]
    return times


def _common(visits: Visits, people: Users, visit: int) -> Record:
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


def _ordered(found: Orders, visit: int) -> tuple[str | None, int]:
    order = int(found.of_visit[visit])
    return (found.order_id[order], int(found.placed_at[order])) if order >= 0 else (None, NO_INSTANT)


def _offered(
    visits: Visits, script: Script, log: Log, found: Orders, people: Users, visit: int, prompt: Record
) -> Case | None:
    """A shown prompt offers a person where one is allowed."""
    if prompt["is_holdout"] or not visits.is_human_help_allowed[visit]:
        return None
    is_accepted = prompt["accepted_at"] is not None
    order_id, ordered_at = _ordered(found, visit) if is_accepted else (None, NO_INSTANT)
    has_loops = script.counts[visit, Step.CHECKOUT_DETOUR] > 0
    return Case(
        **_common(visits, people, visit),
        stage="PRE_ORDER",
        trigger="SYSTEM_INITIATED",
        screen="checkout",
        category="MENU_CHOICE" if has_loops else "PRICE_CLARITY",
        created_at=prompt["due_at"],
        opened_at=prompt["accepted_at"] or 0,
        talk_us=int(script.help_us[visit]),
        order_id=order_id,
        ordered_at=ordered_at,
        prompt_id=prompt["prompt_id"],
        offer_ends_at=prompt["dismissed_at"] or prompt["expired_at"] or 0,
    )


def _asked(
    dice: random.Random, visits: Visits, script: Script, found: Orders, people: Users, visit: int, at: int
) -> Case:
    topic = PRE_ORDER_TOPICS[visits.topic[visit]]
    common = _common(visits, people, visit)
    order_id, ordered_at = _ordered(found, visit)
    is_worst = topic.category == WORST_CATEGORY
    is_small = common["value_paise"] <= SMALL_LOSS_PAISE
    is_lost = ordered_at == NO_INSTANT and (is_worst or (is_small and dice.random() < LOSS_SHARE / 0.55))
    is_unclassified = not common["is_human_allowed"] and dice.random() < 0.25
    return Case(
        **common,
        stage="PRE_ORDER",
        trigger="USER_INITIATED",
        screen=topic.screen,
        category=None if is_unclassified else topic.category,
        created_at=at,
        opened_at=at,
        talk_us=int(script.help_us[visit]),
        order_id=order_id,
        ordered_at=ordered_at,
        is_worst=is_worst,
        is_lost=is_lost,
    )


def _after_order(
    visits: Visits, script: Script, found: Orders, people: Users, visit: int, bought: int, at: int
) -> Case:
    topic = POST_ORDER_TOPICS[visits.topic[visit]]
    common = _common(visits, people, bought)
    return Case(
        **common,
        stage="POST_ORDER",
        trigger="USER_INITIATED",
        screen=topic.screen,
        category=topic.category,
        created_at=at,
        opened_at=at,
        talk_us=int(script.help_us[visit]),
        order_id=found.order_id[int(found.of_visit[bought])],
        ordered_at=NO_INSTANT,
    )
