"""Thousands of sends to a platform that misbehaves in every way, by senders that are killed."""

import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from store import clock
from store.clock import monotonic_seconds
from store.enums import Destination, OutboxKind
from store.ids import new_id
from store.session import Store
from store.settings import ROOT, Settings
from store.tables import outbox
from tests.api.outbox.sending_story import KILLED, connect
from tests.api.outbox.stub import Seen, status, stub_platform
from tests.api.story import until
from tests.faulty_proxy import Fault, faulty_proxy

A_DAY_SECONDS = 86_400


def misbehaving(chance: random.Random) -> Callable[[Seen], Any]:
    """A tenth of the requests each fails with 500, or with 429 in one of its three forms; 429 says when to come back."""

    def misbehave(seen: Seen) -> Any:
        drawn = chance.random()
        if drawn < 0.1:
            return status(500)
        if drawn < 0.2:
            forms = (
                {"X-RateLimit-Reset": str(int(clock.now().timestamp()))},
                {"Retry-After": "0"},
                {},
            )
            return status(429, **chance.choice(forms))
        return None

    return misbehave


def breaking(chance: random.Random) -> Callable[[], Fault]:
    """A tenth of the requests hangs without arriving, a tenth is carried out and then cut."""

    def plan() -> Fault:
        drawn = chance.random()
        return Fault.SWALLOW if drawn < 0.1 else Fault.CUT_AFTER_COMMIT if drawn < 0.2 else Fault.NONE

    return plan


def write_messages(store: Store, count: int) -> None:
    """In conversations of five: four texts, and a closing."""
    at = clock.now()
    rows = []
    for number in range(count):
        is_text = number % 5 != 4
        rows.append(
            {
                "message_id": new_id(at),
                "destination": Destination.INTERCOM if number % 10 < 5 else Destination.FRESHCHAT,
                "kind": OutboxKind.SEND_MESSAGE if is_text else OutboxKind.CLOSE_CONVERSATION,
                "conversation_id": f"c{number // 5}",
                "payload": {"text": f"text {number}"} if is_text else {},
                "state": "PENDING",
                "order_in_conversation": number % 5,
                "created_at": at,
                "due_at": at,
                "expires_at": at.replace(year=at.year + 1),
            }
        )
    store.write(lambda connection: connection.execute(insert(outbox), rows))


@contextmanager
def killed_sender(settings: Settings, kills: int, is_done: Callable[[], bool]) -> Iterator[None]:
    """A sender that is killed in its work so many times, and started anew; at the end it runs."""
    places = {"SUPPORTLED_VAR": str(settings.var_dir), "SUPPORTLED_OPERATIONS_URL": settings.operations_url}

    def start() -> subprocess.Popen[str]:
        sender = subprocess.Popen(
            [sys.executable, "-m", "tests.api.outbox.sending_process"],
            cwd=ROOT,
            env=os.environ | places,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert sender.stdout is not None
        sender.stdout.readline()
        return sender

    sender = start()
    try:
        for _ in range(kills):
            threading.Event().wait(random.uniform(0.3, 1.0))
            if is_done():
                break
            sender.kill()
            sender.communicate()
            sender = start()
        yield
    finally:
        sender.kill()
        sender.communicate()


# Senders claim alike on both engines; what a dead one leaves, test_sending.py tells of both.
@pytest.mark.parametrize(
    "store_settings", ["sqlite", pytest.param("postgresql", marks=pytest.mark.release)], indirect=True
)
def test_no_message_is_lost_and_no_text_is_written_twice_though_senders_are_killed(
    store: Store, store_settings: Settings, size: Callable[..., int]
):
    count, kills = size(small=50, full=5_000), size(small=1, full=30)
    chance = random.Random(4)
    write_messages(store, count)

    def left() -> int:
        with store.read() as connection:
            return connection.execute(select(func.count()).where(outbox.c.state == "PENDING")).scalar_one()

    began = monotonic_seconds()
    with stub_platform() as stub, faulty_proxy(stub.port, breaking(chance)) as proxy:
        stub.misbehave = misbehaving(chance)
        connect(store_settings, intercom=proxy.address, freshchat=proxy.address)
        with killed_sender(store_settings, kills, lambda: left() == 0):
            until(lambda: left() == 0, seconds=size(small=60, full=900))
    seconds = monotonic_seconds() - began
    with store.read() as connection:
        rows = connection.execute(select(outbox)).all()
    found = Counter(row.state for row in rows)
    print(f"{count} messages in {seconds:.1f} s, {kills} kills: {dict(found)}, faults {proxy.counts}")
    texts = [text for conversation in stub.parts for text in stub.texts(conversation)]
    sent = [row.payload["text"] for row in rows if row.kind == "SEND_MESSAGE" and row.state == "SENT"]
    assert Counter(texts).most_common(1)[0][1] == 1, "a customer read something twice"
    assert set(sent) <= set(texts), "something was not written that is SENT"
    assert set(found) <= {"SENT", "UNCERTAIN"}, "a message was lost"
    assert found["UNCERTAIN"] <= count * 0.02
    in_order = [sorted(stub.texts(conversation), key=lambda text: int(text.split()[1])) for conversation in stub.parts]
    assert [stub.texts(conversation) for conversation in stub.parts] == in_order
    closings = sum(row.kind == "CLOSE_CONVERSATION" for row in rows)
    carried_out = sum(seen.method == "PUT" or seen.path.endswith("/parts") for seen in stub.done)
    broken = proxy.counts.get(Fault.CUT_AFTER_COMMIT, 0) + kills * 2 * KILLED.most_at_once
    assert closings <= carried_out <= closings + broken, "what was answered plainly was done again"
