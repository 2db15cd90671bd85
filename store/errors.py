"""What can be wrong with the operational store. Each error has a stable `code` and a `remedy`."""


class StoreError(Exception):
    """Something about the operational store itself, not about what was asked of it."""

    code = "store_error"
    remedy = "Run ./supportled doctor."


class SqliteTooOld(StoreError):
    code = "sqlite_too_old"
    remedy = (
        "Install the locked packages again (delete .venv and run ./supportled doctor): pysqlite3 brings a safe SQLite."
    )


class StoreOutOfDate(StoreError):
    code = "store_out_of_date"
    remedy = "Run ./supportled up, which brings the store to this release, with the code that belongs to the store."


class StoreUnavailable(StoreError):
    code = "store_unavailable"
    remedy = "See that the database of SUPPORTLED_OPERATIONS_URL runs and that its user may sign in."


class StoreBusy(StoreError):
    """Nothing was written: another process held the write lock, or the database kept asking to try again."""

    code = "store_busy"
    remedy = "Try again when the other process that writes has ended."


class WriterBusy(StoreError):
    """Nothing was written: too much already waits for the writer."""

    code = "writer_busy"
    remedy = "Send again in a second."


class WriterClosed(StoreError):
    """Nothing was written: the process is ending."""

    code = "writer_closed"
    remedy = "Send again when the service is back."


class TransactionLost(StoreError):
    """Nothing was written: the database had already rolled back, and the change went on as if it had not."""

    code = "transaction_lost"
    remedy = (
        "Send again. If it happens again, a change catches a database error without a savepoint of its own: report it."
    )


class OutcomeUnknown(StoreError):
    """The database failed while it committed: the change is there or it is not."""

    code = "outcome_unknown"
    remedy = "Send again with the same Idempotency-Key."
