"""How one change becomes one transaction, and when it is tried again."""

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, RootTransaction
from sqlalchemy.exc import DBAPIError, OperationalError

from store.errors import OutcomeUnknown, StoreBusy, StoreUnavailable, TransactionLost

T = TypeVar("T")

ATTEMPTS = 10
_DEADLOCK_DETECTED = "40P01"
_SERIALIZATION_FAILURE = "40001"


def is_worth_another_try(error: BaseException) -> bool:
    """Whether the database gave the whole transaction up for a reason that is gone the next time."""
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated
        or getattr(error.orig, "sqlstate", None) in {_DEADLOCK_DETECTED, _SERIALIZATION_FAILURE}
    )


def run_alone(connection: Connection, change: Callable[[Connection], T]) -> T:
    """Run one change in a transaction of its own and commit it.

    After a deadlock, a serialization failure or a lost connection it runs again, up to ten times, then raises `StoreBusy`.
    Raises `OutcomeUnknown` if the commit itself fails, `StoreUnavailable`, and whatever the change raises.
    """
    last_error: DBAPIError | None = None
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - two that met must not meet again
        try:
            transaction = begin(connection)
            try:
                answer = change(connection)
                require_alive(connection)
            except BaseException:
                give_up(transaction)
                raise
        except DBAPIError as error:
            if not is_worth_another_try(error):
                raise
            last_error = error
        else:
            commit(transaction)
            return answer
    raise StoreBusy(f"The database gave the change up {ATTEMPTS} times.") from last_error


def begin(connection: Connection) -> RootTransaction:
    """Begin, with a new connection if the old one was lost; raises `StoreUnavailable` if there is no database."""
    try:
        return connection.begin()
    except OperationalError as error:
        raise StoreUnavailable(f"The operational store cannot be reached: {error.orig}") from error


def has_begun(connection: Connection) -> bool:
    """Whether the database is in a transaction; with PostgreSQL the first statement begins it."""
    driver: Any = connection.connection.driver_connection
    if isinstance(driver, psycopg.Connection):
        return driver.info.transaction_status != psycopg.pq.TransactionStatus.IDLE
    return driver.in_transaction


def require_alive(connection: Connection, *, had_begun: bool = False) -> None:
    """Raise `TransactionLost` if the database gave the transaction up unnoticed, as it can be seen if it `had_begun` before.

    PostgreSQL answers the COMMIT of a failed transaction with a quiet ROLLBACK, and SQLite may roll back by itself.
    """
    driver: Any = connection.connection.driver_connection
    if isinstance(driver, psycopg.Connection):
        status = driver.info.transaction_status
        is_alive = status == psycopg.pq.TransactionStatus.INTRANS or (
            status == psycopg.pq.TransactionStatus.IDLE and not had_begun
        )
    else:
        is_alive = driver.in_transaction
    if not is_alive:
        raise TransactionLost("A change went on after the database had given its transaction up.")


def commit(transaction: RootTransaction) -> None:
    """Commit, or raise `OutcomeUnknown` and drop the connection."""
    try:
        transaction.commit()
    except DBAPIError as error:
        transaction.connection.invalidate()
        transaction.rollback()
        raise OutcomeUnknown("The database failed while it committed.") from error


def give_up(transaction: RootTransaction) -> None:
    """Roll back; a connection that cannot even do that is dropped."""
    try:
        transaction.rollback()
    except DBAPIError:
        transaction.connection.invalidate()
