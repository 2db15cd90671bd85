"""/healthz, /readyz and /metrics: for what watches over the process; no key is needed, and nothing personal is told."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import Field
from sqlalchemy import text

from api.deps import StoreDep
from api.problems import StoreDown
from api.wire import Wire
from store.published import current_version
from store.session import HEAD_REVISION

router = APIRouter(tags=["operations"])


class ReadinessAnswer(Wire):
    status: str
    warehouse_version: str | None
    alarms: list[str] = Field(
        description="What people should look at, though requests are answered", examples=[["webhooks_silent:INTERCOM"]]
    )


@router.get("/healthz", response_class=PlainTextResponse)
async def get_health() -> Response:
    """The process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def get_readiness(store: StoreDep, request: Request) -> ReadinessAnswer:
    """The store can be read, has this release's schema, and is being written. Else 503.

    `warehouseVersion` is null before the first publish: live work goes on without it.
    """
    with store.read() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    if found != HEAD_REVISION:
        raise StoreDown(
            f"The operational store has schema {found}, this process needs {HEAD_REVISION}.", remedy="Restart the API."
        )
    if not store.writer.is_alive:
        raise StoreDown("The writer has ended.", remedy="Restart the API.")
    version = current_version(store.settings)
    return ReadinessAnswer(status="ready", warehouse_version=version, alarms=request.app.state.alarms.codes)


@router.get("/metrics", response_class=PlainTextResponse)
async def get_metrics(request: Request) -> Response:
    """Prometheus text. Keep it from the internet at the proxy."""
    content, content_type = request.app.state.metrics.text()
    return Response(content, headers={"Content-Type": content_type})
