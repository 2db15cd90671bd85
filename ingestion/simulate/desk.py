"""The help desk of the demo: every incidence, told as an agent's day would tell it."""

import json
import random
from dataclasses import dataclass, field

from ingestion.simulate.city import SOURCE, WORST_SCREEN
from ingestion.simulate.ledger import RULE_VERSION, Ledger, Record
from ingestion.simulate.people import Agent
from ingestion.simulate.texts import Pen
from ingestion.simulate.visits import HOUR, SECOND

MINUTE = 60 * SECOND
CALL_FROM_PAISE = 2_500_000
SENIOR_OVER_PAISE = 5_000_000
CHAT_LIMIT_US, CHAT_WARNING_US = 15 * MINUTE, 10 * MINUTE
BLOCKED = (
    "CUSTOM_PRICING",
    "OFF_CATALOG_ITEM",
    "MANUAL_DISCOUNT_OVER_LIMIT",
    "RESTART_JOURNEY",
    "UPSELL",
    "OFF_SYSTEM_PROMISE",
)
CODES = (("WELCOME5", 5, 50_000), ("SORRY5", 5, 100_000))
"""Pre-approved discounts that a first-line agent may give: code, percent, most paise."""
BREACH_SHARE, SLIP_SHARE = 0.35, 0.002
"""Of incidences: how often an agent who breaks rules takes a blocked action, and how often the others slip."""
BREACHING_MESSAGES, SLIPPING_MESSAGES = 0.06, 0.0003
"""The same for messages that push or promise."""
REOPEN_SHARE = 0.04
QUEUE_US = 3 * HOUR
"""Of what was opened in the last hours before the end, half is still open then."""
UNTAKEN_US, UNTAKEN_SHARE = 7 * MINUTE, 0.6
"""Of those who wait at the end, and not for longer than this: how many nobody has taken yet."""
ASKED_SHARE = 0.2
"""Of the others: how many have an agent who waits for a supervisor's word."""


@dataclass(slots=True)
class Case:
    """What is known of an incidence when it starts. Instants in microseconds; 0 stands for none."""

    user_id: str
    language: str
    stage: str
    trigger: str
    screen: str
    category: str | None
    created_at: int
    opened_at: int
    """0: nobody works on it."""
    talk_us: int
    order_id: str | None
    """Before an order: the one it leads to. After one: the one it is about."""
    ordered_at: int
    event_type: str | None
    value_paise: int
    guests: int
    is_human_allowed: bool
    is_high_value: bool
    selected_items: str
    is_worst: bool = False
    is_lost: bool = False
    is_waiting: bool = False
    """It is open at the end, whatever else."""
    prompt_id: str | None = None
    offer_ends_at: int = 0
    """When an offer nobody took was dismissed or expired."""

    @property
    def allowed_channels(self) -> list[str]:
        if not self.is_human_allowed:
            return []
        return ["CHAT", "CALL"] if self.is_high_value or self.value_paise >= CALL_FROM_PAISE else ["CHAT"]


@dataclass(slots=True)
class Desk:
    """Works on cases and writes what happened into its ledger."""

    rng: random.Random
    pen: Pen
    agents: list[Agent]
    ledger: Ledger
    order_changed_at: dict[str, int] = field(default_factory=dict)
    """When the app changed an order at an agent's request."""

    def tell(self, case: Case) -> Record | None:
        """Write one incidence and return its row; None if it would only have started after the end."""
        ledger = self.ledger
        if case.created_at >= ledger.until:
            return None
        row = self._new_incidence(case)
        actor = "USER" if case.trigger == "USER_INITIATED" else "SYSTEM"
        first_status = "SELF_SERVE" if not case.is_human_allowed else "OFFERED" if case.prompt_id else "OPEN"
        ledger.note(row, "CREATED", actor, case.created_at, status=first_status)
        if case.prompt_id:
            ledger.note(row, "OFFERED", "SYSTEM", case.created_at + 1000, status="OFFERED")
        if not case.is_human_allowed:
            if case.ordered_at:
                self._convert(case, row)
        elif not case.opened_at:
            ledger.close(row, case.offer_ends_at, "DROPPED", "SYSTEM")
        elif case.opened_at < ledger.until:
            self._work(case, row)
        ledger.incidences.append(row)
        return row

    def _new_incidence(self, case: Case) -> Record:
        incidence_id = self.ledger.ids.at(case.created_at)
        return {
            "incidence_id": incidence_id,
            "user_id": case.user_id,
            "order_id": case.order_id if case.stage == "POST_ORDER" else None,
            "stage": case.stage,
            "channel": None,
            "first_channel": None,
            "trigger": case.trigger,
            "outcome": None,
            "is_self_serve": not case.is_human_allowed,
            "app_screen": case.screen,
            "user_inputs": json.dumps({"guestCount": case.guests}),
            "selected_items": case.selected_items,
            "issue_category": case.category,
            "root_cause": None,
            "resolution_type": None,
            "order_impact": None,
            "time_to_resolve_seconds": None,
            "event_type": case.event_type,
            "order_value_paise": case.value_paise,
            "lost_value_paise": None,
            "allowed_channels": json.dumps(case.allowed_channels),
            "rule_version": RULE_VERSION,
            "prompt_id": case.prompt_id,
            "escalation_level": None,
            "agent_id": None,
            "created_at": case.created_at,
            "opened_at": None,
            "assigned_at": None,
            "resolved_at": None,
            "reopen_count": 0,
            "source": SOURCE,
            "source_id": incidence_id,
            "updated_at": case.created_at,
        }

    def _work(self, case: Case, row: Record) -> None:
        """An agent takes it, they talk, clocks run out, and it ends, or is still open at the end."""
        rng, ledger, opened = self.rng, self.ledger, case.opened_at
        is_call = "CALL" in case.allowed_channels and rng.random() < (0.5 if case.screen == WORST_SCREEN else 0.22)
        row["channel"] = "CALL" if is_call else "WHATSAPP" if rng.random() < 0.25 else "IN_APP_CHAT"
        row["first_channel"] = row["channel"]
        row["opened_at"] = opened
        is_still_open = case.is_waiting or (
            opened > ledger.until - QUEUE_US and not case.ordered_at and rng.random() < 0.5
        )
        is_untaken = case.is_waiting and opened > ledger.until - UNTAKEN_US and rng.random() < UNTAKEN_SHARE
        ends = ledger.until if is_still_open else case.ordered_at or opened + case.talk_us
        ledger.note(row, "OPENED", "USER", opened + 2000, status="OPEN")
        is_high = case.value_paise > SENIOR_OVER_PAISE
        agent = self._agent("SENIOR_AGENT" if is_high else "AGENT")
        assigned = opened + rng.randint(5_000, 45_000) * 1000
        if is_high:
            ledger.escalate(
                row,
                "HIGH_VALUE_ORDER",
                "SENIOR_AGENT",
                opened + rng.randint(100, 2_000) * 1000,
                None,
                None if is_untaken else agent,
            )
        if is_untaken or assigned >= min(ends, ledger.until):
            self._ask(case, row)
            self._finish(case, row, None, ends)
            if is_still_open:
                ledger.keep_clocks(row, self._clocks(case))
            return
        row["agent_id"], row["assigned_at"] = agent.agent_id, assigned
        ledger.note(row, "ASSIGNED", "SYSTEM", assigned, agent=agent, status="ASSIGNED")
        agent = self._run_clocks(case, row, agent, ends)
        self._talk(case, row, agent, min(ends, ledger.until))
        self._finish(case, row, agent, ends)
        if is_still_open:
            ledger.keep_clocks(row, self._clocks(case))

    def _agent(self, level: str) -> Agent:
        return self.rng.choice([agent for agent in self.agents if level in agent.levels])

    def _run_clocks(self, case: Case, row: Record, agent: Agent, ends: int) -> Agent:
        """Escalations by time and by cause, in order; each to a person's level moves the incidence to such a person."""
        ledger = self.ledger
        for at, trigger, level in sorted(self._due_escalations(case, row)):
            if at >= min(ends, ledger.until):
                break
            if level == "CALL":
                ledger.escalate(row, trigger, level, at, agent, agent)
                row["allowed_channels"] = json.dumps(["CHAT", "CALL"])
                ledger.note(row, "CHANNEL_ADDED", "SYSTEM", at + 1000, details={"channel": "CALL"})
                continue
            taker = agent if level in agent.levels else self._agent(level)
            if trigger != "UNRESOLVED":
                ledger.act(row, agent, "ESCALATE", at - 1000)
            ledger.escalate(row, trigger, level, at, agent, taker)
            if taker is not agent:
                ledger.note(row, "REASSIGNED", "SYSTEM", at + 2000, agent=taker, status="ASSIGNED")
                row["agent_id"], agent = taker.agent_id, taker
        return agent

    def _due_escalations(self, case: Case, row: Record) -> list[tuple[int, str, str]]:
        rng, late = self.rng, self.rng.randint(0, 2_500) * 1000
        levels = {"UNRESOLVED": "SUPERVISOR", "CHAT_UNRESOLVED": "CALL"}
        due = [(at + late, trigger, levels[trigger]) for trigger, at in self._clocks(case).items()]
        at = row["assigned_at"] + rng.randint(60, 240) * SECOND
        if case.category == "APP_BUG":
            due.append((at, "SYSTEM_BUG", "TECH_TEAM"))
        elif case.category in {"DISCOUNT_QUERY", "CANCELLATION"} and rng.random() < 0.12:
            due.append((at, "POLICY_EXCEPTION", "SUPERVISOR"))
        elif case.category in {"QUALITY_CONCERN", "DELIVERY_TIME"} and rng.random() < 0.10:
            due.append((at, "EMOTIONAL_CRITICAL", "SENIOR_AGENT"))
        return due

    @staticmethod
    def _clocks(case: Case) -> dict[str, int]:
        """When each clock of the case runs out."""
        clocks = {"UNRESOLVED": case.opened_at + CHAT_LIMIT_US}
        if "CALL" not in case.allowed_channels:
            clocks["CHAT_UNRESOLVED"] = case.opened_at + CHAT_WARNING_US
        return clocks

    def _ask(self, case: Case, row: Record) -> None:
        question = self.pen.question(case.category, case.language, case.guests)
        self.ledger.note(row, "MESSAGE", "USER", case.opened_at + 3 * SECOND, text=question)

    def _talk(self, case: Case, row: Record, agent: Agent, ends: int) -> None:
        """Messages between opening and end, the user first; a call instead of most of them if it is one."""
        rng, pen, ledger = self.rng, self.pen, self.ledger
        assigned = row["assigned_at"]
        self._ask(case, row)
        left = ends - assigned - 3 * SECOND
        if left <= 12 * SECOND:
            return
        is_call = row["channel"] == "CALL"
        if is_call:
            starts = assigned + min(left // 4, 40 * SECOND)
            stops = ends - max(SECOND, left // 8)
            ledger.note(row, "CALL", "AGENT", stops, agent=agent, call=(starts, stops, rng.random() < 0.92))
        turns = 1 if is_call else max(2, min(14, left // (70 * SECOND)))
        beat = left // (2 * turns + 1)
        for turn in range(turns):
            at = assigned + 2 * SECOND + beat * (2 * turn + 1)
            flag = None
            if rng.random() < (BREACHING_MESSAGES if agent.breaks_rules else SLIPPING_MESSAGES):
                flag = rng.choice(("UPSELL", "PROMISE"))
            answer = pen.breach(flag, case.language) if flag else pen.answer(case.language, case.guests)
            ledger.note(row, "MESSAGE", "AGENT", at, agent=agent, text=answer, flag=flag)
            if turn + 1 < turns:
                ledger.note(row, "MESSAGE", "USER", at + beat, text=pen.follow_up(case.language))
        self._use_tools(case, row, agent, assigned + left // 2)

    def _use_tools(self, case: Case, row: Record, agent: Agent, at: int) -> None:
        rng, ledger = self.rng, self.ledger
        if case.is_waiting:
            if rng.random() < ASKED_SHARE:
                ledger.ask(row, agent, at, discount_paise=case.value_paise // 5)
            return
        if rng.random() < (BREACH_SHARE if agent.breaks_rules else SLIP_SHARE):
            self._break_rule(row, agent, at)
        if case.category in {"PRICE_CLARITY", "DISCOUNT_QUERY"} and rng.random() < 0.5:
            self._discount(case, row, agent, at + SECOND)
        elif case.category == "ORDER_CHANGE" and rng.random() < 0.6:
            self._modify(case, row, agent, at + SECOND)
        if rng.random() < 0.15:
            ledger.note(row, "WAIT", "AGENT", at + 2 * SECOND, agent=agent)

    def _break_rule(self, row: Record, agent: Agent, at: int) -> None:
        """A blocked action; one over the discount limit is sometimes put before a supervisor."""
        ledger = self.ledger
        action = self.rng.choice(BLOCKED)
        action_id = ledger.act(row, agent, action, at, is_allowed=False)
        decided = at + 40 * SECOND
        if action == "MANUAL_DISCOUNT_OVER_LIMIT" and decided < ledger.until and self.rng.random() < 0.5:
            is_approved = self.rng.random() < 0.4
            supervisor = self._agent("SUPERVISOR")
            approval_id = ledger.approve(row, action_id, agent, supervisor, decided, is_approved=is_approved)
            if is_approved and decided + SECOND < ledger.until:
                ledger.act(row, agent, action, decided + SECOND, approval_id=approval_id)

    def _discount(self, case: Case, row: Record, agent: Agent, at: int) -> None:
        """A pre-approved code. It is used up by the order, so without one it is refused."""
        code, percent, most = self.rng.choice(CODES)
        is_applied = bool(case.ordered_at) and self.rng.random() < 0.9
        self.ledger.request_change(
            row,
            agent,
            self.ledger.act(row, agent, "APPLY_DISCOUNT", at, parameters={"code": code}),
            at,
            case.ordered_at or at + 20 * SECOND,
            kind="DISCOUNT",
            order_id=case.order_id if is_applied else None,
            is_applied=is_applied,
            discount=(code, min(case.value_paise * percent // 100, most)),
        )

    def _modify(self, case: Case, row: Record, agent: Agent, at: int) -> None:
        """More guests, at the app's pleasure."""
        change = {"guestCount": case.guests + 10}
        decided = at + 20 * SECOND
        is_applied = self.rng.random() < 0.85
        self.ledger.request_change(
            row,
            agent,
            self.ledger.act(row, agent, "MODIFY_ORDER", at, parameters=change),
            at,
            decided,
            kind="MODIFICATION",
            order_id=case.order_id,
            is_applied=is_applied,
            details=change,
        )
        if is_applied and case.order_id and decided < self.ledger.until:
            row["order_impact"] = "MODIFIED"
            self.order_changed_at[case.order_id] = decided

    def _finish(self, case: Case, row: Record, agent: Agent | None, at: int) -> None:
        rng, ledger, pen = self.rng, self.ledger, self.pen
        if at >= ledger.until:
            return
        if case.ordered_at:
            row["root_cause"], row["resolution_type"] = "NEEDED_REASSURANCE", "ORDER_COMPLETED"
            self._convert(case, row)
            return
        is_dropped = case.is_lost or agent is None or rng.random() < (0.06 if case.stage == "POST_ORDER" else 0.20)
        if case.is_lost:
            row["order_impact"], row["lost_value_paise"] = "LOST", case.value_paise
        row["root_cause"] = "SCREEN_FAILURE" if case.is_worst else "UNCLEAR_INFORMATION"
        row["resolution_type"] = "GAVE_UP" if is_dropped else "ANSWERED"
        if agent is None:
            ledger.close(row, at, "DROPPED", "SYSTEM")
            return
        ledger.act(row, agent, "CLOSE_DROPPED" if is_dropped else "CLOSE_RESOLVED", at - 1000)
        ledger.close(row, at, "DROPPED" if is_dropped else "RESOLVED", "AGENT", agent)
        again = at + rng.randint(20, 600) * MINUTE
        if not is_dropped and rng.random() < REOPEN_SHARE and again + 6 * MINUTE < ledger.until:
            ledger.reopen(row, again)
            ledger.note(row, "MESSAGE", "USER", again + 5 * SECOND, text=pen.follow_up(case.language))
            answer = pen.answer(case.language, case.guests)
            ledger.note(row, "MESSAGE", "AGENT", again + 2 * MINUTE, agent=agent, text=answer)
            ledger.close(row, again + 5 * MINUTE, "RESOLVED", "AGENT", agent)

    def _convert(self, case: Case, row: Record) -> None:
        """The order comes: it fills in the incidence and closes it."""
        row["order_id"], row["order_impact"] = case.order_id, "PLACED"
        self.ledger.note(row, "ORDER_PLACED", "USER", case.ordered_at)
        self.ledger.close(row, case.ordered_at + 1000, "CONVERTED", "SYSTEM")
