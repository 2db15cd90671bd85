"""Real deliveries of both platforms, and a real signature of Freshchat."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.rules.registry import load_rules
from api.webhooks.accepting import accept
from api.webhooks.applying import apply_pending
from ingestion.platforms.freshchat import events as freshchat
from ingestion.platforms.freshchat.signature import find_fault
from ingestion.platforms.intercom import events as intercom
from store import clock
from store.enums import ChatEvent
from store.platform_settings import Connections
from store.session import Store
from store.tables import incidence_timeline, incidences, webhook_events


@pytest.fixture(scope="session")
def payloads(shared_dir: Path) -> dict[str, bytes]:
    found = {path.stem: path.read_bytes() for path in (shared_dir / "data" / "payloads").glob("*.json")}
    vector = json.loads(found.pop("freshchat_signed_vector"))
    return {**found, "freshchat_signed_body": vector["body_utf8"].encode()}


@pytest.fixture(scope="session")
def vector(shared_dir: Path) -> dict[str, str]:
    return json.loads((shared_dir / "data" / "payloads" / "freshchat_signed_vector.json").read_text())


def test_the_signed_vector_fits_and_its_bad_twin_does_not(vector: dict[str, str]):
    body, keys = vector["body_utf8"].encode(), [vector["public_key_pem_as_issued"]]
    assert find_fault(body, vector["valid_signature_b64"], keys) is None
    assert find_fault(body, vector["invalid_signature_b64"], keys) is not None


def test_no_bit_of_the_vector_may_differ(vector: dict[str, str], size: Callable[..., int]):
    """Every bit of the signature, of its header and of the body."""
    body, keys = vector["body_utf8"].encode(), [vector["public_key_pem_as_issued"]]
    header = vector["valid_signature_b64"]
    signature = base64.b64decode(header)
    step = size(small=7, full=1)
    tried = 0
    for bit in range(0, len(signature) * 8, step):
        assert find_fault(body, base64.b64encode(_flipped(signature, bit)).decode(), keys) is not None
        tried += 1
    for bit in range(0, len(header) * 8, step):
        assert find_fault(body, _flipped(header.encode(), bit).decode("latin-1"), keys) is not None
        tried += 1
    for bit in range(0, len(body) * 8, step):
        assert find_fault(_flipped(body, bit), header, keys) is not None
        tried += 1
    print(f"{tried:,} one-bit changes refused")


def _flipped(octets: bytes, bit: int) -> bytes:
    changed = bytearray(octets)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


EFFECTS = {
    "intercom_ping": None,
    "intercom_conversation_user_created_2019": ChatEvent.STARTED,
    "intercom_conversation_admin_assigned_2019": ChatEvent.AGENT_ASSIGNED,
    "intercom_conversation_admin_closed_2019": ChatEvent.RESOLVED,
    "freshchat_message_create_user_2020": ChatEvent.MESSAGE_RECEIVED,
    "freshchat_conversation_assignment_2020": ChatEvent.AGENT_ASSIGNED,
    "freshchat_conversation_resolution_2020": ChatEvent.RESOLVED,
    "freshchat_signed_body": ChatEvent.MESSAGE_RECEIVED,
}


def _module(name: str) -> Any:
    return intercom if name.startswith("intercom") else freshchat


def test_every_sample_is_read_as_what_it_is(payloads: dict[str, bytes]):
    assert {name: _module(name).read_event(body).event_type for name, body in payloads.items()} == EFFECTS


def test_no_name_and_no_word_of_a_sample_leaves_the_store(payloads: dict[str, bytes]):
    for name, body in payloads.items():
        redacted = json.dumps(_module(name).read_delivery(body).redacted_body)
        for word in ("Example", "example.com", "Hello", "going", "Test 2", "something"):
            assert word not in redacted


def test_every_sample_has_its_effect(sqlite_store: Store, payloads: dict[str, bytes]):
    """Two conversations begin and one of them ends; what belongs to others waits for them; the ping is ignored."""
    for name, body in payloads.items():
        assert sqlite_store.write(accept, _module(name).read_delivery(body), clock.now())
        assert not sqlite_store.write(accept, _module(name).read_delivery(body), clock.now())
    for _ in range(2):
        sqlite_store.write(lambda c: apply_pending(c, load_rules(c, clock.now()), Connections(), clock.now()))
    with sqlite_store.read() as connection:
        states = {row.topic + row.conversation_id[:3] if row.conversation_id else row.topic: row.state
                  for row in connection.execute(webhook_events.select())}  # fmt: skip
        users = {row.user_id: row.outcome for row in connection.execute(incidences.select())}
        messages = connection.execute(
            incidence_timeline.select().where(incidence_timeline.c.event_type == "MESSAGE")
        ).all()
    assert states == {
        "ping": "IGNORED",
        "conversation.user.created213": "APPLIED",
        "conversation.admin.assigned213": "WAITING",
        "conversation.admin.closed213": "WAITING",
        "message_createaec": "APPLIED",
        "conversation_resolutionaec": "APPLIED",
        "conversation_assignment40c": "WAITING",
        "message_createc32": "APPLIED",
    }
    assert users == {
        "intercom:5c9553cb27e377f24eed49f7": None,
        "freshchat:5cac723a-13aa-473e-846b-9cdb7d2c41a5": "RESOLVED",
        "freshchat:882f3926-b292-414b-a411-96380db373cd": None,
    }
    assert {row.text for row in messages} == {"Hello everyone!", "User here, I am going", "Test 2"}
