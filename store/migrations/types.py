"""Column types as the revisions use them: frozen here, so that a change of `store.tables` does not change history."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

INSTANT = sa.BigInteger().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
