"""When the app asks for a friction score, what the score is, and the prompts that follow from it."""

import random
from dataclasses import dataclass

import numpy as np

from ingestion.simulate.app_log import ACCEPTED, DISMISSED, EXPIRED, PROMPT_STATUSES, Step
from ingestion.simulate.city import SOURCE
from ingestion.simulate.ids import Ids
from ingestion.simulate.ledger import RULE_VERSION, Record
from ingestion.simulate.period import Period
from ingestion.simulate.rows import Rows
from ingestion.simulate.scoring import HELP_OVER, Inputs, Scores, score_at
from ingestion.simulate.visits import SECOND, Story
from store.tables import friction_scores

HEARTBEAT_US = 20 * SECOND
PROMPT_EXPIRY_US = 600 * SECOND
CART_PROMPT_OVER_PAISE = 2_500_000
WEAKER_PROMPT_SHARE = 0.4
_REASONS = ("INACTIVITY", "BACK_NAVIGATION", "PRICE_CHECK", "HIGH_VALUE_EVENT", "FIRST_TIME_USER")


@dataclass(frozen=True, slots=True)
class Evaluations:
    """One entry a friction evaluation, in order of visit and time."""

    visit: np.ndarray
    after: np.ndarray
    """Index of the last event of the log that it knows."""
    at: np.ndarray
    scores: Scores


@dataclass(frozen=True, slots=True)
class Prompted:
    """An eligible visit with its prompt, and the weaker prompt that was due at the same moment."""

    visit: int
    prompt: Record
    weaker: Record | None


def evaluations(period: Period, inputs: Inputs) -> Evaluations:
    """Score each visit that the app asks about, and eligible ones also earlier, when there is no reason to help yet."""
    visits, script, log = period.visits, period.script, period.log
    asked = np.flatnonzero(script.evaluated_after >= 0)
    after = log.last_up_to(asked, script.evaluated_after[asked])
    beats = np.where(log.step[after] == Step.HEARTBEAT, script.counts[asked, Step.HEARTBEAT].astype(np.int64), 0)
    at = log.at[after] - beats * HEARTBEAT_US + script.pause_us[asked]
    early = np.flatnonzero(visits.story == Story.ELIGIBLE)
    early_after = log.last_up_to(early, np.full(len(early), Step.FIRST_CART))
    visit = np.concatenate([asked, early])
    after = np.concatenate([after, early_after])
    at = np.concatenate([at, log.at[early_after] + SECOND // 20])
    order = np.lexsort((at, visit))
    visit, after, at = visit[order], after[order], at[order]
    return Evaluations(visit, after, at, score_at(visits, inputs, after, visit, at))


def score_rows(ids: Ids, period: Period, evaluated: Evaluations) -> Rows:
    scores = evaluated.scores
    reasons = np.stack(
        [
            scores.inactivity_seconds > 60,
            scores.back_navigation_count > 3,
            scores.price_check_count > 5,
            scores.is_high_value_event,
            scores.is_first_time_user,
        ],
        axis=1,
    )
    code = reasons @ (1 << np.arange(len(_REASONS)))
    texts = np.array([_reasons(code) for code in range(1 << len(_REASONS))], dtype=object)
    is_due = scores.score > HELP_OVER
    count = len(evaluated.at)
    return Rows(
        friction_scores,
        {
            "score_id": [ids.at(at) for at in evaluated.at.tolist()],
            "user_id": period.user_ids[period.visits.user[evaluated.visit]],
            "session_id": period.session_ids[evaluated.visit],
            "after_seq": period.log.seq[evaluated.after],
            "inactivity_seconds": scores.inactivity_seconds,
            "back_navigation_count": scores.back_navigation_count,
            "price_check_count": scores.price_check_count,
            "is_high_value_event": scores.is_high_value_event,
            "is_first_time_user": scores.is_first_time_user,
            "score": scores.score,
            "is_help_due": is_due,
            "reasons": texts[code],
            "due_actions": np.where(is_due, '["HELP_PROMPT"]', "[]").astype(object),
            "rule_version": [RULE_VERSION] * count,
            "evaluated_at": evaluated.at,
            "source": [SOURCE] * count,
        },
    )


def _reasons(code: int) -> str:
    return "[" + ", ".join(f'"{name}"' for n, name in enumerate(_REASONS) if code >> n & 1) + "]"


def prompt_records(
    dice: random.Random, ids: Ids, period: Period, evaluated: Evaluations, scores: Rows
) -> list[Prompted]:
    """The prompts of each eligible visit: the strongest, and beside it, for some large carts, a weaker one not shown."""
    visits, script = period.visits, period.script
    is_due = np.flatnonzero((evaluated.scores.score > HELP_OVER) & (script.status[evaluated.visit] >= 0))
    found = []
    for n in is_due.tolist():
        visit, at = int(evaluated.visit[n]), int(evaluated.at[n])
        status = int(script.status[visit])
        is_holdout = bool(visits.is_holdout[visit])
        answered = at + int(script.answer_us[visit])
        prompt: Record = {
            "prompt_id": ids.at(at),
            "user_id": period.user_ids[visits.user[visit]],
            "session_id": period.session_ids[visit],
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
            "shown_at": None if is_holdout else at + SECOND // 4,
            "accepted_at": answered if status == ACCEPTED else None,
            "dismissed_at": answered if status == DISMISSED else None,
            "expired_at": at + PROMPT_EXPIRY_US if status == EXPIRED else None,
            "source": SOURCE,
        }
        is_large = visits.carts.value_paise[visit] > CART_PROMPT_OVER_PAISE
        weaker = _not_shown(ids, prompt) if is_large and dice.random() < WEAKER_PROMPT_SHARE else None
        found.append(Prompted(visit, prompt, weaker))
    return found


def _not_shown(ids: Ids, prompt: Record) -> Record:
    return {
        **prompt,
        **dict.fromkeys(("shown_at", "accepted_at", "dismissed_at", "expired_at")),
        "prompt_id": ids.at(prompt["due_at"]),
        "rule_set": "NOTIFICATION",
        "rule_code": "CHECKOUT_CART_VALUE",
        "status": "WITHHELD" if prompt["is_holdout"] else "SUPPRESSED",
    }
