"""POST /incidences, GET and PATCH /incidences/{incidenceId}, and the histories of a user and of an order."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.auth import require_own, requires
from api.deps import CurrentRules, IfMatch, IfNoneMatch, IncidenceId, Once, OrderId, OwnUserId, StoreDep, WantedPage
from api.errors import BadRequest
from api.etags import is_known
from api.incidences.history import Of, live_rows, merge, published_incidence, published_rows, without_live
from api.incidences.reading import find_incidence, no_incidence
from api.incidences.schemas import IncidenceAnswer, IncidenceHistory, IncidenceInput, IncidencePatch, etag_of
from api.incidences.service import Creation, change, create_all
from api.incidences.timeline import SYSTEM, Actor
from api.paging import PageQuery
from api.tokens.keyring import Principal
from store.enums import ActorType, Role
from store.published import WarehouseUnavailable
from store.session import Store

router = APIRouter(prefix="/incidences", tags=["incidences"])
STARTERS = requires(Role.APP, Role.USER, Role.AGENT, Role.SUPERVISOR)
READERS = requires(Role.APP, Role.USER, Role.AGENT, Role.SUPERVISOR, Role.ADMIN)
WRITERS = requires(Role.APP, Role.AGENT, Role.SUPERVISOR)
Starter = Annotated[Principal, Depends(STARTERS)]
Reader = Annotated[Principal, Depends(READERS)]
Changer = Annotated[Principal, Depends(WRITERS)]


def _answer(incidence: IncidenceAnswer, known_etag: str | None = None) -> Response:
    headers = {"ETag": incidence.etag, "Cache-Control": "private, no-cache"}
    if is_known(known_etag, incidence.etag):
        return Response(status_code=304, headers=headers)
    return Response(incidence.model_dump_json(), media_type="application/json", headers=headers)


@router.post("", status_code=201, response_model=IncidenceAnswer, responses={200: {"model": IncidenceAnswer}})
async def post_incidence(wanted: IncidenceInput, caller: Starter, rules: CurrentRules, once: Once) -> Response:
    """Ask for help. 201: a new incidence. 200: there is an open one for this user, stage and order, and this is it.

    Without an allowed human channel it is SELF_SERVE; a channel that is not allowed is 409 `channel_not_allowed` with those
    that are.
    """
    user_id = wanted.user_id or caller.user_id
    if user_id is None:
        raise BadRequest("userId: is missing")
    require_own(caller, user_id)
    is_agent = caller.agent_id is not None
    actor = Actor(ActorType.AGENT, caller.agent_id) if is_agent else Actor(ActorType.USER, user_id)
    answer = await once.together(201, create_all, rules, Creation(wanted, user_id, actor))
    answer.headers["ETag"] = etag_of(answer.body)
    return answer


@router.get("/{incidenceId}", response_model=IncidenceAnswer)
async def fetch_incidence(
    incidence_id: IncidenceId, caller: Reader, request: Request, store: StoreDep, known_etag: IfNoneMatch = None
) -> Response:
    """One incidence, live or from the published warehouse; its ETag is for `If-Match` on PATCH."""
    with store.read() as connection:
        row = find_incidence(connection, incidence_id)
    incidence = IncidenceAnswer.of(row) if row is not None else await _from_warehouse(request, incidence_id)
    if caller.role is Role.USER and incidence.user_id != caller.user_id:
        raise no_incidence()
    return _answer(incidence, known_etag)


@router.patch("/{incidenceId}", response_model=IncidenceAnswer)
async def patch_incidence(
    incidence_id: IncidenceId,
    wanted: IncidencePatch,
    caller: Changer,
    rules: CurrentRules,
    store: StoreDep,
    if_match: IfMatch = None,
) -> Response:
    """Say what came of it. `outcome` ends it, `outcome: null` reopens it; an agent who ends it names an issueCategory.

    CONVERTED needs an order of the user's: 409 `order_missing` without. With `If-Match` nothing is written if it changed.
    """
    actor = Actor(ActorType.AGENT, caller.agent_id) if caller.agent_id is not None else SYSTEM
    changed = await store.writer.submit(change, rules, incidence_id, wanted, actor=actor, if_match=if_match)
    return _answer(changed)


@router.get("/user/{userId}", dependencies=[Depends(READERS)])
async def list_incidences_of_user(
    user_id: OwnUserId, request: Request, store: StoreDep, page: WantedPage
) -> IncidenceHistory:
    """A user's incidences, newest first: the live ones, and older ones that only the published warehouse still has."""
    return await _history(request, store, "user_id", user_id, page)


@router.get("/order/{orderId}")
async def list_incidences_of_order(
    order_id: OrderId, caller: Reader, request: Request, store: StoreDep, page: WantedPage
) -> IncidenceHistory:
    """The incidences linked to an order, newest first. A user token sees that user's alone."""
    return await _history(request, store, "order_id", order_id, page, user_id=caller.user_id)


async def _from_warehouse(request: Request, incidence_id: str) -> IncidenceAnswer:
    """An incidence that has left the store. Raises `NotFound`."""
    try:
        found = await request.app.state.warehouse.look_up(published_incidence(incidence_id))
    except WarehouseUnavailable:
        found = None
    if found is None:
        raise no_incidence()
    return found


async def _history(
    request: Request, store: Store, of: Of, value: str, page: PageQuery, *, user_id: str | None = None
) -> IncidenceHistory:
    with store.read() as connection:
        live = live_rows(connection, of, value, page, user_id=user_id)
    version, published = None, []
    try:
        version, published = await request.app.state.warehouse.look_up(published_rows(of, value, page, user_id=user_id))
    except WarehouseUnavailable:
        pass  # what is live can be told without it
    if published:
        with store.read() as connection:
            published = without_live(connection, published)
    items, next_cursor = merge(live, published, page.limit)
    return IncidenceHistory(items=items, next_cursor=next_cursor, warehouse_version=version)
