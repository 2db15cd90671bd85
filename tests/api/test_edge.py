import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from starlette.responses import StreamingResponse

from api.edge import Edge
from api.errors import TooManyRequests
from api.json_text import InvalidJson, parse_json
from api.metrics import Metrics
from api.problems import install_error_handlers
from api.rates import Rate, Rates
from api.tokens.keyring import Principal
from store.enums import Role
from store.settings import Settings
from store.tables import api_keys
from tests.api.serving import Api, serve, serve_api

router = APIRouter()
JSON = {"Content-Type": "application/json"}


@router.post("/echo")
async def post_echo(body: dict) -> dict:
    return body


@router.get("/broken")
async def get_broken() -> None:
    raise RuntimeError("Meera Iyer, +91 98450 12345")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, _migrated_file: Path) -> Iterator[Api]:
    settings = Settings.at(tmp_path_factory.mktemp("edge"))
    (settings.var_dir / "operations.sqlite3").write_bytes(_migrated_file.read_bytes())
    with serve_api(settings, router) as api:
        yield api


def echo(api: Api, body: bytes) -> httpx2.Response:
    return api.as_role(Role.APP).post("/echo", content=body, headers=JSON)


HOSTILE = {
    "nothing": b"",
    "half": b'{"a":',
    "not a number": b'{"a": NaN}',
    "infinity": b'{"a": [-Infinity]}',
    "beyond doubles": b'{"a": 1e999}',
    "beyond 64 bits": b'{"a": 9223372036854775808}',
    "5,000 digits": b'{"a": ' + b"9" * 5_000 + b"}",
    "U+0000": rb'{"a": "x\u0000y"}',
    "U+0000 in a name": rb'{"\u0000": 1}',
    "a raw U+0000": b'{"a": "\x00"}',
    "half a surrogate pair": rb'{"a": "\ud83d"}',
    "100,000 lists": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 100_000,
    "201 levels": b'{"a":' * 201 + b"1" + b"}" * 201,
    "latin-1": '{"a": "é"}'.encode("latin-1"),
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "a list": b"[]",
    "a word": b"null",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_is_the_callers_mistake(api: Api, name: str):
    answer = echo(api, HOSTILE[name])
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["remedy"]


@pytest.mark.parametrize(
    "body", [b'{"a": 9223372036854775807}', b'{"a": "' + b"9" * 100 + b'"}', rb'{"a": "\\u0000"}', b'{"a":' * 199 + b"1" + b"}" * 199]
)  # fmt: skip
def test_unusual_json_is_taken_as_it_is(api: Api, body: bytes):
    assert echo(api, body).json() == json.loads(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), inner),
)  # fmt: skip


@given(json_values)
def test_what_is_read_is_what_was_written(value):
    assert parse_json(json.dumps(value).encode()) == value


@given(st.binary() | st.text('[]{}",:0123456789eE+-.\\u').map(str.encode))
def test_reading_ends_in_a_value_or_in_invalid_json(text: bytes):
    try:
        value = parse_json(text)
    except InvalidJson:
        return
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


def test_a_large_body_is_refused_by_its_length_before_it_is_read(api: Api):
    address = urlsplit(api.address)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 67108864\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_large_body_is_refused_though_it_comes_in_chunks(api: Api):
    answer = api.as_role(Role.APP).post("/echo", content=iter([b"x" * 65_536] * 20), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    fits = api.as_role(Role.APP).post("/echo", content=iter([b'{"a":"', b"x" * 1_000_000, b'"}']), headers=JSON)
    assert fits.status_code == 200


def test_a_mistake_of_ours_is_told_without_its_text(api: Api, capsys: pytest.CaptureFixture[str]):
    answer = api.client(None).get("/broken")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert answer.json()["requestId"] == answer.headers["X-Request-ID"]
    logged = capsys.readouterr().out
    assert "get_broken" in logged
    assert "RuntimeError" in logged
    for text in (answer.text, logged):
        assert "Meera" not in text


def test_the_callers_request_id_goes_through(api: Api):
    for sent, is_taken in (("order-7.retry:2", True), ("two words", False), ("x" * 65, False)):
        answer = api.client(None).get("/nothing-here", headers={"X-Request-ID": sent})
        assert (answer.headers["X-Request-ID"] == sent) == is_taken
        assert answer.json()["requestId"] == answer.headers["X-Request-ID"]


def test_the_log_has_one_line_of_json_for_a_request_and_no_ids_of_its_path(
    api: Api, capsys: pytest.CaptureFixture[str]
):
    api.as_role(Role.ADMIN).delete("/tokens/keys/whose-key-is-this", headers={"X-Request-ID": "line-1"})
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "line-1" in line]
    assert {"method": "DELETE", "route": "/tokens/keys/{keyId}", "status": 404, "role": "ADMIN"}.items() <= line.items()
    assert "whose-key" not in json.dumps(line)


def test_every_answer_carries_the_headers_that_protect_it(api: Api):
    for path in ("/healthz", "/nothing-here", "/docs"):
        headers = api.client(None).get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_unknown_paths_and_methods_are_problems_too(api: Api):
    missing = api.client(None).get("/nothing-here")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    wrong = api.client(None).delete("/healthz")
    assert (wrong.status_code, wrong.json()["code"], wrong.headers["Allow"]) == (405, "method_not_allowed", "GET")


@pytest.mark.parametrize("path", ["/tokens/keys/%00", "/tokens/keys/a%20b", "/tokens/keys/" + "x" * 200])
def test_an_id_that_cannot_be_one_is_refused(api: Api, path: str):
    answer = api.as_role(Role.ADMIN).delete(path)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "keyId")


def test_metrics_count_by_route_and_never_by_id(api: Api):
    api.client(None).get("/some/unknown/path")
    api.as_role(Role.ADMIN).delete("/tokens/keys/an-unknown-key")
    text = api.client(None).get("/metrics").text
    assert 'supportled_requests_total{method="DELETE",route="/tokens/keys/{keyId}",status="404"}' in text
    assert 'route="unmatched"' in text
    assert "supportled_writes_waiting 0.0" in text
    assert "unknown" not in text


def test_ready_means_that_the_store_is_there_and_written(sqlite_settings: Settings):
    with serve_api(sqlite_settings) as api:
        probe = api.client(None)
        assert probe.get("/readyz").json() == {"status": "ready", "warehouseVersion": None, "alarms": []}
        api.store.writer.close()
        answer = probe.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
        assert probe.get("/healthz").status_code == 200


def test_the_store_ending_is_told_as_such(sqlite_settings: Settings):
    with serve_api(sqlite_settings) as api:
        client = api.as_role(Role.ADMIN)
        api.store.writer.close()
        answer = client.post("/tokens/keys", json={"role": "APP", "label": "x"})
        assert (answer.status_code, answer.json()["code"]) == (503, "writer_closed")
        assert answer.headers["Retry-After"] == "1"


def test_a_bucket_is_filled_by_time():
    seconds = [0.0]
    rates = Rates({Role.APP: Rate(per_second=2, burst=3)}, seconds=lambda: seconds[0])
    one, other = Principal("one", Role.APP), Principal("other", Role.APP)
    for _ in range(3):
        rates.take(one)
    with pytest.raises(TooManyRequests) as refusal:
        rates.take(one)
    assert refusal.value.headers == {"Retry-After": "1"}
    rates.take(other)
    seconds[0] = 0.5
    rates.take(one)
    with pytest.raises(TooManyRequests):
        rates.take(one)
    seconds[0] = 1_000
    for _ in range(3):
        rates.take(one)


def test_a_program_gone_wild_is_told_to_wait(sqlite_settings: Settings):
    with serve_api(sqlite_settings) as api:
        api.app.state.rates = Rates({role: Rate(per_second=0.1, burst=2) for role in Role})
        client = api.as_role(Role.APP)
        statuses = [client.get("/channel/rules").status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert int(client.get("/channel/rules").headers["Retry-After"]) in range(1, 11)
        assert api.as_role(Role.ADMIN).get("/channel/rules").status_code == 200


def test_a_key_revoked_elsewhere_is_believed_for_seconds_only(sqlite_settings: Settings):
    from api.tokens import keyring
    from api.tokens.keyring import Keyring
    from store import clock

    with serve_api(sqlite_settings) as api:
        ring = Keyring(api.store)
        assert ring.find(api.keys[Role.APP]) is not None
        api.store.write(lambda connection: connection.execute(update(api_keys).values(revoked_at=clock.now())))
        assert ring.find(api.keys[Role.APP]) is not None
        later = clock.monotonic_seconds() + keyring.BELIEVED_SECONDS
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(keyring, "monotonic_seconds", lambda: later + 0.1)
            assert ring.find(api.keys[Role.APP]) is None


@pytest.fixture
def slow() -> Iterator[str]:
    """An application whose answers must begin within 50 ms; `release` ends a stream."""
    app = FastAPI()
    install_error_handlers(app)
    app.add_middleware(Edge, metrics=Metrics(), answer_within_seconds=0.05)

    @app.get("/never")
    async def get_never() -> None:
        await asyncio.Event().wait()

    @app.get("/stream")
    async def get_stream() -> StreamingResponse:
        async def words():
            yield b"first "
            await asyncio.get_running_loop().run_in_executor(None, _wait_beyond_the_limit)
            yield b"last"

        return StreamingResponse(words())

    with serve(app) as address:
        yield address


def _wait_beyond_the_limit() -> None:
    import threading

    threading.Event().wait(0.2)


def test_what_is_never_answered_is_given_up(slow: str):
    answer = httpx2.get(f"{slow}/never")
    assert (answer.status_code, answer.json()["code"]) == (503, "timed_out")


def test_a_stream_that_has_begun_may_go_on(slow: str):
    assert httpx2.get(f"{slow}/stream").text == "first last"
