"""/docs/data: dbt's documentation of the warehouse, as the last build wrote it."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from starlette.responses import FileResponse

from api.dashboard.pages import PageRoute, go_to
from api.dashboard.session import ANALYST_VIEWERS
from api.deps import StoreDep
from api.errors import NotFound

router = APIRouter(prefix="/docs/data", route_class=PageRoute, include_in_schema=False)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""dbt's page writes styles as it goes; nothing of it may come from, or go, elsewhere."""


@router.get("", dependencies=ANALYST_VIEWERS)
async def open_docs() -> Response:
    return go_to("/docs/data/index.html")


@router.get("/{name}", dependencies=ANALYST_VIEWERS)
async def show_docs(
    store: StoreDep,
    name: Annotated[str, Path(pattern=r"^(index\.html|app\.js|manifest\.json|catalog\.json)$")],
) -> Response:
    file = store.settings.data_docs_dir / name
    if not file.is_file():
        raise NotFound(
            "The warehouse has not been documented yet.", remedy="Run ./supportled build; each build writes it anew."
        )
    return FileResponse(file, headers={"Content-Security-Policy": POLICY, "Cache-Control": "private, no-cache"})
