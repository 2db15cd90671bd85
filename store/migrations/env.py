"""What Alembic runs: the revisions, in one transaction, on the connection that `migrate` (or alembic.ini) gives."""

from alembic import context
from sqlalchemy import Connection, text

from store.engines import schema_engine
from store.settings import Settings
from store.tables import metadata

_MIGRATION_LOCK = 7_203_114


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = schema_engine(Settings.from_environment().operations_url)
    with engine.connect() as connection:
        run(connection)
    engine.dispose()
