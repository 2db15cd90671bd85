"""Where the desk writes: records by table, as the live services would leave them."""

import json
from dataclasses import dataclass, field
from typing import Any

from ingestion.simulate.city import SOURCE
from ingestion.simulate.ids import Ids
from ingestion.simulate.people import Agent
from ingestion.simulate.visits import HOUR, SECOND

RULE_VERSION = 1
APPROVAL_NEEDED = "This action requires supervisor approval"
LEVEL_RANK = {"CALL": 0, "SENIOR_AGENT": 1, "TECH_TEAM": 2, "SUPERVISOR": 3}

Record = dict[str, Any]


@dataclass(slots=True)
class Ledger:
    """Records by table. Instants are microseconds; what would come at or after `until` has not happened and is not written."""

    ids: Ids
    until: int
    incidences: list[Record] = field(default_factory=list)
    timeline: list[Record] = field(default_factory=list)
    escalations: list[Record] = field(default_factory=list)
    actions: list[Record] = field(default_factory=list)
    approvals: list[Record] = field(default_factory=list)
    changes: list[Record] = field(default_factory=list)
    outbox: list[Record] = field(default_factory=list)
    timers: list[Record] = field(default_factory=list)

    def note(
        self,
        incidence: Record,
        event: str,
        actor: str,
        at: int,
        *,
        agent: Agent | None = None,
        status: str | None = None,
        text: str | None = None,
        flag: str | None = None,
        details: Record | None = None,
        call: tuple[int, int, bool] | None = None,
    ) -> None:
        """One row of the timeline. `call`: when it started and ended, and whether anybody answered."""
        if at >= self.until:
            return
        incidence["updated_at"] = max(incidence["updated_at"], at)
        started, ended, is_reached = call or (None, None, None)
        self.timeline.append(
            {
                "event_id": self.ids.at(at),
                "incidence_id": incidence["incidence_id"],
                "event_type": event,
                "actor_type": actor,
                "agent_id": agent.agent_id if agent else None,
                "channel": "CALL" if call else incidence["channel"],
                "status_after": status,
                "text": text,
                "text_length": len(text) if text is not None else None,
                "flags": f'["{flag}"]' if flag else None,
                "details": json.dumps(details) if details else None,
                "started_at": started,
                "ended_at": ended,
                "is_reached": is_reached,
                "occurred_at": at,
                "recorded_at": at,
                "source": SOURCE,
            }
        )

    def close(self, incidence: Record, at: int, outcome: str, actor: str, agent: Agent | None = None) -> None:
        if at >= self.until:
            return
        incidence["outcome"], incidence["resolved_at"] = outcome, at
        incidence["time_to_resolve_seconds"] = (at - incidence["created_at"]) / SECOND
        self.note(incidence, "CLOSED", actor, at, agent=agent, status=outcome)

    def reopen(self, incidence: Record, at: int) -> None:
        incidence["reopen_count"] += 1
        incidence["outcome"] = incidence["resolved_at"] = incidence["time_to_resolve_seconds"] = None
        self.note(incidence, "REOPENED", "USER", at, status="ASSIGNED")

    def escalate(
        self, incidence: Record, trigger: str, level: str, at: int, giver: Agent | None, taker: Agent | None
    ) -> None:
        if at >= self.until:
            return
        self.escalations.append(
            {
                "escalation_id": self.ids.at(at),
                "incidence_id": incidence["incidence_id"],
                "trigger": trigger,
                "level": level,
                "channel": "CALL" if level == "CALL" else None,
                "from_agent_id": giver.agent_id if giver else None,
                "to_agent_id": taker.agent_id if taker else None,
                "rule_version": RULE_VERSION,
                "escalated_at": at,
                "source": SOURCE,
            }
        )
        highest = incidence["escalation_level"]
        if highest is None or LEVEL_RANK[level] > LEVEL_RANK[highest]:
            incidence["escalation_level"] = level
        self.note(incidence, "ESCALATED", "SYSTEM", at, agent=taker, details={"trigger": trigger, "level": level})

    def keep_clocks(self, incidence: Record, due_at: dict[str, int]) -> None:
        """The clocks of what is still open: those that ran out by the end, and those that go on."""
        fired = {
            row["trigger"]: row["escalated_at"]
            for row in self.escalations
            if row["incidence_id"] == incidence["incidence_id"]
        }
        for kind, at in due_at.items():
            self.timers.append(
                {
                    "timer_id": self.ids.at(incidence["opened_at"]),
                    "incidence_id": incidence["incidence_id"],
                    "kind": kind,
                    "due_at": at,
                    "done_at": fired.get(kind),
                }
            )

    def act(
        self,
        incidence: Record,
        agent: Agent,
        action: str,
        at: int,
        *,
        is_allowed: bool = True,
        parameters: Record | None = None,
        approval_id: str | None = None,
    ) -> str:
        """An agent's action, allowed or blocked; returns its id."""
        action_id = self.ids.at(at)
        self.actions.append(
            {
                "action_id": action_id,
                "incidence_id": incidence["incidence_id"],
                "agent_id": agent.agent_id,
                "action": action,
                "parameters": json.dumps(parameters or {}),
                "is_allowed": is_allowed,
                "reason": None if is_allowed else APPROVAL_NEEDED,
                "approval_id": approval_id,
                "rule_version": RULE_VERSION,
                "acted_at": at,
                "source": SOURCE,
            }
        )
        details = {"action": action, "isAllowed": is_allowed}
        self.note(incidence, "ACTION", "AGENT", at, agent=agent, details=details)
        return action_id

    def approve(
        self, incidence: Record, action_id: str, agent: Agent, supervisor: Agent, at: int, *, is_approved: bool
    ) -> str:
        """A supervisor's decision half a minute after the agent asked; returns its id."""
        approval_id = self.ids.at(at)
        self.approvals.append(
            {
                "approval_id": approval_id,
                "incidence_id": incidence["incidence_id"],
                "action_id": action_id,
                "requested_by": agent.agent_id,
                "supervisor_id": supervisor.agent_id,
                "is_approved": is_approved,
                "used_count": int(is_approved),
                "requested_at": at - 30 * SECOND,
                "decided_at": at,
                "source": SOURCE,
            }
        )
        self.note(incidence, "APPROVAL", "AGENT", at, agent=supervisor, details={"isApproved": is_approved})
        return approval_id

    def ask(self, incidence: Record, agent: Agent, at: int, *, discount_paise: int) -> None:
        """A discount over the agent's limit, which a supervisor has not decided yet."""
        approval_id = self.ids.at(at)
        asked = {"amountPaise": discount_paise, "discountPaise": discount_paise}
        action_id = self.act(
            incidence,
            agent,
            "MANUAL_DISCOUNT_OVER_LIMIT",
            at,
            is_allowed=False,
            parameters=asked,
            approval_id=approval_id,
        )
        self.approvals.append(
            {
                "approval_id": approval_id,
                "incidence_id": incidence["incidence_id"],
                "action_id": action_id,
                "requested_by": agent.agent_id,
                "supervisor_id": None,
                "is_approved": None,
                "used_count": 0,
                "requested_at": at,
                "decided_at": None,
                "source": SOURCE,
            }
        )

    def request_change(
        self,
        incidence: Record,
        agent: Agent,
        action_id: str,
        at: int,
        decided_at: int,
        *,
        kind: str,
        order_id: str | None,
        is_applied: bool,
        discount: tuple[str, int] | None = None,
        details: Record | None = None,
    ) -> None:
        """Ask the app to change an order: a message that was sent, and the app's answer if it has come by now. `discount`:
        its code and paise."""
        request_id = self.ids.at(at)
        is_decided = decided_at < self.until
        code, amount = discount or (None, None)
        self.changes.append(
            {
                "request_id": request_id,
                "incidence_id": incidence["incidence_id"],
                "order_id": order_id,
                "action_id": action_id,
                "agent_id": agent.agent_id,
                "kind": kind,
                "discount_code": code,
                "discount_paise": amount,
                "details": json.dumps(details) if details else None,
                "status": "REQUESTED" if not is_decided else "APPLIED" if is_applied else "REFUSED",
                "requested_at": at,
                "decided_at": decided_at if is_decided else None,
                "refusal_reason": "No order to apply it to" if is_decided and not is_applied else None,
                "source": SOURCE,
            }
        )
        self.outbox.append(
            {
                "message_id": self.ids.at(at),
                "destination": "APP",
                "kind": "ORDER_CHANGE",
                "incidence_id": incidence["incidence_id"],
                "payload": json.dumps({"requestId": request_id, "kind": kind}),
                "state": "SENT",
                "attempts": 1,
                "created_at": at,
                "due_at": at,
                "expires_at": at + HOUR,
                "sent_at": at + SECOND,
                "source": SOURCE,
            }
        )
