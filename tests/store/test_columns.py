from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text
from sqlalchemy.exc import StatementError

from store.session import Store
from store.tables import store_identity

zones = st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(
    lambda d: timezone(timedelta(minutes=d // timedelta(minutes=1)))
)
instants = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=zones)  # noqa: DTZ001 - bounds are naive


class RolledBack(Exception):
    pass


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.lists(instants, min_size=1, max_size=20, unique=True))
def test_an_instant_comes_back_as_it_was_in_utc_and_sorts_in_time(store: Store, at: list[datetime]):
    def write_and_read(connection) -> None:
        rows = [{"store_id": f"{n}", "created_at": instant} for n, instant in enumerate(at)]
        connection.execute(text("DELETE FROM store_identity"))
        connection.execute(insert(store_identity), rows)
        found = (
            connection.execute(select(store_identity.c.created_at).order_by(store_identity.c.created_at))
            .scalars()
            .all()
        )
        assert found == sorted(at)
        assert {instant.tzinfo for instant in found} == {UTC}
        raise RolledBack

    with pytest.raises(RolledBack):
        store.write(write_and_read)


def test_an_instant_without_a_zone_is_refused(store: Store):
    naive = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(StatementError, match="an instant needs a time zone"):
        store.write(lambda c: c.execute(insert(store_identity), {"store_id": "x", "created_at": naive}))
