"""What happened, in a sentence. Pure."""

from collections.abc import Mapping

from api.agent.schemas import ActionAnswer, ApprovalAnswer, TimelineEntry
from api.dashboard.i18n import Translate
from store.display import rupees, words
from store.enums import ActorType, AgentAction, IncidenceStatus, OrderChangeStatus, TimelineEvent

Names = Mapping[str, str]
"""Of agents, by id."""


_TOLD_BY_ANOTHER = frozenset(
    {AgentAction.REASSIGN, AgentAction.ESCALATE, AgentAction.CLOSE_RESOLVED, AgentAction.CLOSE_DROPPED}
)


def is_shown(event: TimelineEntry) -> bool:
    """Whether a row of the timeline tells something: of an action that was carried out its effect is a row of its own."""
    details = event.details
    is_echo = details.get("isAllowed") and details.get("action") in _TOLD_BY_ANOTHER
    return not (event.event_type == TimelineEvent.ACTION and is_echo)


def event_text(event: TimelineEntry, t: Translate, names: Names) -> str:
    """What a row of the timeline tells, without what somebody wrote."""
    details, who = event.details, names.get(event.agent_id or "", event.agent_id or "")
    match event.event_type:
        case TimelineEvent.ASSIGNED | TimelineEvent.REASSIGNED if who and event.status_after != IncidenceStatus.OPEN:
            said = t("{agent} has it now", agent=who)
        case TimelineEvent.REASSIGNED:
            said = t("Put back into the queue")
        case TimelineEvent.ESCALATED:
            level, cause = t(words(details.get("level"))), t(words(details.get("trigger")))
            said = t("Escalated to {level}: {cause}", level=level, cause=cause)
        case TimelineEvent.CHANNEL_ADDED:
            said = t("A call is allowed now")
        case TimelineEvent.ACTION if not details.get("isAllowed"):
            said = t("{action}: needs a supervisor", action=t(words(details.get("action"))))
        case TimelineEvent.ACTION:
            said = t(words(details.get("action")))
        case TimelineEvent.APPROVAL if details.get("isApproved"):
            said = t("{action}: approved", action=t(words(details.get("action"))))
        case TimelineEvent.APPROVAL:
            said = t("{action}: refused", action=t(words(details.get("action"))))
        case TimelineEvent.UPDATED if details.get("orderValuePaise") is not None:
            said = t("The order is worth {value} now", value=rupees(details["orderValuePaise"]))
        case TimelineEvent.CREATED:
            said = t("Asked for help") if event.actor_type is ActorType.USER else t("Help was offered")
        case TimelineEvent.CLOSED:
            said = t("Closed: {outcome}", outcome=t(words(event.status_after)))
        case _:
            said = t(words(event.event_type))
    return said


def asked_text(approval: ApprovalAnswer, t: Translate) -> str:
    """What an agent wants to be allowed: `Manual discount over limit · ₹2,000 · SORRY5`."""
    given = approval.parameters
    parts = [t(words(approval.action))]
    if approval.discount:
        parts.append(rupees(approval.discount))
    named = ("discountCode", "description", "itemId", "guestCount", "eventDate")
    parts += [str(given[name]) for name in named if given.get(name)]
    if given.get("pricePaise"):
        parts.append(rupees(given["pricePaise"]))
    parts += [f"{line['itemId']} × {line['quantity']}" for line in given.get("items", ())]
    return " · ".join(parts)


def outcome_text(answer: ActionAnswer, t: Translate, names: Names, me: str | None) -> tuple[str, str]:
    """What an action led to: the sentence, and what follows from it."""
    if not answer.allowed:
        return t("This needs a supervisor's approval"), t(
            "{because} A supervisor has been asked.", because=t(answer.because)
        )
    incidence = answer.incidence
    holder = names.get(incidence.agent_id or "", incidence.agent_id or "")
    match answer.action:
        case AgentAction.REASSIGN if incidence.agent_id is None:
            return t("It waits in the queue again"), ""
        case AgentAction.REASSIGN if incidence.agent_id == me:
            return t("It is yours"), ""
        case AgentAction.REASSIGN:
            return t("{agent} has it now", agent=holder), ""
        case AgentAction.ESCALATE:
            level = t(words(incidence.escalation_level))
            return t("Escalated to {level}", level=level), t("It is with {agent}", agent=holder) if holder else ""
        case AgentAction.CLOSE_RESOLVED | AgentAction.CLOSE_DROPPED:
            return t("Closed: {outcome}", outcome=t(words(incidence.outcome))), ""
    change = answer.order_change
    if change is not None and change.status is OrderChangeStatus.REQUESTED:
        asked = t("The app was asked: {amount} off", amount=rupees(change.discount)) if change.discount else ""
        return asked or t("The app was asked to change the order"), t(answer.because)
    return t("Done"), t(answer.because)
