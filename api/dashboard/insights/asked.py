"""What a page is asked for: the period and the segment, as they stand in its address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Request

from api.errors import BadRequest
from store import published
from store.published import Published, ReportPeriod

DEFAULT_PERIOD = "last_7_days"
FILTERS = {
    "stage": "stage",
    "channel": "channel",
    "eventType": "event_type",
    "orderBand": "order_band",
    "language": "language",
    "tier": "tier",
    "source": "source",
}
"""Name in the address, as GET /analytics/* has it, and name of the warehouse's dimension."""
_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A page's question. `filters` are by the warehouse's dimensions; `more` is what only this page asks."""

    period: str
    filters: Mapping[str, str]
    more: Mapping[str, str]

    def days(self, warehouse: Published) -> ReportPeriod:
        return published.parse_period(self.period, warehouse.as_of)

    def is_demo(self, warehouse: Published) -> bool:
        """Whether the figures are of the demo city: all of them, or because its source was asked for."""
        return self.filters["source"] == "demo" if "source" in self.filters else warehouse.is_demo

    def link(self, path: str, **more: str | int | None) -> str:
        """The address of another page about the same period and segment."""
        return f"{path}?{query}" if (query := self.query(**more)) else path

    def query(self, **more: str | int | None) -> str:
        given = {"period": self.period} if self.period != DEFAULT_PERIOD else {}
        given |= {name: self.filters[dimension] for name, dimension in FILTERS.items() if dimension in self.filters}
        given |= {name: str(value) for name, value in more.items() if value is not None}
        return urlencode(given)

    def get(self, name: str, otherwise: str, allowed: tuple[str, ...]) -> str:
        """One of the words that this page understands; anything else is refused."""
        value = self.more.get(name, otherwise)
        if value not in allowed:
            raise BadRequest(f"{name}: is not one of {', '.join(allowed)}")
        return value

    @property
    def key(self) -> str:
        """Names the question among the answers that are kept."""
        return f"{self.query()}#{urlencode(sorted(self.more.items()))}"


async def _asked(request: Request) -> Asked:
    given = {name: value.strip() for name, value in request.query_params.items() if value.strip()}
    period = given.pop("period", DEFAULT_PERIOD)
    filters = {dimension: given.pop(name) for name, dimension in FILTERS.items() if name in given}
    for name, value in filters.items():
        if not _WORD.fullmatch(value):
            raise BadRequest(f"{name}: is no word of ours", remedy="Choose from the lists on the page.")
    if len(given) > 10 or any(len(value) > 200 for value in given.values()):
        raise BadRequest("The address asks for more than this page knows.", remedy="Open /insights.")
    return Asked(period, filters, given)


Question = Annotated[Asked, Depends(_asked)]
