"""Who may call what: one row for each route. A new route without a row fails, and so does a row without its route."""

import pytest
from sqlalchemy import Connection

from api.app import create_app
from api.dashboard.pages import PageRoute
from api.dashboard.session import SESSION_COOKIE, ViewerGuard, csrf_of, signed_in
from api.dashboard.sign_in import PAGE_ROLES, insert_link, open_session
from api.openapi import below, operations
from store.enums import Role
from store.settings import Settings
from tests.api.serving import AGENT_ID, SUPERVISOR_ID, USER_ID, Api, serve_api

ANYONE = None
EVERY_ROLE = frozenset(Role)
APP = frozenset({Role.APP})
ADMIN = frozenset({Role.ADMIN})
RULE_READERS = frozenset({Role.APP, Role.AGENT, Role.SUPERVISOR, Role.ADMIN, Role.ANALYST})
ANALYSTS = frozenset({Role.ANALYST, Role.ADMIN})
KPI_READERS = ANALYSTS | {Role.INVESTOR}
CONTEXT_TELLERS = APP | {Role.USER}
CONTEXT_READERS = CONTEXT_TELLERS | {Role.AGENT, Role.SUPERVISOR, Role.ADMIN}

STAFF = frozenset({Role.AGENT, Role.SUPERVISOR})
APP_AND_STAFF = APP | STAFF
APP_USER_AND_STAFF = APP_AND_STAFF | {Role.USER}
INCIDENCE_READERS = APP_USER_AND_STAFF | ADMIN

TABLE: dict[str, frozenset[Role] | None] = {
    "GET /healthz": ANYONE,
    "GET /readyz": ANYONE,
    "GET /metrics": ANYONE,
    "HEAD /webhooks/intercom": ANYONE,
    "POST /webhooks/intercom": ANYONE,
    "HEAD /webhooks/freshchat": ANYONE,
    "POST /webhooks/freshchat": ANYONE,
    "POST /incidences": APP_USER_AND_STAFF,
    "GET /incidences/{incidenceId}": INCIDENCE_READERS,
    "PATCH /incidences/{incidenceId}": APP_AND_STAFF,
    "GET /incidences/user/{userId}": INCIDENCE_READERS,
    "GET /incidences/order/{orderId}": INCIDENCE_READERS,
    "POST /channel/route": INCIDENCE_READERS,
    "POST /channel/escalate": APP_AND_STAFF,
    "POST /escalation/trigger": APP_AND_STAFF,
    "GET /escalation/queue": STAFF | ADMIN,
    "GET /agent/dashboard/{incidenceId}": STAFF | ADMIN,
    "POST /agent/actions/{incidenceId}": STAFF,
    "POST /agent/notes/{incidenceId}": STAFF,
    "GET /agent/approvals": STAFF | ADMIN,
    "GET /agent/stream": STAFF | ADMIN,
    "POST /agent/approvals/{approvalId}": frozenset({Role.SUPERVISOR}),
    "PUT /orders/{orderId}": APP,
    "GET /orders/{orderId}": APP_USER_AND_STAFF,
    "GET /orders/{orderId}/changes": APP_AND_STAFF,
    "POST /orders/{orderId}/changes/{requestId}": APP,
    "POST /agents": ADMIN,
    "GET /agents": ADMIN | {Role.SUPERVISOR},
    "GET /agents/{agentId}": STAFF | ADMIN,
    "PATCH /agents/{agentId}": ADMIN,
    "PUT /agents/{agentId}/status": STAFF | ADMIN,
    "POST /tokens/user": APP,
    "GET /tokens/keys": ADMIN,
    "POST /tokens/keys": ADMIN,
    "DELETE /tokens/keys/{keyId}": ADMIN,
    "POST /tokens/signing-keys": ADMIN,
    "GET /outbox/dead": ADMIN,
    "POST /outbox/{messageId}/resend": ADMIN,
    "GET /context/{userId}": CONTEXT_READERS,
    "PUT /context/{userId}/screen": CONTEXT_TELLERS,
    "PUT /context/{userId}/cart": CONTEXT_TELLERS,
    "PUT /context/{userId}/profile": APP,
    "POST /context/{userId}/signals": CONTEXT_TELLERS,
    "POST /friction/detect": CONTEXT_TELLERS,
    "POST /friction/signals": CONTEXT_TELLERS,
    "POST /notifications/trigger": CONTEXT_TELLERS,
    "POST /notifications/suppress/{userId}": CONTEXT_TELLERS,
    "GET /notifications/stream": frozenset({Role.USER}),
    "GET /friction/thresholds": RULE_READERS,
    "PUT /friction/thresholds": ADMIN,
    "GET /channel/rules": RULE_READERS,
    "PUT /channel/rules": ADMIN,
    "GET /escalation/rules": RULE_READERS,
    "GET /notifications/rules": RULE_READERS,
    "GET /analytics/kpis": KPI_READERS,
    "GET /analytics/trend/{metric}": KPI_READERS,
    "GET /analytics/friction-report": ANALYSTS,
    "GET /analytics/cost-analysis": ANALYSTS,
    "POST /analytics/recommendations/{recommendationId}": ANALYSTS,
    "POST /sign-in-links": ADMIN,
}
"""None: no key is needed. What platforms deliver shows its signature instead."""

DESK = STAFF | ADMIN
EVERY_VIEWER = frozenset(PAGE_ROLES)

PAGES: dict[str, frozenset[Role] | None] = {
    "GET /sign-in": ANYONE,
    "GET /sign-in/{token}": ANYONE,
    "POST /sign-in/{token}": ANYONE,
    "POST /language": ANYONE,
    "POST /sign-out": EVERY_VIEWER,
    "GET /desk": DESK,
    "POST /desk/status": STAFF,
    "GET /desk/stream": DESK,
    "GET /desk/incidences/{incidenceId}": DESK,
    "POST /desk/incidences/{incidenceId}/actions": STAFF,
    "POST /desk/incidences/{incidenceId}/notes": STAFF,
    "POST /desk/incidences/{incidenceId}/reopening": STAFF,
    "GET /desk/team": ADMIN | {Role.SUPERVISOR},
    "POST /desk/approvals/{approvalId}": frozenset({Role.SUPERVISOR}),
    "POST /desk/agents/{agentId}/status": ADMIN | {Role.SUPERVISOR},
    "GET /admin": ADMIN,
    "GET /admin/people": ADMIN,
    "POST /admin/people": ADMIN,
    "POST /admin/people/links": ADMIN,
    "GET /admin/keys": ADMIN,
    "POST /admin/keys": ADMIN,
    "POST /admin/keys/{keyId}/revocation": ADMIN,
    "GET /admin/dead-letters": ADMIN,
    "POST /admin/dead-letters/messages/{rowId}": ADMIN,
    "POST /admin/dead-letters/events/{rowId}": ADMIN,
    "GET /admin/rules": ADMIN,
    "GET /admin/rules/{ruleSet}": ADMIN,
    "POST /admin/rules/{ruleSet}": ADMIN,
    "GET /": ANYONE,
    "GET /insights": KPI_READERS,
    "GET /insights/kpis/{metric}": KPI_READERS,
    "GET /insights/prompts": KPI_READERS,
    "GET /insights/tables/{name}.{kind}": KPI_READERS,
    "GET /insights/exports": KPI_READERS,
    "GET /insights/exports/{name}/{file}": KPI_READERS,
    "GET /insights/friction": ANALYSTS,
    "GET /insights/costs": ANALYSTS,
    "GET /insights/recommendations": ANALYSTS,
    "POST /insights/recommendations/{recommendationId}": ANALYSTS,
    "GET /insights/recommendations/{recommendationId}/evidence": ANALYSTS,
    "GET /insights/rows/{metric}": ANALYSTS,
    "GET /insights/incidences": ANALYSTS,
    "GET /reports": ANALYSTS,
    "GET /reports/{period}/{name}": ANALYSTS,
    "GET /docs/data": ANALYSTS,
    "GET /docs/data/{name}": ANALYSTS,
}
"""Who sees which page, by the role of the session. None: nobody needs to sign in."""

IN_PATHS = {"userId": USER_ID, "agentId": AGENT_ID}
"""What stands in a path; anything else gets an id that nothing has."""
NOBODY = "0199f3a2-7c41-7e11-8f5e-5b0c5f0d2f11"


class _InPath(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return NOBODY


def test_every_route_has_its_row_and_every_row_its_route(sqlite_settings: Settings):
    found = {
        f"{operation.method} {operation.path}": None if operation.roles is None else frozenset(operation.roles)
        for operation in operations(create_app(sqlite_settings))
    }
    assert found == TABLE


def test_every_page_has_its_row_and_every_row_its_page(sqlite_settings: Settings):
    found = {
        f"{method} {route.path}": _viewers(route)
        for route in create_app(sqlite_settings).routes
        if isinstance(route, PageRoute)
        for method in route.methods or ()
    }
    assert found == PAGES


def _viewers(route: PageRoute) -> frozenset[Role] | None:
    """The roles of the guards of a page; every role if it only needs a session."""
    calls = [inner.call for inner in below(route.dependant)]
    named = [set(call.roles) for call in calls if isinstance(call, ViewerGuard)]
    if named:
        return frozenset(set.intersection(*named))
    return EVERY_VIEWER if signed_in in calls else ANYONE


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, _migrated_file):
    settings = Settings.at(tmp_path_factory.mktemp("roles"))
    (settings.var_dir / "operations.sqlite3").write_bytes(_migrated_file.read_bytes())
    with serve_api(settings) as api:
        yield api


@pytest.mark.parametrize("operation", TABLE)
def test_the_table_is_what_callers_meet(served: Api, operation: str):
    method, path = operation.split()
    url = path.format_map(_InPath(IN_PATHS))
    allowed = TABLE[operation]
    with served.client(None).stream(method, url) as answer:
        assert (answer.status_code == 401) == (allowed is not None)
    refused = set()
    for role in Role:
        with served.as_role(role).stream(method, url) as answer:
            assert answer.status_code != 401
            if answer.status_code == 403:
                refused.add(role)
    assert refused == (set() if allowed is None else EVERY_ROLE - allowed)


@pytest.mark.parametrize("page", [page for page, roles in PAGES.items() if roles is not None])
def test_the_table_is_what_viewers_meet(served: Api, page: str):
    method, path = page.split()
    url = path.format_map(_InPath(IN_PATHS))
    nobody = served.client(None).request(method, url)
    assert (nobody.status_code, nobody.headers.get("location", "")[:8]) == (303, "/sign-in")
    refused = set()
    for role in PAGE_ROLES:
        token = served.store.write(_sign_in, role)
        headers = {"Cookie": f"{SESSION_COOKIE}={token}", "Content-Type": "application/x-www-form-urlencoded"}
        content = f"csrf={csrf_of(token)}" if method == "POST" else None
        with served.client(None).stream(method, url, headers=headers, content=content) as answer:
            if answer.status_code == 403:
                refused.add(role)
    assert refused == EVERY_VIEWER - (PAGES[page] or frozenset())


def _sign_in(connection: Connection, role: Role) -> str:
    owners = {Role.AGENT: AGENT_ID, Role.SUPERVISOR: SUPERVISOR_ID}
    return open_session(connection, insert_link(connection, role=role, agent_id=owners.get(role)).token)
