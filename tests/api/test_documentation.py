import re

import pytest

from api.app import create_app
from api.docs_pages import FILES
from api.openapi import operations
from store.settings import Settings
from tests.api.serving import Api


@pytest.fixture
def document(sqlite_settings: Settings) -> dict:
    return create_app(sqlite_settings).openapi()


def test_the_document_names_the_roles_of_every_route(document: dict, sqlite_settings: Settings):
    for operation in operations(create_app(sqlite_settings)):
        found = document["paths"][operation.path][operation.method.lower()]
        assert found.get("x-roles") == (list(operation.roles) if operation.roles else None)
        assert found["description"]
        assert ("security" in found) == (operation.roles is not None)


WITHOUT_KEY = {
    "/channel/route": "changes nothing",
    "/tokens/user": "its answer is a secret, which is not kept",
    "/tokens/keys": "its answer is a secret, which is not kept",
    "/sign-in-links": "its answer is a secret, which is not kept",
    "/webhooks/intercom": "deliveries have ids of their own",
    "/webhooks/freshchat": "deliveries have ids of their own",
}


def test_every_post_can_be_repeated_safely(document: dict):
    for path, methods in document["paths"].items():
        if "post" in methods and path not in WITHOUT_KEY:
            assert "Idempotency-Key" in [found["name"] for found in methods["post"]["parameters"]], path
    assert set(WITHOUT_KEY) <= set(document["paths"])


def test_every_error_has_the_one_shape(document: dict):
    for methods in document["paths"].values():
        for found in methods.values():
            assert "default" in found["responses"]
            for status, answer in found["responses"].items():
                if status == "default" or status.startswith("4"):
                    schema = answer["content"]["application/problem+json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/ProblemAnswer"}
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_reference_of_the_document_leads_somewhere(document: dict):
    for reference in set(re.findall(r'"#/components/schemas/([^"]+)"', str(document).replace("'", '"'))):
        assert reference in document["components"]["schemas"]


def test_the_page_asks_nobody_else(api: Api):
    page = api.client(None).get("/docs")
    assert page.status_code == 200
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert [address for address in addresses if not address.startswith(("/docs/files/", "data:"))] == []
    for address in addresses:
        if address.startswith("/"):
            assert api.client(None).get(address).status_code == 200
    assert "connect-src 'self'" in page.headers["Content-Security-Policy"]
    assert "http" not in page.headers["Content-Security-Policy"]


def test_what_is_not_ours_has_its_licence_beside_it():
    assert "Apache License" in (FILES / "LICENSE").read_text()
    assert re.search(r"swagger-ui-dist \d+\.\d+\.\d+", (FILES / "VERSION").read_text())
