import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from api.outbox.rules import TIME_TO_LIVE
from api.outbox.sending import expire_outbox
from api.rules.registry import load_rules
from store import clock
from store.clock import monotonic_seconds
from store.enums import Destination, OutboxKind
from store.session import Store
from store.tables import outbox
from tests.api.outbox.sending_story import QUICK, connect, message, put, put_text, send_all, send_until, states
from tests.api.outbox.stub import SENDER, Stub, status, stub_platform
from tests.faulty_proxy import Fault, faulty_proxy


@pytest.fixture(scope="module")
def served() -> Iterator[Stub]:
    with stub_platform() as stub:
        yield stub


@pytest.fixture
def stub(served: Stub) -> Stub:
    fresh = Stub()
    for name in ("seen", "done", "parts", "users", "misbehave"):
        setattr(served, name, getattr(fresh, name))
    return served


def test_messages_of_a_conversation_go_in_the_order_they_were_written(store: Store, stub: Stub):
    connect(store.settings, intercom=stub.address)
    stub.misbehave = lambda seen: status(500) if len(stub.seen) in {1, 4} else None
    ids = [put_text(store, f"text {number}") for number in range(4)]
    other = put_text(store, "elsewhere", conversation_id="c2")
    assert send_all(store, [*ids, other]) == ["SENT"] * 5
    assert stub.texts("c1") == ["text 0", "text 1", "text 2", "text 3"]
    sent = message(store, ids[-1])
    assert sent.platform_message_id == stub.parts["c1"][-1]["id"]
    assert sent.claimed_until is None
    assert sent.sent_at is not None


def test_nothing_is_sent_to_what_is_not_connected_until_it_is(sqlite_store: Store, stub: Stub):
    connect(sqlite_store.settings, freshchat=stub.address)
    waiting = put_text(sqlite_store, "hello")
    sent = put_text(sqlite_store, "hello", destination=Destination.FRESHCHAT)
    send_all(sqlite_store, [sent])
    assert message(sqlite_store, waiting).attempts == 0
    connect(sqlite_store.settings, intercom=stub.address)
    assert send_all(sqlite_store, [waiting]) == ["SENT"]


def test_what_the_platform_refuses_is_dead_with_its_code_and_without_text(sqlite_store: Store, stub: Stub):
    connect(sqlite_store.settings, intercom=stub.address)
    stub.misbehave = lambda seen: status(422)
    dead = put_text(sqlite_store, "my phone is 98450")
    assert send_all(sqlite_store, [dead]) == ["DEAD"]
    assert message(sqlite_store, dead).failure == "http 422 made_up"
    assert len(stub.seen) == 1


def test_a_text_that_was_done_though_the_connection_broke_is_not_sent_again(store: Store, stub: Stub):
    faults = iter([Fault.CUT_AFTER_COMMIT])
    with faulty_proxy(stub.port, lambda: next(faults, Fault.NONE)) as proxy:
        connect(store.settings, intercom=proxy.address)
        sent = put_text(store, "Namaste & welcome <3")
        assert send_all(store, [sent]) == ["SENT"]
    assert stub.texts("c1") == ["Namaste &amp; welcome &lt;3"]
    assert [seen.method for seen in stub.seen] == ["POST", "GET"]
    assert message(store, sent).platform_message_id == stub.parts["c1"][0]["id"]


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.SWALLOW])
def test_a_text_that_never_arrived_is_sent_once_it_was_looked_for(sqlite_store: Store, stub: Stub, fault: Fault):
    faults = iter([fault])
    with faulty_proxy(stub.port, lambda: next(faults, Fault.NONE)) as proxy:
        connect(sqlite_store.settings, freshchat=proxy.address)
        sent = put_text(sqlite_store, "hello", destination=Destination.FRESHCHAT)
        assert send_all(sqlite_store, [sent]) == ["SENT"]
    assert [seen.method for seen in stub.seen] == ["GET", "POST"]
    assert stub.texts("c1") == ["hello"]


@pytest.mark.parametrize("fault", [Fault.DELAY, Fault.DRIP, Fault.HALF_CLOSE])
def test_slow_and_broken_answers_repeat_no_text(sqlite_store: Store, stub: Stub, fault: Fault):
    faults = iter([fault, fault])
    with faulty_proxy(stub.port, lambda: next(faults, Fault.NONE), delay_seconds=0.02) as proxy:
        connect(sqlite_store.settings, intercom=proxy.address)
        assert send_all(sqlite_store, [put_text(sqlite_store, "hello")]) == ["SENT"]
    assert stub.texts("c1") == ["hello"]


def test_a_text_that_nobody_can_look_for_is_uncertain_and_never_sent_again(sqlite_store: Store, stub: Stub):
    connect(sqlite_store.settings, intercom=stub.address)
    stub.misbehave = lambda seen: status(500)
    lost = put_text(sqlite_store, "hello")
    assert send_all(sqlite_store, [lost], pace=replace(QUICK, most_attempts=4)) == ["UNCERTAIN"]
    assert [seen.method for seen in stub.seen if "reply" in seen.path] == ["POST"]
    stub.misbehave = lambda seen: None
    later = put_text(sqlite_store, "and more")
    assert send_all(sqlite_store, [later]) == ["SENT"]


def test_the_same_text_twice_is_two_texts(sqlite_store: Store, stub: Stub):
    faults = iter([Fault.NONE, Fault.RESET])
    with faulty_proxy(stub.port, lambda: next(faults, Fault.NONE)) as proxy:
        connect(sqlite_store.settings, intercom=proxy.address)
        ids = [put_text(sqlite_store, "hello"), put_text(sqlite_store, "hello")]
        assert send_all(sqlite_store, ids) == ["SENT"] * 2
    assert stub.texts("c1") == ["hello"] * 2


def test_a_text_of_somebody_else_is_not_taken_for_ours(sqlite_store: Store, stub: Stub):
    stub.write("c1", "another-admin", "hello")
    faults = iter([Fault.RESET])
    with faulty_proxy(stub.port, lambda: next(faults, Fault.NONE)) as proxy:
        connect(sqlite_store.settings, intercom=proxy.address)
        assert send_all(sqlite_store, [put_text(sqlite_store, "hello")]) == ["SENT"]
    assert [part["author"] for part in stub.parts["c1"]] == ["another-admin", SENDER]


def test_what_sets_a_state_is_simply_sent_again(sqlite_store: Store, stub: Stub):
    faults = iter([Fault.CUT_AFTER_COMMIT])
    with faulty_proxy(stub.port, lambda: next(faults, Fault.NONE)) as proxy:
        connect(sqlite_store.settings, intercom=proxy.address)
        closing = put(sqlite_store, OutboxKind.CLOSE_CONVERSATION)
        assert send_all(sqlite_store, [closing]) == ["SENT"]
    assert [seen.method for seen in stub.done] == ["POST", "POST"]


def test_a_text_of_a_sender_that_died_is_looked_for_first(store: Store, stub: Stub):
    connect(store.settings, intercom=stub.address)
    sent = put_text(store, "hello")
    stub.write("c1", SENDER, "hello")
    died_at = clock.now() - timedelta(seconds=1)
    store.write(lambda connection: connection.execute(update(outbox).values(claimed_until=died_at, attempts=1)))
    assert send_all(store, [sent]) == ["SENT"]
    assert stub.texts("c1") == ["hello"]


def test_a_platform_that_asks_to_wait_is_left_alone_so_long(sqlite_store: Store, stub: Stub):
    connect(sqlite_store.settings, intercom=stub.address)
    arrived_at = []

    def misbehave(seen):
        arrived_at.append(monotonic_seconds())
        return status(429, **{"Retry-After": "1"}) if len(arrived_at) == 1 else None

    stub.misbehave = misbehave
    ids = [put_text(sqlite_store, "hello", conversation_id=f"c{number}") for number in range(3)]
    assert send_all(sqlite_store, ids, pace=replace(QUICK, most_at_once=1)) == ["SENT"] * 3
    assert arrived_at[1] - arrived_at[0] >= 1
    assert [seen.method for seen in stub.seen] == ["POST"] * 4


def test_a_platform_that_is_down_gets_a_rest_and_the_other_goes_on(sqlite_store: Store, stub: Stub):
    connect(sqlite_store.settings, intercom="http://127.0.0.1:9", freshchat=stub.address)
    pace = replace(QUICK, most_at_once=2, failures_to_rest=2, rest=60.0, longest_rest=60.0)
    resting = [put_text(sqlite_store, "hello", conversation_id=f"c{number}") for number in range(20)]
    begun = lambda: sum(message(sqlite_store, each).attempts for each in resting)  # noqa: E731
    send_until(sqlite_store, lambda: begun() >= 2, pace=pace)
    others = [
        put_text(sqlite_store, "hello", destination=Destination.FRESHCHAT, conversation_id=f"f{n}") for n in range(5)
    ]
    tried = begun()
    assert send_all(sqlite_store, others, pace=pace) == ["SENT"] * 5
    assert begun() <= tried + pace.most_at_once  # a new sender learns it anew
    assert set(states(sqlite_store, resting)) == {"PENDING"}


def test_what_is_too_old_is_not_sent(store: Store, stub: Stub):
    connect(store.settings, intercom=stub.address)
    old = put_text(store, "hello")
    ago = clock.now() - TIME_TO_LIVE[OutboxKind.SEND_MESSAGE]
    store.write(lambda connection: connection.execute(update(outbox).values(expires_at=ago)))
    fresh = put_text(store, "news")
    send_until(store, lambda: bool(stub.seen) or give_up(store) > 0)
    assert send_all(store, [old, fresh]) == ["EXPIRED", "SENT"]
    assert stub.texts("c1") == ["news"]


def give_up(store: Store) -> int:
    return store.write(lambda connection: expire_outbox(connection, load_rules(connection, clock.now())))


def test_a_user_keeps_the_properties_that_freshchat_had(sqlite_store: Store, stub: Stub):
    connect(sqlite_store.settings, freshchat=stub.address)
    stub.users["u1"] = [{"name": "tier", "value": "SILVER"}, {"name": "theirs", "value": "kept"}]
    payload = {"platformUserId": "u1", "attributes": {"tier": "GOLD", "prior_order_count": 4}}
    told = put(sqlite_store, OutboxKind.SEND_USER_CONTEXT, payload, destination=Destination.FRESHCHAT)
    assert send_all(sqlite_store, [told]) == ["SENT"]
    assert {each["name"]: each["value"] for each in stub.users["u1"]} == {
        "tier": "GOLD",
        "theirs": "kept",
        "prior_order_count": 4,
    }


def test_the_app_can_believe_what_it_is_asked(sqlite_store: Store, stub: Stub):
    connect(sqlite_store.settings, app=f"{stub.address}/changes")
    payload = {"requestId": "r1", "kind": "DISCOUNT", "discountPaise": 50_050}
    asked = put(sqlite_store, OutboxKind.ORDER_CHANGE, payload, destination=Destination.APP, conversation_id=None)
    assert send_all(sqlite_store, [asked]) == ["SENT"]
    (seen,) = stub.seen
    assert seen.body == {"requestId": "r1", "kind": "DISCOUNT", "discount": 500.5}
    assert seen.headers["idempotency-key"] == "r1"
    told, newer, older = seen.headers["x-supportled-signature"].split(",")
    content = b'{"requestId":"r1","kind":"DISCOUNT","discount":500.5}'
    for mark, secret in ((newer, b"newer"), (older, b"older")):
        signed = hmac.new(secret, told.removeprefix("t=").encode() + b"." + content, hashlib.sha256)
        assert mark == f"v1={signed.hexdigest()}"
