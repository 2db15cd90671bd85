"""POST /channel/route and /channel/escalate."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from api.auth import requires
from api.channel.rules import allowed_channels, working_channel
from api.channel.schemas import ChannelEscalationInput, EscalationAnswer, RouteAnswer, RouteInput
from api.channel.service import escalate_channel
from api.deps import CurrentRules, Once
from api.incidences.timeline import SYSTEM, Actor
from api.tokens.keyring import Principal
from store.enums import ActorType, Role, RoutedChannel

router = APIRouter(prefix="/channel", tags=["channel"])
ROUTERS = [Depends(requires(Role.APP, Role.USER, Role.AGENT, Role.SUPERVISOR, Role.ADMIN))]
Escalator = Annotated[Principal, Depends(requires(Role.APP, Role.AGENT, Role.SUPERVISOR))]


@router.post("/route", dependencies=ROUTERS, response_model=RouteAnswer)
async def post_route(wanted: RouteInput, rules: CurrentRules) -> Response:
    """Which channels an order of this value and event may use, and why. Nothing is written."""
    always = rules.policies.always_assisted_event_types
    routing = allowed_channels(rules.routing.bands, wanted.order_value, wanted.event_type, always)
    has_chat = RoutedChannel.CHAT in routing.channels
    seconds = routing.escalate_after_seconds
    answer = RouteAnswer(
        allowed_channels=list(routing.channels),
        is_self_serve_only=not routing.channels,
        chat_channel=working_channel(None, routing.channels, rules.policies.chat_channels) if has_chat else None,
        escalate_after_minutes=None if seconds is None else seconds / 60,
        reasons=list(routing.reasons),
        rule_version=rules.routing.version,
    )
    return Response(answer.model_dump_json(), media_type="application/json")


@router.post("/escalate", response_model=EscalationAnswer)
async def post_escalate(wanted: ChannelEscalationInput, caller: Escalator, rules: CurrentRules, once: Once) -> Response:
    """Give a chat a call. An agent may do so at any time; for the app it is 409 `escalation_not_due` before the band's time."""
    is_person = caller.agent_id is not None
    actor = Actor(ActorType.AGENT, caller.agent_id) if is_person else SYSTEM
    return await once(200, escalate_channel, rules, wanted.incidence_id, wanted.reason, actor, is_person=is_person)
