"""How facts look on the wire: camelCase, rupees, instants with Z. Every schema of the API is made of these."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

LARGEST_PAISE = 2**53 - 1
"""A number of JSON is exact up to here in every client."""


class Wire(BaseModel):
    """An answer. Fields are snake_case in code and camelCase on the wire."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True, allow_inf_nan=False
    )


class Input(Wire):
    """A request's body: what is not declared is refused, so that a misspelt field is noticed."""

    model_config = ConfigDict(extra="forbid")


def rupees(paise: float | None) -> float | None:
    """Paise as rupees with at most two decimals, rounded half up."""
    if paise is None:
        return None
    return float((Decimal(repr(paise)) / 100).quantize(Decimal("0.01"), ROUND_HALF_UP))


def paise_of(amount: Any) -> int:
    """The paise of an amount in rupees. Raises ValueError unless it is a number, not negative, of at most two decimals."""
    if isinstance(amount, bool) or not isinstance(amount, int | float | Decimal):
        raise ValueError("should be a number of rupees")  # noqa: TRY004 - pydantic answers 422 to a ValueError only
    try:
        paise = Decimal(str(amount)) * 100
        if paise != paise.to_integral_value():
            raise ValueError("should have at most two decimals")
    except InvalidOperation as error:
        raise ValueError("should be a number of rupees") from error
    if not 0 <= paise <= LARGEST_PAISE:
        raise ValueError("should be between 0 and 90071992547409.91 rupees")
    return int(paise)


_RUPEES_SCHEMA = {
    "type": "number",
    "minimum": 0,
    "maximum": LARGEST_PAISE / 100,
    "description": "Rupees, at most two decimals",
    "examples": [25000],
}

RupeesIn = Annotated[int, BeforeValidator(paise_of), WithJsonSchema(_RUPEES_SCHEMA, mode="validation")]
"""In a request: rupees on the wire, paise in code."""

RupeesOut = Annotated[int, PlainSerializer(rupees, return_type=float), Field(examples=[25000])]
"""In an answer: made from paise, rupees on the wire."""


def instant_text(at: datetime) -> str:
    """An aware UTC instant as ISO-8601 with Z, to the microsecond."""
    return f"{at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _to_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("should be an instant between the years 1 and 9999 in UTC") from error


Instant = Annotated[datetime, PlainSerializer(instant_text, return_type=str, when_used="json")]
"""In an answer: an aware UTC datetime in code."""

InstantIn = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""In a request: ISO-8601 with a zone on the wire, aware UTC in code."""

ID_PATTERN = r"^[A-Za-z0-9._:-]{1,128}$"

Id = Annotated[str, Field(pattern=ID_PATTERN, max_length=128, examples=["user-81"])]
"""An id, ours or the app's (userId, orderId), as a field of a body or as a path parameter."""

RowId = Annotated[str, Field(pattern=ID_PATTERN, max_length=36, examples=["0199f3a2-7c41-7e11-8f5e-5b0c5f0d2f11"])]
"""An id of one of our own rows."""
