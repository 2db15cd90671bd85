"""The help desk of the demo: every incidence, told as an agent's day would tell it."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from ingestion.simulate.city import SOURCE, WORST_SCREEN
from ingestion.simulate.ids import Ids
from ingestion.simulate.people import Agent
from ingestion.simulate.texts import Pen
from ingestion.simulate.visits import HOUR, SECOND

RULE_VERSION = 1
MINUTE = 60 * SECOND
CALL_FROM_PAISE = 2_500_000
SENIOR_OVER_PAISE = 5_000_000
CHAT_LIMIT_US, CHAT_WARNING_US = 15 * MINUTE, 10 * MINUTE
APPROVAL_NEEDED = "This action requires supervisor approval"
BLOCKED = (
    "CUSTOM_PRICING",
    "OFF_CATALOG_ITEM",
    "MANUAL_DISCOUNT_OVER_LIMIT",
    "RESTART_JOURNEY",
    "UPSELL",
    "OFF_SYSTEM_PROMISE",
)
LEVEL_RANK = {"CALL": 0, "SENIOR_AGENT": 1, "TECH_TEAM": 2, "SUPERVISOR": 3}
BREACH_SHARE, SLIP_SHARE = 0.35, 0.002
"""Of incidences: how often an agent who breaks rules does, and how often the others slip."""
REOPEN_SHARE = 0.04
QUEUE_US = 3 * HOUR
"""Of what was opened in the last hours before the end, half is still open then."""

Record = dict[str, Any]


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
    ordered_at: int
    event_type: str | None
    value_paise: int
    guests: int
    is_human_allowed: bool
    is_high_value: bool
    is_worst: bool = False
    is_lost: bool = False
    prompt_id: str | None = None
    offer_ends_at: int = 0
    """When an offer nobody took was dismissed or expired."""
    selected_items: str | None = None


@dataclass(slots=True)
class Desk:
    """Writes incidences and everything that hangs on them as records by table, up to the instant `until`."""

    rng: random.Random
    ids: Ids
    pen: Pen
    agents: list[Agent]
    until: int
    incidences: list[Record] = field(default_factory=list)
    timeline: list[Record] = field(default_factory=list)
    escalations: list[Record] = field(default_factory=list)
    actions: list[Record] = field(default_factory=list)
    approvals: list[Record] = field(default_factory=list)
    changes: list[Record] = field(default_factory=list)
    outbox: list[Record] = field(default_factory=list)
    order_changed_at: dict[str, int] = field(default_factory=dict)

    def tell(self, case: Case) -> Record | None:
        """Write one incidence and return its row; None if it would only have started after `until`."""
        if case.created_at >= self.until:
            return None
        incidence_id = self.ids.at(case.created_at)
        row: Record = {
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
            "allowed_channels": json.dumps(self._allowed(case)),
            "rule_version": RULE_VERSION,
            "prompt_id": case.prompt_id,
            "escalation_level": None,
            "agent_id": None,
            "created_at": case.created_at,
            "opened_at": None,
            "assigned_at": None,
            "resolved_at": None,
            "reopen_count": 0,
            "merged_into": None,
            "source": SOURCE,
            "source_id": incidence_id,
            "updated_at": case.created_at,
        }
        actor = "USER" if case.trigger == "USER_INITIATED" else "SYSTEM"
        first_status = "SELF_SERVE" if not case.is_human_allowed else "OFFERED" if case.prompt_id else "OPEN"
        self._note(row, "CREATED", actor, case.created_at, status=first_status)
        if case.prompt_id and case.is_human_allowed:
            self._note(row, "OFFERED", "SYSTEM", case.created_at + 1000, status="OFFERED")
        if not case.is_human_allowed:
            self._serve_itself(case, row)
        elif not case.opened_at:
            self._close(row, case.offer_ends_at, "DROPPED", "SYSTEM")
        elif case.opened_at < self.until:
            self._work(case, row)
        self.incidences.append(row)
        return row

    def _allowed(self, case: Case) -> list[str]:
        if not case.is_human_allowed:
            return []
        return ["CHAT", "CALL"] if case.is_high_value or case.value_paise >= CALL_FROM_PAISE else ["CHAT"]

    def _serve_itself(self, case: Case, row: Record) -> None:
        if case.ordered_at and case.ordered_at < self.until:
            row["order_id"] = case.order_id
            row["order_impact"] = "PLACED"
            self._note(row, "ORDER_PLACED", "USER", case.ordered_at)
            self._close(row, case.ordered_at + 1000, "CONVERTED", "SYSTEM")

    def _work(self, case: Case, row: Record) -> None:
        """An agent takes it, they talk, clocks run out, and it ends; what lies after `until` has not happened yet."""
        rng = self.rng
        opened = case.opened_at
        allowed = self._allowed(case)
        is_call = "CALL" in allowed and rng.random() < (0.5 if case.screen == WORST_SCREEN else 0.22)
        channel = "CALL" if is_call else "WHATSAPP" if rng.random() < 0.25 else "IN_APP_CHAT"
        row["channel"] = row["first_channel"] = channel
        row["opened_at"] = opened
        is_still_open = opened > self.until - QUEUE_US and not case.ordered_at and rng.random() < 0.5
        ends = self.until if is_still_open else case.ordered_at or opened + case.talk_us
        self._note(row, "OPENED", "USER", opened + 2000, status="OPEN", channel=channel)
        is_high = case.value_paise > SENIOR_OVER_PAISE
        agent = self._agent("SENIOR_AGENT" if is_high else "AGENT")
        assigned = opened + rng.randint(5_000, 45_000) * 1000
        if is_high:
            self._escalate(
                row, "HIGH_VALUE_ORDER", "SENIOR_AGENT", opened + rng.randint(100, 2_000) * 1000, None, agent
            )
        if assigned >= min(ends, self.until):
            if ends < self.until:
                self._finish(case, row, None, ends)
            return
        row["agent_id"], row["assigned_at"] = agent.agent_id, assigned
        self._note(row, "ASSIGNED", "SYSTEM", assigned, agent=agent, status="ASSIGNED", channel=channel)
        agent = self._clocks(case, row, agent, opened, ends, assigned)
        self._talk(case, row, agent, opened + 3 * SECOND, assigned, min(ends, self.until))
        if ends < self.until:
            self._finish(case, row, agent, ends)

    def _agent(self, level: str) -> Agent:
        return self.rng.choice([agent for agent in self.agents if level in agent.levels])

    def _clocks(self, case: Case, row: Record, agent: Agent, opened: int, ends: int, assigned: int) -> Agent:
        """Escalations by time and by cause, in order; each of a person's level moves the incidence to such a person."""
        rng = self.rng
        late = rng.randint(0, 2_500) * 1000
        due = []
        if row["channel"] != "CALL" and "CALL" not in self._allowed(case):
            due.append((opened + CHAT_WARNING_US + late, "CHAT_UNRESOLVED", "CALL"))
        due.append((opened + CHAT_LIMIT_US + late, "UNRESOLVED", "SUPERVISOR"))
        cause_at = assigned + rng.randint(60, 240) * SECOND
        if case.category == "APP_BUG":
            due.append((cause_at, "SYSTEM_BUG", "TECH_TEAM"))
        elif case.category in {"DISCOUNT_QUERY", "CANCELLATION"} and rng.random() < 0.12:
            due.append((cause_at, "POLICY_EXCEPTION", "SUPERVISOR"))
        elif case.category in {"QUALITY_CONCERN", "DELIVERY_TIME"} and rng.random() < 0.10:
            due.append((cause_at, "EMOTIONAL_CRITICAL", "SENIOR_AGENT"))
        for at, trigger, level in sorted(due):
            if at >= min(ends, self.until):
                continue
            if level == "CALL":
                self._escalate(row, trigger, level, at, agent, agent)
                row["allowed_channels"] = json.dumps(["CHAT", "CALL"])
                self._note(row, "CHANNEL_ADDED", "SYSTEM", at + 1000, details={"channel": "CALL"})
                continue
            if level in agent.levels:
                self._escalate(row, trigger, level, at, agent, agent)
                continue
            taker = self._agent(level)
            if trigger in {"SYSTEM_BUG", "POLICY_EXCEPTION", "EMOTIONAL_CRITICAL"}:
                self._act(row, agent, "ESCALATE", at - 1000)
            self._escalate(row, trigger, level, at, agent, taker)
            self._note(row, "REASSIGNED", "SYSTEM", at + 2000, agent=taker, status="ASSIGNED")
            agent = taker
            row["agent_id"] = agent.agent_id
        return agent

    def _escalate(self, row: Record, trigger: str, level: str, at: int, giver: Agent | None, taker: Agent) -> None:
        self.escalations.append(
            {
                "escalation_id": self.ids.at(at),
                "incidence_id": row["incidence_id"],
                "trigger": trigger,
                "level": level,
                "channel": "CALL" if level == "CALL" else None,
                "reason": None,
                "from_agent_id": giver.agent_id if giver else None,
                "to_agent_id": taker.agent_id,
                "rule_version": RULE_VERSION,
                "escalated_at": at,
                "source": SOURCE,
            }
        )
        highest = row["escalation_level"]
        if highest is None or LEVEL_RANK[level] > LEVEL_RANK[highest]:
            row["escalation_level"] = level
        self._note(row, "ESCALATED", "SYSTEM", at, agent=taker, details={"trigger": trigger, "level": level})

    def _talk(self, case: Case, row: Record, agent: Agent, first: int, assigned: int, ends: int) -> None:
        """Messages between opening and end, the user first; a call instead of most of them if it is one."""
        rng, pen = self.rng, self.pen
        category = case.category or "MENU_CHOICE"
        self._say(row, "USER", None, first, pen.question(category, case.language, case.guests))
        left = ends - assigned - 3 * SECOND
        if left <= 8 * SECOND:
            return
        if row["channel"] == "CALL":
            starts = assigned + min(left // 4, 40 * SECOND)
            stops = max(starts + SECOND, ends - max(SECOND, left // 8))
            self._note(
                row, "CALL", "AGENT", starts, agent=agent, started=starts, ended=stops, reached=rng.random() < 0.92
            )
        turns = 1 if row["channel"] == "CALL" else max(2, min(14, left // (70 * SECOND)))
        for turn in range(turns):
            at = assigned + 2 * SECOND + left * (2 * turn + 1) // (2 * turns + 1)
            kind = self._breach(agent)
            if kind:
                self._say(row, "AGENT", agent, at, pen.breach(kind, case.language), kind)
            else:
                self._say(row, "AGENT", agent, at, pen.answer(case.language, case.guests))
            if turn + 1 < turns:
                self._say(row, "USER", None, at + left // (2 * turns + 1), pen.follow_up(case.language))
        middle = assigned + left // 2
        if rng.random() < (BREACH_SHARE if agent.breaks_rules else SLIP_SHARE):
            self._break_rule(row, agent, middle)
        if case.category in {"PRICE_CLARITY", "DISCOUNT_QUERY"} and rng.random() < 0.5:
            self._discount(case, row, agent, middle + SECOND)
        elif case.category == "ORDER_CHANGE" and rng.random() < 0.6:
            self._modify(case, row, agent, middle + SECOND)
        if rng.random() < 0.15:
            self._note(row, "WAIT", "AGENT", middle + 2 * SECOND, agent=agent)

    def _breach(self, agent: Agent) -> str | None:
        if self.rng.random() < (0.06 if agent.breaks_rules else 0.0003):
            return self.rng.choice(("UPSELL", "PROMISE"))
        return None

    def _break_rule(self, row: Record, agent: Agent, at: int) -> None:
        action = self.rng.choice(BLOCKED)
        action_id = self._act(row, agent, action, at, is_allowed=False)
        if action == "MANUAL_DISCOUNT_OVER_LIMIT" and self.rng.random() < 0.5:
            supervisor = self._agent("SUPERVISOR")
            is_approved = self.rng.random() < 0.4
            decided = at + 30 * SECOND
            if decided >= self.until:
                return
            self.approvals.append(
                {
                    "approval_id": self.ids.at(at + 1000),
                    "incidence_id": row["incidence_id"],
                    "action_id": action_id,
                    "requested_by": agent.agent_id,
                    "supervisor_id": supervisor.agent_id,
                    "is_approved": is_approved,
                    "reason": None,
                    "used_count": 0,
                    "requested_at": at + SECOND,
                    "decided_at": decided,
                    "source": SOURCE,
                }
            )
            self._note(row, "APPROVAL", "AGENT", decided, agent=supervisor, details={"approved": is_approved})

    def _discount(self, case: Case, row: Record, agent: Agent, at: int) -> None:
        code, percent, most = self.rng.choice((("WELCOME5", 5, 50_000), ("SORRY5", 5, 100_000)))
        amount = min(case.value_paise * percent // 100, most)
        action_id = self._act(row, agent, "APPLY_DISCOUNT", at, parameters={"code": code})
        is_applied = bool(case.ordered_at) and self.rng.random() < 0.9
        self._request(case, row, agent, at, action_id, is_applied, kind="DISCOUNT", code=code, amount=amount)

    def _modify(self, case: Case, row: Record, agent: Agent, at: int) -> None:
        action_id = self._act(row, agent, "MODIFY_ORDER", at, parameters={"guestCount": case.guests + 10})
        is_applied = self.rng.random() < 0.85
        self._request(case, row, agent, at, action_id, is_applied, kind="MODIFICATION", code=None, amount=None)
        if is_applied and case.order_id and at + 20 * SECOND < self.until:
            row["order_impact"] = "MODIFIED"
            self.order_changed_at[case.order_id] = at + 20 * SECOND

    def _request(
        self, case: Case, row: Record, agent: Agent, at: int, action_id: str, is_applied: bool,
        *, kind: str, code: str | None, amount: int | None,
    ) -> None:  # fmt: skip
        request_id = self.ids.at(at)
        decided = at + 20 * SECOND
        if case.stage == "PRE_ORDER" and case.ordered_at:
            decided = max(decided, case.ordered_at)
        is_decided = decided < self.until
        self.changes.append(
            {
                "request_id": request_id,
                "incidence_id": row["incidence_id"],
                "order_id": case.order_id if is_applied or case.stage == "POST_ORDER" else None,
                "action_id": action_id,
                "agent_id": agent.agent_id,
                "kind": kind,
                "discount_code": code,
                "discount_paise": amount,
                "details": json.dumps({"guestCount": case.guests + 10}) if kind == "MODIFICATION" else None,
                "status": "REQUESTED" if not is_decided else "APPLIED" if is_applied else "REFUSED",
                "requested_at": at,
                "decided_at": decided if is_decided else None,
                "refusal_reason": "No order to apply it to" if is_decided and not is_applied else None,
                "source": SOURCE,
            }
        )
        self.outbox.append(
            {
                "message_id": self.ids.at(at),
                "destination": "APP",
                "kind": "ORDER_CHANGE",
                "conversation_id": None,
                "incidence_id": row["incidence_id"],
                "payload": json.dumps({"requestId": request_id, "kind": kind}),
                "state": "SENT",
                "attempts": 1,
                "order_in_conversation": None,
                "failure": None,
                "created_at": at,
                "due_at": at,
                "claimed_until": None,
                "expires_at": at + HOUR,
                "sent_at": at + SECOND,
                "source": SOURCE,
            }
        )

    def _act(
        self,
        row: Record,
        agent: Agent,
        action: str,
        at: int,
        *,
        is_allowed: bool = True,
        parameters: Record | None = None,
    ) -> str:
        action_id = self.ids.at(at)
        self.actions.append(
            {
                "action_id": action_id,
                "incidence_id": row["incidence_id"],
                "agent_id": agent.agent_id,
                "action": action,
                "parameters": json.dumps(parameters or {}),
                "is_allowed": is_allowed,
                "reason": None if is_allowed else APPROVAL_NEEDED,
                "approval_id": None,
                "rule_version": RULE_VERSION,
                "acted_at": at,
                "source": SOURCE,
            }
        )
        details = {"action": action, "isAllowed": is_allowed}
        self._note(row, "ACTION", "AGENT", at, agent=agent, details=details)
        return action_id

    def _finish(self, case: Case, row: Record, agent: Agent | None, at: int) -> None:
        rng = self.rng
        if case.ordered_at:
            row["order_id"], row["order_impact"] = case.order_id, "PLACED"
            row["root_cause"], row["resolution_type"] = "NEEDED_REASSURANCE", "ORDER_COMPLETED"
            self._note(row, "ORDER_PLACED", "USER", at, channel=row["channel"])
            self._close(row, at + 1000, "CONVERTED", "SYSTEM")
            return
        is_dropped = case.is_lost or rng.random() < (0.06 if case.stage == "POST_ORDER" else 0.20) or agent is None
        if case.is_lost:
            row["order_impact"], row["lost_value_paise"] = "LOST", case.value_paise
        row["root_cause"] = "SCREEN_FAILURE" if case.is_worst else "UNCLEAR_INFORMATION"
        row["resolution_type"] = "GAVE_UP" if is_dropped else "ANSWERED"
        outcome = "DROPPED" if is_dropped else "RESOLVED"
        if agent:
            self._act(row, agent, "CLOSE_DROPPED" if is_dropped else "CLOSE_RESOLVED", at - 1000)
        self._close(row, at, outcome, "AGENT" if agent else "SYSTEM", agent)
        again = at + rng.randint(20, 600) * MINUTE
        if agent and not is_dropped and rng.random() < REOPEN_SHARE and again + 6 * MINUTE < self.until:
            row["reopen_count"] = 1
            row["outcome"] = row["resolved_at"] = row["time_to_resolve_seconds"] = None
            self._note(row, "REOPENED", "USER", again, status="ASSIGNED")
            self._say(row, "USER", None, again + 5 * SECOND, self.pen.follow_up(case.language))
            self._say(row, "AGENT", agent, again + 2 * MINUTE, self.pen.answer(case.language, case.guests))
            self._close(row, again + 5 * MINUTE, "RESOLVED", "AGENT", agent)

    def _close(self, row: Record, at: int, outcome: str, actor: str, agent: Agent | None = None) -> None:
        if at >= self.until:
            return
        row["outcome"], row["resolved_at"] = outcome, at
        row["time_to_resolve_seconds"] = (at - row["created_at"]) / SECOND
        self._note(row, "CLOSED", actor, at, agent=agent, status=outcome)

    def _say(self, row: Record, actor: str, agent: Agent | None, at: int, text: str, flag: str | None = None) -> None:
        self._note(
            row, "MESSAGE", actor, at, agent=agent, text=text, flags=[flag] if flag else None, channel=row["channel"]
        )

    def _note(
        self, row: Record, event: str, actor: str, at: int, *, agent: Agent | None = None, status: str | None = None,
        channel: str | None = None, text: str | None = None, flags: list[str] | None = None,
        details: Record | None = None, started: int | None = None, ended: int | None = None, reached: bool | None = None,
    ) -> None:  # fmt: skip
        if at >= self.until:
            return
        row["updated_at"] = max(row["updated_at"], at)
        self.timeline.append(
            {
                "event_id": self.ids.at(at),
                "incidence_id": row["incidence_id"],
                "event_type": event,
                "actor_type": actor,
                "agent_id": agent.agent_id if agent else None,
                "channel": channel,
                "status_after": status,
                "text": text,
                "text_length": len(text) if text is not None else None,
                "flags": json.dumps(flags) if flags else None,
                "details": json.dumps(details) if details else None,
                "source_event_id": None,
                "started_at": started,
                "ended_at": ended,
                "is_reached": reached,
                "occurred_at": at,
                "recorded_at": at,
                "source": SOURCE,
            }
        )
