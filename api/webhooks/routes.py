"""Where chat platforms deliver. The signature is the key: it is checked over the bytes before anything reads them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from api.deps import StoreDep
from api.errors import Problem
from api.webhooks.accepting import accept
from api.webhooks.schemas import WebhookAnswer
from ingestion.platforms.freshchat import events as freshchat_events
from ingestion.platforms.freshchat import signature as freshchat_signature
from ingestion.platforms.intercom import events as intercom_events
from ingestion.platforms.intercom import signature as intercom_signature
from store import clock
from store.enums import Platform
from store.platform_settings import PlatformsFile

router = APIRouter(prefix="/webhooks", tags=["webhooks"])
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "What the platform sends; the bytes as they are, for they are what is signed.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


class PlatformNotConfigured(Problem):
    status = 503
    code = "platform_not_configured"
    remedy = (
        "Put the platform's webhook key into the platforms file (docs/runbooks/chat-platforms.md); it is read at once."
    )


class SignatureInvalid(Problem):
    status = 401
    code = "signature_invalid"
    remedy = "./supportled webhooks verify says why a sample does not fit the configured key."


async def _platforms(request: Request) -> PlatformsFile:
    return request.app.state.platforms


PlatformsDep = Annotated[PlatformsFile, Depends(_platforms)]


@router.head("/intercom")
async def check_intercom(platforms: PlatformsDep) -> Response:
    """What Intercom asks when the address is saved."""
    _keys(platforms, Platform.INTERCOM)
    return Response()


@router.post("/intercom", openapi_extra=_BODY)
async def receive_intercom(request: Request, store: StoreDep, platforms: PlatformsDep) -> WebhookAnswer:
    """An event of Intercom, signed in X-Hub-Signature. Unknown topics are taken and counted."""
    keys = _keys(platforms, Platform.INTERCOM)
    body = await request.body()
    signature = request.headers.get(intercom_signature.HEADER)
    _require_fit(intercom_signature.find_fault(body, signature, keys))
    delivery = intercom_events.read_delivery(body)
    return WebhookAnswer(is_new=await store.writer.submit(accept, delivery, clock.now()))


@router.head("/freshchat")
async def check_freshchat(platforms: PlatformsDep) -> Response:
    """Whether deliveries would be taken."""
    _keys(platforms, Platform.FRESHCHAT)
    return Response()


@router.post("/freshchat", openapi_extra=_BODY)
async def receive_freshchat(request: Request, store: StoreDep, platforms: PlatformsDep) -> WebhookAnswer:
    """An event of Freshchat, signed in X-Freshchat-Signature. Unknown actions are taken and counted."""
    keys = _keys(platforms, Platform.FRESHCHAT)
    body = await request.body()
    signature = request.headers.get(freshchat_signature.HEADER)
    try:
        fault = freshchat_signature.find_fault(body, signature, keys)
    except freshchat_signature.KeyUnreadable as error:
        raise PlatformNotConfigured(str(error)) from error
    _require_fit(fault)
    delivery = freshchat_events.read_delivery(body)
    return WebhookAnswer(is_new=await store.writer.submit(accept, delivery, clock.now()))


def _keys(platforms: PlatformsFile, platform: Platform) -> tuple[str, ...]:
    settings = platforms.current().of(platform)
    if settings is None or not settings.webhook_keys:
        raise PlatformNotConfigured(f"{platform} is not connected.")
    return settings.webhook_keys


def _require_fit(fault: str | None) -> None:
    if fault is not None:
        raise SignatureInvalid(fault)
