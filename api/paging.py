"""Pages of rows, newest first, by keyset: a page stays right while rows are added, and the last is as quick as the first."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import Field
from sqlalchemy import ColumnElement, Row, Select, literal, tuple_

from api.errors import BadRequest
from api.json_text import parse_json
from api.wire import Wire
from store.tables.columns import EPOCH

T = TypeVar("T")
R = TypeVar("R", bound=Row[Any])
_MICROSECOND = timedelta(microseconds=1)
_PLAIN: dict[type, type] = {int: int, str: str, datetime: int}
"""Of what each kind is in a cursor."""


class Page(Wire, Generic[T]):
    """A page of a longer list."""

    items: list[T]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null on the last one.")


@dataclass(frozen=True, slots=True)
class Position:
    """After which row a page starts."""

    at: datetime
    row_id: str


def encode_cursor(position: Position) -> str:
    return encode_place(position.at, position.row_id)


def decode_cursor(cursor: str) -> Position:
    """Raises `BadRequest` for what was never a cursor."""
    return Position(*decode_place(cursor, datetime, str))


def encode_place(*values: int | str | datetime) -> str:
    """The cursor of a place in a list that these values order."""
    plain = [(value - EPOCH) // _MICROSECOND if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_place(cursor: str, *kinds: type[int | str | datetime]) -> list[Any]:
    """The values of a cursor, which are of these kinds. Raises `BadRequest` for any other."""
    try:
        values = parse_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(values, list) or [type(value) for value in values] != [_PLAIN[kind] for kind in kinds]:
            raise ValueError
        return [
            EPOCH + timedelta(microseconds=value) if kind is datetime else value
            for kind, value in zip(kinds, values, strict=True)
        ]
    except (ValueError, TypeError, OverflowError) as error:
        raise BadRequest("cursor: is not one of ours", remedy="Send nextCursor of the last page as it is.") from error


@dataclass(frozen=True, slots=True)
class PageQuery:
    """What page the caller wants."""

    limit: int
    after: Position | None

    def select(self, query: Select[Any], at: ColumnElement[Any], row_id: ColumnElement[Any]) -> Select[Any]:
        """The query of this page: newest first by (at, row_id), one row more than asked for."""
        if self.after is not None:
            query = query.where(
                tuple_(at, row_id) < tuple_(literal(self.after.at, at.type), literal(self.after.row_id, row_id.type))
            )
        return query.order_by(at.desc(), row_id.desc()).limit(self.limit + 1)

    def cut(self, rows: Sequence[R], at: str, row_id: str) -> tuple[Sequence[R], str | None]:
        """The rows of this page, and the cursor of the next; `at` and `row_id` are the names of the two columns."""
        if len(rows) <= self.limit:
            return rows, None
        last = rows[self.limit - 1]
        return rows[: self.limit], encode_cursor(Position(getattr(last, at), getattr(last, row_id)))
