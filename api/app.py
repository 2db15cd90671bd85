"""The FastAPI application."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress

from fastapi import FastAPI

from api.agent.feed import read_desk
from api.agent.routes import router as agent_router
from api.agents.routes import router as agents_router
from api.analytics.reader import WarehouseReader
from api.analytics.routes import USUAL
from api.analytics.routes import router as analytics_router
from api.channel.routes import router as channel_router
from api.context.routes import router as context_router
from api.dashboard.admin.routes import router as admin_router
from api.dashboard.admin.rules import router as admin_rules_router
from api.dashboard.data_docs import router as data_docs_router
from api.dashboard.desk.routes import router as desk_router
from api.dashboard.desk.team import router as team_router
from api.dashboard.front import router as front_router
from api.dashboard.insights.routes import router as insights_router
from api.dashboard.pages import Turns, install_assets
from api.dashboard.reports import router as reports_router
from api.dashboard.routes import links as sign_in_links_router
from api.dashboard.routes import pages as sign_in_router
from api.docs_pages import install_docs
from api.edge import Edge
from api.escalation.routes import router as escalation_router
from api.friction.routes import router as friction_router
from api.incidences.routes import router as incidences_router
from api.limits import BodyLimits
from api.logs import configure_logging
from api.metrics import Metrics
from api.notifications.feed import read_prompts
from api.notifications.routes import router as notifications_router
from api.openapi import install_openapi
from api.operations.routes import router as operations_router
from api.orders.routes import router as orders_router
from api.outbox.routes import router as outbox_router
from api.platform_sweep.alarms import Alarms
from api.problems import install_error_handlers
from api.rates import Rates
from api.rules.registry import Registry
from api.rules.routes import router as rules_router
from api.streams import Streams, closed_on_signals
from api.tokens.keyring import Keyring
from api.tokens.routes import router as tokens_router
from api.tokens.user_tokens import UserTokens
from api.webhooks.routes import router as webhooks_router
from api.worker.loops import Loop, run_loops
from store.migrations import migrate
from store.platform_settings import PlatformsFile
from store.session import open_store
from store.settings import Settings

ROUTERS = (
    context_router,
    friction_router,
    notifications_router,
    incidences_router,
    channel_router,
    escalation_router,
    agent_router,
    orders_router,
    agents_router,
    rules_router,
    analytics_router,
    tokens_router,
    outbox_router,
    webhooks_router,
    operations_router,
    sign_in_links_router,
    sign_in_router,
    desk_router,
    team_router,
    admin_router,
    admin_rules_router,
    front_router,
    insights_router,
    reports_router,
    data_docs_router,
)
"""Every slice's routes, in the order in which they are tried and documented: what is called most comes first."""

DESCRIPTION = """
Send a key as `Authorization: Bearer <key>`. The app's backend holds an APP key and mints user tokens
(`POST /tokens/user`); a phone calls with such a token and sees its own user only.

- Instants are ISO-8601 in UTC with `Z`; money is rupees; JSON is camelCase.
- Every error is `application/problem+json`: programs decide by `code`, people read `detail` and `remedy`.
- A POST that takes an `Idempotency-Key` can be repeated safely for 24 hours.
- Someone else's id is answered exactly like one that does not exist.
"""


def create_app(settings: Settings | None = None, *, loops: Sequence[Loop] | None = None) -> FastAPI:
    """The application over one state directory, by default the environment's; the store is migrated as it starts.

    `loops` are what runs beside it, by default all of `api.worker.loops`.
    """
    chosen = settings or Settings.from_environment()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configure_logging()
        migrate(chosen.operations_url)
        with open_store(chosen) as store:
            app.state.store = store
            app.state.keyring = Keyring(store)
            app.state.user_tokens = UserTokens(store)
            app.state.rates = Rates()
            app.state.rules = Registry(store)
            app.state.warehouse = WarehouseReader(chosen)
            app.state.platforms = PlatformsFile(chosen)
            app.state.page_turns = Turns()
            app.state.streams = Streams(store, {"desk": read_desk, "prompts": read_prompts})
            app.state.alarms = Alarms(chosen)
            metrics.watch(store)
            app.state.alarms.measure(metrics.registry)
            watching = asyncio.gather(
                app.state.rules.watch(),
                app.state.warehouse.watch(USUAL),
                app.state.streams.run(),
                app.state.alarms.run(store, app.state.rules),
                run_loops(store, app.state.rules, loops),
            )
            try:
                with seldom_collected(), closed_on_signals(app.state.streams):
                    yield
            finally:
                watching.cancel()
                with suppress(asyncio.CancelledError):
                    await watching
                app.state.warehouse.close()

    app = FastAPI(
        title="supportled",
        summary="A support-led ordering system: help at the right moment, and what it teaches.",
        description=DESCRIPTION,
        version="0.1.0",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.metrics = metrics
    app.add_middleware(BodyLimits)
    app.add_middleware(Edge, metrics=metrics)  # the last one added is the outermost
    install_error_handlers(app)
    for router in ROUTERS:
        # Not include_router: FastAPI tries what was included router by router, which costs more than many an answer.
        app.router.routes.extend(router.routes)
    install_docs(app)
    install_assets(app)
    install_openapi(app)
    return app


@contextmanager
def seldom_collected() -> Iterator[None]:
    """What start-up made stays out of the garbage collector's way: the slowest requests take a quarter of the time."""
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
