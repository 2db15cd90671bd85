"""The FastAPI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response

from api.analytics.reader import WarehouseReader
from api.analytics.routes import router as analytics_router
from api.errors import install_error_handlers
from store.migrations import migrate
from store.published import current_version
from store.session import open_store
from store.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application over one state directory, by default the environment's; the store is migrated as it starts."""
    chosen = settings or Settings.from_environment()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        migrate(chosen.operations_url)
        with open_store(chosen) as store:
            app.state.store = store
            app.state.warehouse = WarehouseReader(chosen)
            try:
                yield
            finally:
                app.state.warehouse.close()

    app = FastAPI(
        title="supportled",
        summary="A support-led ordering system: help at the right moment, and what it teaches.",
        version="0.1.0",
        lifespan=lifespan,
    )
    install_error_handlers(app)
    app.include_router(analytics_router)

    @app.get("/healthz", tags=["operations"])
    async def get_health() -> Response:
        """The process answers."""
        return Response("ok\n", media_type="text/plain")

    @app.get("/readyz", tags=["operations"])
    async def get_readiness() -> dict[str, str | None]:
        """The store can be read; `warehouseVersion` is null before the first publish, and live work goes on without it."""
        with app.state.store.read() as connection:
            connection.exec_driver_sql("select 1")
        return {"status": "ready", "warehouseVersion": current_version(chosen)}

    return app
