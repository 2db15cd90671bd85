"""When a message is sent, sent again, or given up. Pure."""

from datetime import timedelta

from store.enums import OutboxKind

TIME_TO_LIVE = {
    OutboxKind.SEND_USER_CONTEXT: timedelta(hours=6),
    OutboxKind.UPDATE_CONVERSATION: timedelta(hours=24),
    OutboxKind.ROUTE_TO_AGENT: timedelta(hours=2),
    OutboxKind.CLOSE_CONVERSATION: timedelta(days=3),
    OutboxKind.SEND_MESSAGE: timedelta(minutes=15),
    OutboxKind.ORDER_CHANGE: timedelta(hours=1),
}
"""How long after it was asked for each is still worth sending."""

SEEN_BY_CUSTOMERS = frozenset({OutboxKind.SEND_MESSAGE})
"""What a customer would read twice if it were sent twice; the others set a state, and twice is as once."""
