"""GET /context/{userId}, and what the app tells: screen, cart, profile, signals."""

from fastapi import APIRouter, Depends, Request, Response
from pydantic import TypeAdapter

from api.auth import requires
from api.context.bodies import body_schema, read_many
from api.context.schemas import (
    CartInput,
    ContextAnswer,
    ProfileInput,
    ScreenInput,
    SignalInput,
    SignalsAnswer,
    UpdateAnswer,
)
from api.context.service import log_signals, set_cart, set_profile, show_screen
from api.context.view import context_of
from api.deps import CurrentRules, Once, OwnUserId, StoreDep, UserId
from store import clock
from store.enums import Role

router = APIRouter(prefix="/context", tags=["context"])
READERS = [Depends(requires(Role.APP, Role.USER, Role.AGENT, Role.SUPERVISOR, Role.ADMIN))]
TELLERS = [Depends(requires(Role.APP, Role.USER))]
SIGNALS = TypeAdapter(list[SignalInput])


@router.get("/{userId}", dependencies=READERS, response_model=ContextAnswer)
async def get_context(user_id: OwnUserId, store: StoreDep, rules: CurrentRules) -> Response:
    """Where the user is, what is in the cart, and how it goes. Everything in it is derived here, from what the app told."""
    with store.read() as connection:
        answer = context_of(connection, rules, user_id, clock.now())
    return Response(answer.model_dump_json(), media_type="application/json")


@router.put("/{userId}/screen", dependencies=TELLERS, response_model=UpdateAnswer)
async def put_screen(user_id: OwnUserId, wanted: ScreenInput, store: StoreDep, rules: CurrentRules) -> Response:
    """The user came to a screen. Going back to the screen before counts as a back navigation on its flow."""
    answer = await store.writer.submit(show_screen, rules, user_id, wanted)
    return Response(answer.model_dump_json(), media_type="application/json")


@router.put("/{userId}/cart", dependencies=TELLERS, response_model=UpdateAnswer)
async def put_cart(user_id: OwnUserId, wanted: CartInput, store: StoreDep, rules: CurrentRules) -> Response:
    """The cart is now this. Its value is computed from the catalogue; an open incidence about it follows."""
    answer = await store.writer.submit(set_cart, rules, user_id, wanted)
    return Response(answer.model_dump_json(), media_type="application/json")


@router.put("/{userId}/profile", status_code=204, dependencies=[Depends(requires(Role.APP))])
async def put_profile(user_id: UserId, wanted: ProfileInput, store: StoreDep, rules: CurrentRules) -> Response:
    """Who the user is, as the app's backend knows it. No activity of the user."""
    await store.writer.submit(set_profile, rules, user_id, wanted)
    return Response(status_code=204)


@router.post(
    "/{userId}/signals",
    dependencies=TELLERS,
    response_model=SignalsAnswer,
    openapi_extra=body_schema(SIGNALS),
)
async def post_signals(user_id: OwnUserId, request: Request, rules: CurrentRules, once: Once) -> Response:
    """Log behaviour signals: one, a JSON array, or NDJSON, up to 1 MiB. Sending the same again is harmless."""
    signals = read_many(SIGNALS, await request.body(), request.headers.get("content-type", ""))
    return await once(200, log_signals, rules, {user_id: signals})
