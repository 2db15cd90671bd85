import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from store.ids import file_row_id, is_in_holdout, new_id
from store.tables.columns import EPOCH

MONDAY = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
instants = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive


@given(instants)
def test_an_id_is_a_uuid_version_7_of_its_instant(at: datetime):
    text = new_id(at)
    parsed = uuid.UUID(text)
    assert str(parsed) == text
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == (at - EPOCH) // timedelta(milliseconds=1)


@given(st.lists(instants, min_size=2))
def test_ids_sort_as_their_milliseconds_do(at: list[datetime]):
    ids = [new_id(instant) for instant in sorted(at)]
    milliseconds = [uuid.UUID(text).int >> 80 for text in ids]
    assert milliseconds == sorted(milliseconds)


def test_ids_of_one_instant_sort_in_the_order_they_were_made():
    ids = [new_id(MONDAY) for _ in range(20_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 20_000


def test_ids_of_one_instant_keep_their_order_beside_ids_of_another():
    ids = []
    for _ in range(2_000):
        ids.append(new_id(MONDAY))
        new_id(MONDAY - timedelta(minutes=15))
    assert ids == sorted(ids)


def test_threads_never_make_the_same_id():
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda _: new_id(MONDAY), range(20_000)))
    assert len(set(ids)) == 20_000


def test_a_process_and_its_fork_never_make_the_same_id():
    new_id(MONDAY)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, "".join(new_id(MONDAY) for _ in range(20)).encode())
        os._exit(0)
    mine = {new_id(MONDAY) for _ in range(20)}
    os.waitpid(child, 0)
    told = os.read(reading, 10_000).decode()
    os.close(reading)
    os.close(writing)
    theirs = {told[place : place + 36] for place in range(0, len(told), 36)}
    assert len(theirs) == 20
    assert mine.isdisjoint(theirs)


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_file_row_has_the_same_id_at_every_import(source: str, native_id: str):
    first = file_row_id(source, native_id)
    assert first == file_row_id(source, native_id)
    assert uuid.UUID(first).version == 5


def test_source_and_native_id_are_told_apart():
    assert len({file_row_id("a", "b"), file_row_id("ab", ""), file_row_id("", "ab"), file_row_id("b", "a")}) == 4


def test_a_file_rows_id_never_changes_between_releases():
    assert file_row_id("helpdesk", "Case 1") == "610feced-6929-57cf-b0e9-e7d7e5fa0a4b"


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_holdout_holds_the_smaller_one(user_id: str, one: float, other: float):
    if is_in_holdout(user_id, min(one, other)):
        assert is_in_holdout(user_id, max(one, other))


def test_the_holdout_has_its_share_of_users_and_none_at_zero():
    users = [f"user-{n}" for n in range(20_000)]
    assert 0.045 < sum(is_in_holdout(user, 0.05) for user in users) / len(users) < 0.055
    assert not any(is_in_holdout(user, 0) for user in users)
    assert all(is_in_holdout(user, 1) for user in users)
