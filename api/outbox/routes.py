"""GET /outbox/dead and POST /outbox/{messageId}/resend: what was given up, and another try."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from sqlalchemy import Connection

from api.auth import requires
from api.deps import Once, StoreDep
from api.outbox.schemas import OutboxMessageAnswer, OutboxMessagesAnswer
from api.outbox.service import list_messages, resend
from api.wire import RowId
from store import clock
from store.enums import Destination, OutboxState, Role

router = APIRouter(prefix="/outbox", tags=["outbox"], dependencies=[Depends(requires(Role.ADMIN))])
MessageId = Annotated[RowId, Path(alias="messageId")]
Limit = Annotated[int, Query(ge=1, le=200, description="How many")]
Of = Annotated[Destination | None, Query(description="Only what was for this one")]


@router.get("/dead")
async def get_dead_messages(store: StoreDep, destination: Of = None, limit: Limit = 50) -> OutboxMessagesAnswer:
    """What was not sent and will not be, the newest first: DEAD (refused, or failed too often) and UNCERTAIN (the customer may
    have seen it, and nobody can say). What is EXPIRED came too late and is not listed; it can be sent again too."""
    with store.read() as connection:
        rows = list_messages(connection, (OutboxState.DEAD, OutboxState.UNCERTAIN), limit, destination)
    return OutboxMessagesAnswer(items=[OutboxMessageAnswer.of(row) for row in rows])


@router.post("/{messageId}/resend", response_model=OutboxMessageAnswer)
async def post_resend(message_id: MessageId, once: Once) -> Response:
    """Try again what was given up (DEAD, UNCERTAIN or EXPIRED), as if it had just been written.

    A text that the customer may have seen is looked up on the platform before. What a newer message has made untrue is not sent.
    """
    return await once(200, _resend, message_id)


def _resend(connection: Connection, message_id: str) -> OutboxMessageAnswer:
    return OutboxMessageAnswer.of(resend(connection, message_id, clock.now()))
