from datetime import timedelta

import httpx2
import jwt
import pytest

from api.tokens.user_tokens import read_signing_keys
from store import clock
from store.enums import Role
from tests.api.serving import AGENT_ID, Api


def status_of(client: httpx2.Client) -> int:
    """200 for a key of a role that reads rules, 403 for a user, 401 for nobody."""
    return client.get("/channel/rules").status_code


@pytest.fixture
def admin(api: Api) -> httpx2.Client:
    return api.as_role(Role.ADMIN)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch):
    """Sets the product's clock forward."""
    start = clock.now()

    def move(forward: timedelta) -> None:
        monkeypatch.setattr(clock, "now", lambda: start + forward)

    return move


def make_key(admin: httpx2.Client, **wanted) -> dict[str, str]:
    answer = admin.post("/tokens/keys", json={"label": "made in a test", **wanted})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_new_key_works_until_it_is_revoked(api: Api, admin: httpx2.Client):
    made = make_key(admin, role="APP")
    assert status_of(api.client(made["key"])) == 200
    assert admin.delete(f"/tokens/keys/{made['keyId']}").status_code == 204
    assert status_of(api.client(made["key"])) == 401


def test_a_key_with_another_secret_is_refused(api: Api, admin: httpx2.Client):
    made = make_key(admin, role="APP")
    assert status_of(api.client(made["key"])) == 200  # it is known from here on
    assert status_of(api.client(made["key"][:-1] + ("x" if made["key"][-1] != "x" else "y"))) == 401


@pytest.mark.parametrize("key", ["slk", "slk__", "slk_a_", "slk_a_b", "x.y.z", "slk_" + "é" * 40, "a" * 5_000])
def test_what_is_no_key_is_refused(api: Api, key: str):
    answer = httpx2.get(f"{api.address}/channel/rules", headers=[(b"Authorization", f"Bearer {key}".encode())])
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthenticated"


def test_keys_are_listed_without_their_secrets(admin: httpx2.Client):
    made = make_key(admin, role="ANALYST", label="Diwali figures")
    listed = admin.get("/tokens/keys")
    assert listed.json()["keys"][0] == {
        "keyId": made["keyId"],
        "role": "ANALYST",
        "label": "Diwali figures",
        "agentId": None,
        "createdAt": listed.json()["keys"][0]["createdAt"],
        "revokedAt": None,
    }
    assert made["key"].split("_", 2)[2] not in listed.text


def test_an_agents_key_belongs_to_an_agent_and_no_other_does(admin: httpx2.Client):
    assert make_key(admin, role="AGENT", agentId=AGENT_ID)["key"].startswith("slk_")
    for wanted in ({"role": "AGENT"}, {"role": "AGENT", "agentId": "nobody"}, {"role": "APP", "agentId": AGENT_ID}):
        answer = admin.post("/tokens/keys", json={"label": "x", **wanted})
        assert answer.status_code == 422
        assert "agentId" in answer.json()["detail"]


def test_no_key_is_made_for_a_user(admin: httpx2.Client):
    assert admin.post("/tokens/keys", json={"label": "x", "role": "USER"}).status_code == 422


def test_revoking_a_key_that_is_not_there_says_so(admin: httpx2.Client):
    assert admin.delete("/tokens/keys/nothing").json()["code"] == "not_found"


def test_a_user_token_says_who_it_is_for_and_ends_after_an_hour(api: Api, at):
    minted = api.as_role(Role.APP).post("/tokens/user", json={"userId": "user-81"}).json()
    claims = jwt.decode(minted["token"], options={"verify_signature": False})
    assert (claims["sub"], claims["exp"] - claims["iat"]) == ("user-81", 3600)
    phone = api.client(minted["token"])
    assert status_of(phone) == 403
    at(timedelta(minutes=59))
    assert status_of(phone) == 403
    at(timedelta(minutes=61))
    assert status_of(phone) == 401


def test_a_token_that_we_did_not_sign_is_refused(api: Api):
    real = api.user_token("user-81")
    header, claims = jwt.get_unverified_header(real), jwt.decode(real, options={"verify_signature": False})
    other_secret = jwt.encode(claims, "s" * 64, algorithm="HS256", headers={"kid": header["kid"]})
    unsigned = jwt.encode(claims, "", algorithm="none", headers={"kid": header["kid"]})
    with api.store.read() as connection:
        secret = read_signing_keys(connection)[0].secret
    other_user = jwt.encode({**claims, "sub": "no user\n"}, secret, algorithm="HS256", headers={"kid": header["kid"]})
    endless = jwt.encode({"sub": "user-81"}, secret, algorithm="HS256", headers={"kid": header["kid"]})
    for token in (other_secret, unsigned, other_user, endless, real[:-2]):
        assert status_of(api.client(token)) == 401
    assert status_of(api.client(real)) == 403


def test_tokens_outlive_one_rotation_of_the_secret_and_not_two(api: Api, admin: httpx2.Client):
    token = api.user_token("user-81")
    assert admin.post("/tokens/signing-keys").status_code == 204
    assert status_of(api.client(token)) == 403
    younger = api.user_token("user-81")
    assert admin.post("/tokens/signing-keys").status_code == 204
    assert status_of(api.client(token)) == 401
    assert status_of(api.client(younger)) == 403


def test_the_secret_is_replaced_after_thirty_days_by_itself(api: Api, at):
    first = jwt.get_unverified_header(api.user_token("user-81"))["kid"]
    at(timedelta(days=29))
    assert jwt.get_unverified_header(api.user_token("user-81"))["kid"] == first
    at(timedelta(days=31))
    assert jwt.get_unverified_header(api.user_token("user-81"))["kid"] != first


def test_secrets_never_leave_the_store():
    from ingestion.contracts import OPERATIONAL

    assert {"api_keys", "signing_keys", "idempotency_keys"}.isdisjoint(OPERATIONAL)
