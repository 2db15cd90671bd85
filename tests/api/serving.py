"""A real server on loopback in a thread of the test's process, so that a test may set the clock it reads."""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import uvicorn
from fastapi import APIRouter, FastAPI
from sqlalchemy import Connection, insert

from api.app import create_app
from api.serving import KEEP_ALIVE_SECONDS
from api.tokens.service import insert_key
from api.worker.loops import Loop
from store import clock
from store.enums import KEY_ROLES, AgentLevel, Role
from store.session import Store, open_store
from store.settings import Settings
from store.tables import agents

AGENT_ID = "agent-asha"
SUPERVISOR_ID = "agent-vikram"
USER_ID = "user-meera"


@dataclass(frozen=True)
class Api:
    """The served application. `api.as_role(Role.APP)` and `api.as_user("user-1")` are clients."""

    app: FastAPI
    address: str
    keys: Mapping[Role, str]
    _clients: dict[str | None, httpx2.Client]

    @property
    def store(self) -> Store:
        return self.app.state.store

    def as_role(self, role: Role) -> httpx2.Client:
        return self.client(self.keys[role]) if role is not Role.USER else self.as_user(USER_ID)

    def as_user(self, user_id: str) -> httpx2.Client:
        return self.client(self.user_token(user_id))

    def user_token(self, user_id: str) -> str:
        return self.as_role(Role.APP).post("/tokens/user", json={"userId": user_id}).raise_for_status().json()["token"]

    def client(self, key: str | None) -> httpx2.Client:
        if key not in self._clients:
            headers = {} if key is None else {"Authorization": f"Bearer {key}"}
            self._clients[key] = httpx2.Client(base_url=self.address, headers=headers, timeout=30, verify=False)
        return self._clients[key]


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """The address of the app while the `with` lasts."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, ws="none", lifespan="on", timeout_keep_alive=KEEP_ALIVE_SECONDS
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="api-under-test")
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def serve_api(settings: Settings, *routers: APIRouter, loops: Sequence[Loop] | None = None) -> Iterator[Api]:
    """The whole application over a migrated store, with a key of each role and the two agents they belong to.

    `routers` are added, for tests of what every route stands on.
    """
    with open_store(settings) as store:
        keys = store.write(make_people)
    app = create_app(settings, loops=loops)
    for router in routers:
        app.include_router(router)
    clients: dict[str | None, httpx2.Client] = {}
    with serve(app) as address:
        api = Api(app, address, keys, clients)
        assert api.client(None).get("/readyz").status_code == 200
        try:
            yield api
        finally:
            for client in clients.values():
                client.close()


def make_people(connection: Connection) -> dict[Role, str]:
    """The two agents, and a key of each role."""
    at = clock.now()
    people = {AGENT_ID: ("Asha", AgentLevel.AGENT), SUPERVISOR_ID: ("Vikram", AgentLevel.SUPERVISOR)}
    for agent_id, (name, level) in people.items():
        row: dict[str, Any] = {
            "agent_id": agent_id,
            "name": name,
            "levels": [level],
            "status": "AWAY",
            "platform_ids": {},
            "created_at": at,
            "updated_at": at,
        }
        connection.execute(insert(agents).values(row))
    owners = {Role.AGENT: AGENT_ID, Role.SUPERVISOR: SUPERVISOR_ID}
    return {
        role: insert_key(connection, role=role, label=f"{role} of the tests", agent_id=owners.get(role))
        for role in KEY_ROLES
    }
