"""A city that went on after its KPIs were exported: late facts came, and it was published and exported again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

from sqlalchemy import Row, insert, select

from orchestration.build import run_build
from orchestration.exports import export_kpis
from store.clock import IST
from store.enums import OrderStatus, Role
from store.settings import Settings
from store.tables import orders
from tests.api.serving import Api, serve_api
from tests.cities import City


@dataclass(frozen=True, slots=True)
class Retold:
    """`first` and `second` are the exports of the two versions; between them lie the facts that the others name."""

    api: Api
    first: Path
    second: Path
    cancelled_date: date
    """An order of this Indian day was cancelled. Another one, of the last day, was too."""
    late_date: date
    """An order of this day became known; so much earlier that no week counts both."""
    accepted: dict[str, Any]
    """The recommendation that was accepted, as it was before."""

    @property
    def settings(self) -> Settings:
        return self.api.store.settings


@contextmanager
def retell(city: City, place: Path) -> Iterator[Retold]:
    copytree(city.settings.var_dir, place / "var", symlinks=True)
    settings = Settings.at(place / "var")
    for pins in settings.published_dir.glob("*/pins"):
        rmtree(pins)
    first = export_kpis(settings, output=place / "first")
    until = datetime.fromisoformat(city.truth.until_at)
    with serve_api(settings) as api:
        with api.store.read() as connection:
            standing = select(orders).where(orders.c.status != OrderStatus.CANCELLED).order_by(orders.c.placed_at)
            told = connection.execute(standing).all()
        old = next(order for order in told if order.placed_at > until - timedelta(days=20))
        late_at = old.placed_at - timedelta(days=12)
        _cancel(api, old)
        _cancel(api, told[-1])
        late = old._asdict() | {"order_id": "late", "source_id": "late", "placed_at": late_at}
        late.pop("change_seq")
        api.store.write(lambda connection: connection.execute(insert(orders).values(late)))
        accepted = _accept_first_recommendation(api)
        run_build(settings, progress=lambda _: None)
        second = export_kpis(settings, output=place / "second")
        yield Retold(api, first, second, _day(old.placed_at), _day(late_at), accepted)


def _cancel(api: Api, order: Row[Any]) -> None:
    fact = {"userId": order.user_id, "status": OrderStatus.CANCELLED, "orderValue": order.value_paise / 100}
    api.as_role(Role.APP).put(f"/orders/{order.order_id}", json=fact).raise_for_status()


def _accept_first_recommendation(api: Api) -> dict[str, Any]:
    client = api.as_role(Role.ANALYST)
    first = client.get("/analytics/friction-report").json()["recommendations"][0]
    accepted = {"state": "ACCEPTED", "note": "Retry UPI first"}
    client.post(f"/analytics/recommendations/{first['recommendationId']}", json=accepted).raise_for_status()
    return first


def _day(at: datetime) -> date:
    return at.astimezone(IST).date()
