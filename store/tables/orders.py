"""The catalogue, the app's orders, and the changes that agents ask the app to make."""

from sqlalchemy import Boolean, Column, Date, Index, Integer, String, Table, UniqueConstraint

from store.tables.columns import change_seq, document, instant, metadata, paise, reference, row_id, source, word

catalogue_items = Table(
    "catalogue_items",
    metadata,
    Column("item_id", String(128), primary_key=True),
    Column("valid_from", instant("valid_from").type, primary_key=True),
    word("kind"),
    Column("name_en", String(200), nullable=False),
    Column("name_hi", String(200), nullable=False),
    paise("price_paise", nullable=False),
    Column("is_priced_per_plate", Boolean, nullable=False),
    Column("is_active", Boolean, nullable=False, default=True),
    source(),
    change_seq(),
)
"""What the app sells: kind PLATTER or ITEM. A new price is a new row with its own `valid_from`."""

orders = Table(
    "orders",
    metadata,
    Column("order_id", String(128), primary_key=True),
    reference("user_id", nullable=False),
    word("status"),
    word("event_type", nullable=True),
    Column("event_date", Date),
    Column("guest_count", Integer),
    paise("value_paise", nullable=False),
    document("items"),
    instant("placed_at", nullable=False),
    instant("recorded_at", nullable=False),
    instant("cancelled_at"),
    source(),
    Column("source_id", String(128), nullable=False),
    instant("updated_at", nullable=False),
    change_seq(),
    UniqueConstraint("source", "source_id"),
)
"""One row per order, as it is now. `placed_at` is the app's word, perhaps late; `recorded_at` is when we learnt of it, and what
a live score knew."""
Index("ix_orders_user_id_placed_at", orders.c.user_id, orders.c.placed_at)

order_change_requests = Table(
    "order_change_requests",
    metadata,
    row_id("request_id"),
    reference("incidence_id", nullable=False),
    reference("order_id"),
    reference("action_id"),
    reference("agent_id"),
    word("kind"),
    Column("discount_code", String(64)),
    paise("discount_paise"),
    document("details"),
    word("status"),
    instant("requested_at", nullable=False),
    instant("decided_at"),
    Column("refusal_reason", String(500)),
    source(),
    change_seq(),
)
Index("ix_order_change_requests_order_id", order_change_requests.c.order_id)
Index("ix_order_change_requests_incidence_id", order_change_requests.c.incidence_id)
