"""What the catalogue calls its items."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, select

from api.rules.sets import Texts
from store.tables import catalogue_items


def read_item_names(connection: Connection, item_ids: Collection[str]) -> Mapping[str, Texts]:
    """By item, as the catalogue says last; unknown ones are left out."""
    rows = connection.execute(_NAMES, {"items": [*item_ids]}) if item_ids else ()
    return {row.item_id: Texts(row.name_en, row.name_hi) for row in rows}  # the last one stays


_NAMES = (
    select(catalogue_items.c.item_id, catalogue_items.c.name_en, catalogue_items.c.name_hi)
    .where(catalogue_items.c.item_id.in_(bindparam("items", expanding=True)))
    .order_by(catalogue_items.c.valid_from)
)
