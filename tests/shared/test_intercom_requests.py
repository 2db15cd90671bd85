"""Intercom's own OpenAPI file, served as a strict mock, with the sender as its client."""

import asyncio
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
import yaml

from api.outbox.transports.intercom import Intercom
from ingestion.platforms.intercom import calls
from store import clock
from store.enums import Destination, OutboxKind, Platform
from store.platform_settings import PlatformSettings
from store.session import Store
from tests.api.outbox.sending_story import connect, message, put, send_all
from tests.api.serving import serve

PATHS = (
    "/conversations/{conversation_id}",
    "/conversations/{conversation_id}/reply",
    "/conversations/{conversation_id}/parts",
    "/conversations/search",
    "/contacts/{contact_id}",
)
HEADERS = {**calls.HEADERS, "Authorization": "Bearer token"}


def know_token(token: str, request: Any = None) -> dict[str, str] | None:
    return {"sub": "us"} if token == "token" else None


def read_strictly(file: Path) -> dict[str, Any]:
    """The paths that we call; what their requests are made of has the members that the file names and no others."""
    document = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)
    document["paths"] = {path: document["paths"][path] for path in PATHS}
    document["components"]["securitySchemes"]["bearerAuth"]["x-bearerInfoFunc"] = f"{__name__}.know_token"
    schemas = document["components"]["schemas"]
    for operations in document["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                close(operation["requestBody"], schemas)
    return document


def close(node: Any, schemas: dict[str, Any]) -> None:
    if isinstance(node, list):
        for each in node:
            close(each, schemas)
    elif isinstance(node, dict):
        if "$ref" in node:
            schema = schemas[node["$ref"].rpartition("/")[2]]
            if "additionalProperties" not in schema and "properties" in schema:
                schema["additionalProperties"] = False
                close(schema, schemas)
            elif "oneOf" in schema:
                close(schema["oneOf"], schemas)
        else:
            for name, each in node.items():
                if name not in {"example", "examples"}:
                    close(each, schemas)


@contextmanager
def intercom_mock(file: Path) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it stands on a part of jsonschema that will go
        import connexion
        from connexion.mock import MockResolver
        from connexion.options import SwaggerUIOptions

        app = connexion.AsyncApp("intercom", swagger_ui_options=SwaggerUIOptions(swagger_ui=False))
        app.add_api(read_strictly(file), resolver=MockResolver(mock_all=True), strict_validation=True)
        with serve(cast("Any", app)) as address:
            yield address


@pytest.fixture(scope="module")
def address(shared_dir: Path) -> Iterator[str]:
    with intercom_mock(shared_dir / "data" / "intercom-openapi.yaml") as address:
        yield address


ATTRIBUTES = {"attributes": {"order_value": "₹1,25,000", "guest_count": 120}}


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (OutboxKind.SEND_USER_CONTEXT, {"platformUserId": "63a07ddf05a32042dffac965", **ATTRIBUTES}),
        (OutboxKind.UPDATE_CONVERSATION, ATTRIBUTES),
        (OutboxKind.ROUTE_TO_AGENT, {"agentPlatformId": "814860", "level": "AGENT"}),
        (OutboxKind.ROUTE_TO_AGENT, {"agentPlatformId": None, "level": "SUPERVISOR"}),
        (OutboxKind.CLOSE_CONVERSATION, {}),
        (OutboxKind.SEND_MESSAGE, {"text": "नमस्ते <b>& welcome"}),
    ],
)
def test_what_we_send_is_what_the_file_asks_for(
    sqlite_store: Store, address: str, kind: OutboxKind, payload: dict[str, Any]
):
    connect(sqlite_store.settings, intercom=address)
    sent = put(sqlite_store, kind, payload, destination=Destination.INTERCOM, conversation_id="123")
    assert send_all(sqlite_store, [sent]) == ["SENT"], message(sqlite_store, sent).failure


def test_what_we_read_is_asked_for_as_the_file_says(address: str):
    settings = PlatformSettings(Platform.INTERCOM, address, access_token="token", sender_id="991")

    async def read_all() -> list[str]:
        async with httpx2.AsyncClient() as client:
            transport = Intercom(client, settings)
            wanted = (
                calls.look_up("123"),
                calls.contact("63a0"),
                calls.changed_since(clock.now() - timedelta(hours=1), "page2"),
            )
            return [(await transport.ask(call)).result for call in wanted]

    assert asyncio.run(read_all()) == ["DONE"] * 3


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/conversations/1/parts", {"message_type": "close", "type": "admin"}, HEADERS),
        ("/conversations/1/parts", {"message_type": "close", "type": "admin", "admin_id": 991}, HEADERS),
        (
            "/conversations/1/reply",
            {"message_type": "comment", "type": "admin", "admin_id": "991", "text": "x"},
            HEADERS,
        ),
        ("/conversations/search", {"query": {"field": "updated_at", "operator": "newer", "value": "1"}}, HEADERS),
        ("/conversations/search", {"query": calls.changed_since(clock.now()).json["query"]}, {}),
        (
            "/conversations/search",
            {"query": calls.changed_since(clock.now()).json["query"]},
            HEADERS | {"Intercom-Version": "0"},
        ),
    ],
)
def test_the_mock_refuses_what_the_file_does_not_allow(
    address: str, path: str, body: dict[str, Any], headers: dict[str, str]
):
    assert httpx2.post(address + path, json=body, headers=headers).status_code in {400, 401}
