"""The owner's upper-case words, each list written once; code, SQL tests, docs and API read them from here."""

from enum import StrEnum


class Stage(StrEnum):
    PRE_ORDER = "PRE_ORDER"
    POST_ORDER = "POST_ORDER"


class Channel(StrEnum):
    """How an incidence is worked; the router speaks of CHAT and CALL (`RoutedChannel`)."""

    IN_APP_CHAT = "IN_APP_CHAT"
    CALL = "CALL"
    WHATSAPP = "WHATSAPP"


class RoutedChannel(StrEnum):
    CHAT = "CHAT"
    CALL = "CALL"


class IncidenceTrigger(StrEnum):
    USER_INITIATED = "USER_INITIATED"
    SYSTEM_INITIATED = "SYSTEM_INITIATED"


class Outcome(StrEnum):
    RESOLVED = "RESOLVED"
    DROPPED = "DROPPED"
    CONVERTED = "CONVERTED"


class IncidenceStatus(StrEnum):
    """Derived from the incidence's columns, never stored."""

    OFFERED = "OFFERED"
    SELF_SERVE = "SELF_SERVE"
    OPEN = "OPEN"
    ASSIGNED = "ASSIGNED"
    RESOLVED = "RESOLVED"
    DROPPED = "DROPPED"
    CONVERTED = "CONVERTED"


class OrderImpact(StrEnum):
    PLACED = "PLACED"
    MODIFIED = "MODIFIED"
    LOST = "LOST"


class OrderStatus(StrEnum):
    PLACED = "PLACED"
    MODIFIED = "MODIFIED"
    CANCELLED = "CANCELLED"


class EventType(StrEnum):
    """What an order is for. The first three are high-value events and always get human help."""

    WEDDING = "WEDDING"
    CORPORATE = "CORPORATE"
    RELIGIOUS = "RELIGIOUS"
    BIRTHDAY = "BIRTHDAY"
    HOUSE_PARTY = "HOUSE_PARTY"
    OTHER = "OTHER"


HIGH_VALUE_EVENTS = frozenset({EventType.WEDDING, EventType.CORPORATE, EventType.RELIGIOUS})


class Tier(StrEnum):
    GOLD = "GOLD"
    SILVER = "SILVER"
    BRONZE = "BRONZE"


class Flow(StrEnum):
    """What a screen belongs to."""

    MENU = "MENU"
    COMPARISON = "COMPARISON"
    CUSTOMIZATION = "CUSTOMIZATION"
    GUEST_COUNT = "GUEST_COUNT"
    CHECKOUT = "CHECKOUT"
    PAYMENT = "PAYMENT"


class SignalType(StrEnum):
    """Signals the product knows; others are stored and counted, not scored."""

    CHECKOUT_INACTIVITY = "CHECKOUT_INACTIVITY"
    BACK_NAVIGATION = "BACK_NAVIGATION"
    QUANTITY_CHANGE = "QUANTITY_CHANGE"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    MENU_COMPARISON = "MENU_COMPARISON"
    PRICE_CALCULATION = "PRICE_CALCULATION"
    PLATTER_VIEWED = "PLATTER_VIEWED"
    ITEM_VIEWED = "ITEM_VIEWED"
    ITEM_ADDED = "ITEM_ADDED"
    CUSTOMIZATION_CHANGE = "CUSTOMIZATION_CHANGE"
    PAYMENT_ATTEMPT = "PAYMENT_ATTEMPT"
    HEARTBEAT = "HEARTBEAT"
    APP_FOREGROUND = "APP_FOREGROUND"
    APP_BACKGROUND = "APP_BACKGROUND"


class ContextUpdateKind(StrEnum):
    SCREEN = "SCREEN"
    CART = "CART"
    PROFILE = "PROFILE"


class FrictionAction(StrEnum):
    HELP_PROMPT = "HELP_PROMPT"
    QUANTITY_HELP = "QUANTITY_HELP"
    CALL_OPTION = "CALL_OPTION"
    COMPARE_PACKAGES = "COMPARE_PACKAGES"
    EXPERT_CONSULTATION = "EXPERT_CONSULTATION"


class PromptStatus(StrEnum):
    OFFERED = "OFFERED"
    SHOWN = "SHOWN"
    ACCEPTED = "ACCEPTED"
    DISMISSED = "DISMISSED"
    EXPIRED = "EXPIRED"
    WITHHELD = "WITHHELD"
    SUPPRESSED = "SUPPRESSED"


class TimelineEvent(StrEnum):
    CREATED = "CREATED"
    OFFERED = "OFFERED"
    OPENED = "OPENED"
    JOINED = "JOINED"
    MESSAGE = "MESSAGE"
    NOTE = "NOTE"
    CALL = "CALL"
    ASSIGNED = "ASSIGNED"
    REASSIGNED = "REASSIGNED"
    WAIT = "WAIT"
    ESCALATED = "ESCALATED"
    CHANNEL_ADDED = "CHANNEL_ADDED"
    ACTION = "ACTION"
    APPROVAL = "APPROVAL"
    ORDER_PLACED = "ORDER_PLACED"
    UPDATED = "UPDATED"
    CLOSED = "CLOSED"
    REOPENED = "REOPENED"
    MERGED = "MERGED"
    IDENTITY_LINKED = "IDENTITY_LINKED"


class ActorType(StrEnum):
    USER = "USER"
    AGENT = "AGENT"
    SYSTEM = "SYSTEM"


class EscalationTrigger(StrEnum):
    CHAT_UNRESOLVED = "CHAT_UNRESOLVED"
    HIGH_VALUE_ORDER = "HIGH_VALUE_ORDER"
    SYSTEM_BUG = "SYSTEM_BUG"
    POLICY_EXCEPTION = "POLICY_EXCEPTION"
    EMOTIONAL_CRITICAL = "EMOTIONAL_CRITICAL"
    UNRESOLVED = "UNRESOLVED"
    IMPORTED = "IMPORTED"


class EscalationLevel(StrEnum):
    """In rank order, lowest first."""

    CALL = "CALL"
    SENIOR_AGENT = "SENIOR_AGENT"
    TECH_TEAM = "TECH_TEAM"
    SUPERVISOR = "SUPERVISOR"


class AgentLevel(StrEnum):
    AGENT = "AGENT"
    SENIOR_AGENT = "SENIOR_AGENT"
    TECH_TEAM = "TECH_TEAM"
    SUPERVISOR = "SUPERVISOR"


class AgentStatus(StrEnum):
    AVAILABLE = "AVAILABLE"
    BUSY = "BUSY"
    AWAY = "AWAY"


class AgentAction(StrEnum):
    """The six quick actions of the agent view, then what the rules let pass, then what they block."""

    APPLY_DISCOUNT = "APPLY_DISCOUNT"
    MODIFY_ORDER = "MODIFY_ORDER"
    REASSIGN = "REASSIGN"
    ESCALATE = "ESCALATE"
    CLOSE_RESOLVED = "CLOSE_RESOLVED"
    CLOSE_DROPPED = "CLOSE_DROPPED"
    CUSTOM_PRICING = "CUSTOM_PRICING"
    OFF_CATALOG_ITEM = "OFF_CATALOG_ITEM"
    MANUAL_DISCOUNT_OVER_LIMIT = "MANUAL_DISCOUNT_OVER_LIMIT"
    RESTART_JOURNEY = "RESTART_JOURNEY"
    UPSELL = "UPSELL"
    OFF_SYSTEM_PROMISE = "OFF_SYSTEM_PROMISE"


BLOCKED_ACTIONS = frozenset(
    {
        AgentAction.CUSTOM_PRICING,
        AgentAction.OFF_CATALOG_ITEM,
        AgentAction.MANUAL_DISCOUNT_OVER_LIMIT,
        AgentAction.RESTART_JOURNEY,
        AgentAction.UPSELL,
        AgentAction.OFF_SYSTEM_PROMISE,
    }
)


class OrderChangeKind(StrEnum):
    DISCOUNT = "DISCOUNT"
    MODIFICATION = "MODIFICATION"


class OrderChangeStatus(StrEnum):
    REQUESTED = "REQUESTED"
    APPLIED = "APPLIED"
    REFUSED = "REFUSED"


class Platform(StrEnum):
    INTERCOM = "INTERCOM"
    FRESHCHAT = "FRESHCHAT"


class ChatEvent(StrEnum):
    """What happens to a conversation, in the owner's words and one more: reopening."""

    STARTED = "chat.started"
    MESSAGE_RECEIVED = "chat.message.received"
    AGENT_ASSIGNED = "chat.agent.assigned"
    RESOLVED = "chat.resolved"
    REOPENED = "chat.reopened"


class WebhookState(StrEnum):
    PENDING = "PENDING"
    APPLIED = "APPLIED"
    WAITING = "WAITING"
    IGNORED = "IGNORED"
    DEAD = "DEAD"


class Destination(StrEnum):
    """Whom we send messages to."""

    INTERCOM = "INTERCOM"
    FRESHCHAT = "FRESHCHAT"
    APP = "APP"


class OutboxKind(StrEnum):
    """What we ask of a chat platform, and what we ask of the app."""

    SEND_USER_CONTEXT = "SEND_USER_CONTEXT"
    UPDATE_CONVERSATION = "UPDATE_CONVERSATION"
    ROUTE_TO_AGENT = "ROUTE_TO_AGENT"
    CLOSE_CONVERSATION = "CLOSE_CONVERSATION"
    SEND_MESSAGE = "SEND_MESSAGE"
    ORDER_CHANGE = "ORDER_CHANGE"


class OutboxState(StrEnum):
    PENDING = "PENDING"
    SENT = "SENT"
    UNCERTAIN = "UNCERTAIN"
    EXPIRED = "EXPIRED"
    DEAD = "DEAD"


class RecommendationState(StrEnum):
    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    DONE = "DONE"
    REJECTED = "REJECTED"


class Role(StrEnum):
    """Who is calling. APP: the app's backend. AGENT and SUPERVISOR keys belong to an agent. USER: a phone, with a token that
    the app's backend minted; the others hold keys."""

    APP = "APP"
    AGENT = "AGENT"
    SUPERVISOR = "SUPERVISOR"
    ADMIN = "ADMIN"
    ANALYST = "ANALYST"
    INVESTOR = "INVESTOR"
    USER = "USER"


KEY_ROLES = tuple(role for role in Role if role is not Role.USER)


class RuleSet(StrEnum):
    """Each set is versioned and replaced as a whole."""

    FRICTION = "FRICTION"
    ROUTING = "ROUTING"
    ESCALATION = "ESCALATION"
    NOTIFICATION = "NOTIFICATION"
    DISCOUNT = "DISCOUNT"
    CATEGORY = "CATEGORY"
    SCREEN = "SCREEN"
    PHRASE = "PHRASE"
    OFFICE_HOURS = "OFFICE_HOURS"
    POLICY = "POLICY"


class Period(StrEnum):
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


class RestatementCause(StrEnum):
    LATE_FACT = "LATE_FACT"
    CANCELLATION = "CANCELLATION"
    DEFINITION = "DEFINITION"
    CODE = "CODE"
