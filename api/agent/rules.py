"""What an agent may do, and what needs a supervisor. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from api.rules.sets import DiscountCode, DiscountLimit, Rules
from store.display import rupees
from store.enums import BLOCKED_ACTIONS, AgentAction, AgentLevel, EscalationLevel, IncidenceStatus, OrderChangeKind

QUICK_ACTIONS = (
    AgentAction.APPLY_DISCOUNT,
    AgentAction.MODIFY_ORDER,
    AgentAction.REASSIGN,
    AgentAction.ESCALATE,
    AgentAction.CLOSE_RESOLVED,
    AgentAction.CLOSE_DROPPED,
)
"""The owner's six, in the owner's order."""

CHANGES_ORDER: Mapping[AgentAction, OrderChangeKind] = {
    AgentAction.APPLY_DISCOUNT: OrderChangeKind.DISCOUNT,
    AgentAction.MANUAL_DISCOUNT_OVER_LIMIT: OrderChangeKind.DISCOUNT,
    AgentAction.MODIFY_ORDER: OrderChangeKind.MODIFICATION,
    AgentAction.OFF_CATALOG_ITEM: OrderChangeKind.MODIFICATION,
    AgentAction.CUSTOM_PRICING: OrderChangeKind.MODIFICATION,
}
"""What the app is asked to do once the action is allowed."""

_WHY_BLOCKED = {
    AgentAction.CUSTOM_PRICING: "Prices are the app's.",
    AgentAction.OFF_CATALOG_ITEM: "Only what is in the catalogue can be ordered.",
    AgentAction.RESTART_JOURNEY: "The user goes on from where they are.",
    AgentAction.UPSELL: "Nobody is pushed to buy more.",
    AgentAction.OFF_SYSTEM_PROMISE: "Only what the system keeps is promised.",
}


@dataclass(frozen=True, slots=True)
class ProposedAction:
    """What an agent asks for. `parameters` is what identifies it to a supervisor; no `discount_paise` means what the code gives.

    `unknown_items`: those of the items asked for that the catalogue does not sell now.
    """

    action: AgentAction
    parameters: Mapping[str, Any] = field(default_factory=dict)
    discount_code: str | None = None
    discount_paise: int | None = None
    unknown_items: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class IncidenceFacts:
    """`given_paise`: discounts asked of the app for this incidence and not refused; `given_by_code`: of them, by code."""

    order_value_paise: int | None = None
    given_paise: int = 0
    given_by_code: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AgentFacts:
    agent_id: str
    levels: Collection[AgentLevel | str]

    @property
    def is_supervisor(self) -> bool:
        return AgentLevel.SUPERVISOR in self.levels


@dataclass(frozen=True, slots=True)
class Approval:
    """A supervisor's decision on one blocked action of one agent. `is_approved` is None until it is decided."""

    approval_id: str
    action: AgentAction
    parameters: Mapping[str, Any]
    requested_by: str
    is_approved: bool | None
    is_used: bool
    discount_paise: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason` is the owner's sentence if it is not allowed, else None; `because` says what decided. `action` is what the
    action is by the rules: a discount over the limit is MANUAL_DISCOUNT_OVER_LIMIT, whatever it was called."""

    allowed: bool
    reason: str | None
    rule_version: int
    action: AgentAction
    because: str
    discount_paise: int | None = None
    approval_id: str | None = None
    """The approval that it uses up."""


@dataclass(frozen=True, slots=True)
class _Judged:
    action: AgentAction
    because: str
    discount_paise: int | None = None


def validate_agent_action(
    action: ProposedAction, incidence: IncidenceFacts, agent: AgentFacts, rules: Rules, approval: Approval | None = None
) -> Decision:
    """Whether the agent may do this now. What is blocked passes once, with a supervisor's approval of the very same.

    `rule_version` is that of the DISCOUNT rules; the list of blocked actions is the owner's.
    """
    judged = _judge(action, incidence, agent, rules)
    version = rules.discounts.version
    if judged.action not in BLOCKED_ACTIONS:
        return Decision(True, None, version, judged.action, judged.because, judged.discount_paise)
    reason = rules.policies.approval_required_text.en
    if approval is None:
        return Decision(False, reason, version, judged.action, judged.because, judged.discount_paise)
    obstacle = _obstacle(approval, action, judged, agent)
    if obstacle is not None:
        return Decision(False, reason, version, judged.action, obstacle, judged.discount_paise)
    because = "A supervisor approved it."
    return Decision(True, None, version, judged.action, because, judged.discount_paise, approval.approval_id)


def _judge(action: ProposedAction, incidence: IncidenceFacts, agent: AgentFacts, rules: Rules) -> _Judged:
    if CHANGES_ORDER.get(action.action) is OrderChangeKind.DISCOUNT:
        return _judge_discount(action, incidence, agent, rules)
    if action.action is AgentAction.MODIFY_ORDER and action.unknown_items:
        named = ", ".join(sorted(action.unknown_items))
        return _Judged(AgentAction.OFF_CATALOG_ITEM, f"The catalogue does not sell {named}.")
    return _Judged(action.action, _WHY_BLOCKED.get(action.action, "It is one of the six quick actions."))


def _judge_discount(action: ProposedAction, incidence: IncidenceFacts, agent: AgentFacts, rules: Rules) -> _Judged:
    value = incidence.order_value_paise or 0
    code = rules.discounts.codes.get(action.discount_code) if action.discount_code is not None else None
    of_code = code_discount_paise(code, value) if code is not None else None
    wanted = action.discount_paise if action.discount_paise is not None else of_code or 0
    limit = discount_limit_paise(agent, rules, value)
    over = AgentAction.MANUAL_DISCOUNT_OVER_LIMIT
    if action.action is over:
        return _Judged(over, "It is a discount over the limit.", wanted)
    if code is None and not agent.is_supervisor:
        return _Judged(over, "There is no pre-approved code for it.", wanted)
    if code is not None and not code.is_pre_approved and not agent.is_supervisor:
        return _Judged(over, f"{code.code} is not pre-approved.", wanted)
    if code is not None and of_code is not None and wanted + incidence.given_by_code.get(code.code, 0) > of_code:
        return _Judged(over, f"{code.code} gives {rupees(of_code)} on this order, once.", wanted)
    if wanted + incidence.given_paise > limit:
        given = f" with the {rupees(incidence.given_paise)} given before" if incidence.given_paise else ""
        return _Judged(over, f"{rupees(wanted)}{given} is over your limit of {rupees(limit)} on this order.", wanted)
    return _Judged(AgentAction.APPLY_DISCOUNT, f"Within your limit of {rupees(limit)} on this order.", wanted)


def code_discount_paise(code: DiscountCode, order_value_paise: int) -> int:
    """What a code takes off an order of this value: its share, at most its maximum, never more than the order."""
    parts = [order_value_paise]
    if code.percent is not None:
        parts.append(_share(order_value_paise, code.percent))
    if code.max_paise is not None:
        parts.append(code.max_paise)
    return min(parts)


def limit_paise(limit: DiscountLimit, order_value_paise: int) -> int:
    """The most that a role may take off an order of this value."""
    return min(_share(order_value_paise, limit.max_percent), limit.max_paise)


def _share(paise: int, percent: float) -> int:
    """Whole paise, the fraction dropped."""
    return int((Decimal(paise) * Decimal(str(percent)) / 100).to_integral_value(ROUND_FLOOR))


def discount_limit_paise(agent: AgentFacts, rules: Rules, order_value_paise: int) -> int:
    """The most that the agent may take off an order of this value: the highest limit of the agent's levels."""
    limits = [
        rules.discounts.limits[level] for level in map(AgentLevel, agent.levels) if level in rules.discounts.limits
    ]
    return max((limit_paise(limit, order_value_paise) for limit in limits), default=0)


def _obstacle(approval: Approval, action: ProposedAction, judged: _Judged, agent: AgentFacts) -> str | None:
    """Why the approval does not let this pass; None if it does."""
    if approval.requested_by != agent.agent_id:
        return "The approval was asked for by another agent."
    if approval.action is not judged.action or dict(approval.parameters) != dict(action.parameters):
        return "The approval is of another action."
    if approval.is_approved is None:
        return "The approval is not decided yet."
    if not approval.is_approved:
        return "The supervisor refused it."
    if approval.is_used:
        return "The approval was used; it holds once."
    if (judged.discount_paise or 0) > (approval.discount_paise or 0):
        return "The discount is more than was approved: the order's value has changed."
    return None


@dataclass(frozen=True, slots=True)
class DeskFacts:
    """What decides whether a quick action is open to the caller now."""

    status: IncidenceStatus
    is_merged: bool
    agent_id: str | None
    order_value_paise: int | None
    escalation_level: EscalationLevel | None = None


def obstacle_to(action: AgentAction, facts: DeskFacts, caller: str | None, *, is_supervisor: bool) -> str | None:
    """Why the caller cannot do this to the incidence now; None if it is open to them."""
    if caller is None:
        return "Only agents act."
    if facts.is_merged:
        return "It was joined to another incidence."
    if facts.status in (IncidenceStatus.RESOLVED, IncidenceStatus.DROPPED, IncidenceStatus.CONVERTED):
        return f"It is closed: {facts.status}."
    if facts.status is IncidenceStatus.OFFERED:
        return "Help was offered and not taken up."
    if facts.status is IncidenceStatus.SELF_SERVE:
        return "It is self-serve: no person works on it."
    if facts.agent_id not in (None, caller) and not is_supervisor:
        return f"It is with {facts.agent_id}."
    if action is AgentAction.APPLY_DISCOUNT and not facts.order_value_paise:
        return "The order's value is not known yet."
    return None
