from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from api.errors import BadRequest
from api.paging import PageQuery, Position, decode_cursor, encode_cursor
from store.session import Store
from store.tables import deletions

START = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)


def test_pages_give_every_row_once_newest_first(store: Store):
    made = [(f"row-{number}", START + timedelta(seconds=number // 3)) for number in range(10)]
    store.write(
        lambda connection: connection.execute(
            insert(deletions),
            [
                {"table_name": "t", "row_key": row_key, "reason": "CORRECTION", "deleted_at": deleted_at}
                for row_key, deleted_at in made
            ],
        )
    )
    seen: list[str] = []
    after = None
    sizes = []
    with store.read() as connection:
        while True:
            page = PageQuery(4, after)
            query = page.select(select(deletions), deletions.c.deleted_at, deletions.c.row_key)
            rows, cursor = page.cut(connection.execute(query).all(), "deleted_at", "row_key")
            seen += [row.row_key for row in rows]
            sizes.append(len(rows))
            if cursor is None:
                break
            after = decode_cursor(cursor)
    assert sizes == [4, 4, 2]
    assert seen == [row_key for row_key, _ in sorted(made, key=lambda row: (row[1], row[0]), reverse=True)]


@given(st.integers(0, 2**60).map(lambda microseconds: START + timedelta(microseconds=microseconds % 10**15)), st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=128))  # fmt: skip
def test_a_cursor_leads_back_to_its_row(at: datetime, row_id: str):
    assert decode_cursor(encode_cursor(Position(at, row_id))) == Position(at, row_id)


@given(st.text(max_size=100) | st.from_regex(r"[A-Za-z0-9_-]{1,60}", fullmatch=True))
def test_what_was_never_a_cursor_is_refused(cursor: str):
    with pytest.raises(BadRequest, match="cursor"):
        decode_cursor(cursor)


@pytest.mark.parametrize("value", ["[1]", "[1,2]", '["a","b"]', "[true,1]", '[1e400,"x"]', "[" * 5_000, '[99999999999999999999,"x"]', '[1,"\\u0000"]', '[1,"\\ud800"]'])  # fmt: skip
def test_a_cursor_made_by_hand_is_refused(value: str):
    import base64

    with pytest.raises(BadRequest):
        decode_cursor(base64.urlsafe_b64encode(value.encode()).decode())
