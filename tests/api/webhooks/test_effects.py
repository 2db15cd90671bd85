"""What each event does to incidence, timeline and agent."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from api.incidences.closing import close_incidence
from api.incidences.rules import status_of
from api.incidences.starting import StartIncidence, start_incidence
from api.incidences.timeline import SYSTEM
from api.orders.service import OrderFact, record_order
from api.rules.registry import load_rules
from api.webhooks.identity import settle_identity, waiting_identities
from store.enums import Channel, IncidenceTrigger, OrderStatus, OutboxKind, Outcome, Platform, Stage, TimelineEvent
from store.session import Store
from store.tables import (
    incidence_timeline,
    incidences,
    outbox,
    platform_conversations,
    platform_identities,
    prompts,
    webhook_events,
)
from tests.api.story import fill_cart
from tests.api.webhooks.chatting import CONNECTIONS, add_agents, add_users, tell
from tests.chats import SENDER, Chat, at

PLATFORMS = [*Platform]
each_platform = pytest.mark.parametrize("platform", PLATFORMS)


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    add_agents(sqlite_store)
    add_users(sqlite_store, ["meera", "ravi"])
    return sqlite_store


def rows(store: Store, table: Any = incidences, **wanted: Any) -> list[Any]:
    query = select(table).where(*(table.c[name] == value for name, value in wanted.items()))
    with store.read() as connection:
        return list(connection.execute(query))


def one(store: Store, **wanted: Any) -> Any:
    [row] = rows(store, **wanted)
    return row


def kinds(store: Store, incidence_id: str) -> list[str]:
    told = sorted(
        rows(store, incidence_timeline, incidence_id=incidence_id), key=lambda row: (row.occurred_at, row.event_id)
    )
    return [row.event_type for row in told]


def do(store: Store, change: Any, minutes: float = 20) -> Any:
    return store.write(lambda connection: change(connection, load_rules(connection, at(minutes)), at(minutes)))


def chat(platform: Platform, number: int = 1, user: str = "meera") -> Chat:
    return Chat(platform, f"c{number}", user)


def say(store: Store, *told: tuple[Chat, bytes], minutes: float = 20) -> None:
    tell(store, *((chat.platform, body) for chat, body in told), at=at(minutes))


@each_platform
def test_a_chat_that_starts_begins_an_incidence_as_of_its_own_time(store: Store, platform: Platform):
    talk = chat(platform)
    say(store, (talk, talk.starts()))
    row = one(store)
    assert (row.user_id, row.stage, row.trigger, status_of(row)) == ("meera", "PRE_ORDER", "USER_INITIATED", "OPEN")
    assert (row.created_at, row.opened_at) == (at(0), at(0))
    assert row.channel == {"INTERCOM": "IN_APP_CHAT", "FRESHCHAT": "WHATSAPP"}[platform]
    assert [r.text for r in rows(store, incidence_timeline, event_type="MESSAGE")] == ["Namaste"]
    told = {row.kind for row in rows(store, outbox, conversation_id="c1")}
    assert told == {OutboxKind.SEND_USER_CONTEXT, OutboxKind.UPDATE_CONVERSATION, OutboxKind.ROUTE_TO_AGENT}


@each_platform
def test_every_event_has_its_effect(store: Store, platform: Platform):
    talk = chat(platform)
    say(store, (talk, talk.starts()), (talk, talk.is_assigned(1)), (talk, talk.is_answered(2)))
    row = one(store)
    assert (status_of(row), row.agent_id, row.assigned_at) == ("ASSIGNED", "asha", at(1))
    say(store, (talk, talk.is_resolved(5)))
    row = one(store)
    assert (row.outcome, row.resolved_at, row.time_to_resolve_seconds) == ("RESOLVED", at(5), 300.0)
    say(store, (talk, talk.is_reopened(7)))
    row = one(store)
    assert (status_of(row), row.outcome, row.reopen_count, row.agent_id) == ("ASSIGNED", None, 1, "asha")
    assert kinds(store, row.incidence_id) == [
        "CREATED", "MESSAGE", "ASSIGNED", "MESSAGE", "CLOSED", "REOPENED",
    ]  # fmt: skip
    assert {event.state for event in rows(store, webhook_events)} == {"APPLIED"}


@each_platform
def test_a_users_word_after_the_end_goes_on_and_a_late_one_does_not(store: Store, platform: Platform):
    talk = chat(platform)
    say(store, (talk, talk.starts()), (talk, talk.is_resolved(5)), (talk, talk.says(3, "late")))
    assert one(store).outcome == "RESOLVED"
    assert {row.text for row in rows(store, incidence_timeline, event_type="MESSAGE")} == {"Namaste", "late"}
    say(store, (talk, talk.says(6, "one more thing")))
    assert (one(store).outcome, one(store).reopen_count) == (None, 1)


@each_platform
def test_an_agents_words_are_flagged_and_kept_as_they_are(store: Store, platform: Platform):
    talk = chat(platform)
    text = "You should upgrade to the premium package"
    say(store, (talk, talk.starts()), (talk, talk.is_answered(1, text)))
    answer = next(row for row in rows(store, incidence_timeline, event_type="MESSAGE") if row.actor_type == "AGENT")
    assert (answer.text, answer.agent_id, answer.occurred_at) == (text, "asha", at(1))
    assert answer.flags is not None
    mine = next(row for row in rows(store, incidence_timeline, event_type="MESSAGE") if row.actor_type == "USER")
    assert mine.flags is None


@each_platform
def test_our_own_words_come_back_as_the_systems(store: Store, platform: Platform):
    talk = chat(platform)
    ours = SENDER[platform]
    say(store, (talk, talk.starts()), (talk, talk.is_answered(1, "We open at nine.", ours)))
    say(store, (talk, talk.is_assigned(2, ours)))
    messages = rows(store, incidence_timeline, event_type="MESSAGE")
    assert sorted((row.actor_type, row.agent_id) for row in messages) == [("SYSTEM", None), ("USER", None)]
    assert one(store).agent_id is None
    assert len(rows(store, outbox)) == 3, "nothing is told because of what we said"


@each_platform
def test_our_own_assignment_that_comes_back_changes_nothing(store: Store, platform: Platform):
    talk = chat(platform)
    say(store, (talk, talk.starts()), (talk, talk.is_assigned(1, "agent-1")))
    before = one(store), kinds(store, one(store).incidence_id)
    say(store, (talk, talk.is_assigned(2, "agent-2", by=SENDER[platform])))
    after = one(store)
    assert (after.agent_id, kinds(store, after.incidence_id)) == (before[0].agent_id, before[1])


@each_platform
def test_what_the_platform_assigned_is_not_told_back(store: Store, platform: Platform):
    talk = chat(platform)
    say(store, (talk, talk.starts()))
    before = len(rows(store, outbox))
    say(store, (talk, talk.is_assigned(1)), (talk, talk.is_assigned(2, "agent-2")), (talk, talk.is_answered(3)))
    assert one(store).agent_id == "ravi"
    assert len(rows(store, outbox)) == before


@each_platform
def test_the_last_assignment_by_event_time_wins(store: Store, platform: Platform):
    talk = chat(platform)
    say(store, (talk, talk.starts()), (talk, talk.is_assigned(4, "agent-2")), (talk, talk.is_assigned(2, "agent-1")))
    row = one(store)
    assert (row.agent_id, row.assigned_at) == ("ravi", at(2))
    say(store, (talk, talk.is_assigned(6, "agent-whom-we-do-not-know")))
    assert one(store).agent_id == "ravi"


@each_platform
def test_what_belongs_to_a_conversation_not_known_yet_waits_for_it(store: Store, platform: Platform):
    talk = chat(platform)
    say(store, (talk, talk.is_resolved(5)), (talk, talk.is_assigned(1)), (talk, talk.is_answered(2)))
    assert rows(store) == []
    assert {event.state for event in rows(store, webhook_events)} == {"WAITING"}
    say(store, (talk, talk.starts()))
    assert (one(store).outcome, one(store).agent_id, one(store).resolved_at) == ("RESOLVED", "asha", at(5))


@each_platform
def test_an_incidence_ends_when_none_of_its_conversations_is_open(store: Store, platform: Platform):
    first, second = chat(platform, 1), chat(platform, 2)
    say(store, (first, first.starts()), (second, second.starts(1)), (first, first.is_resolved(3)))
    assert one(store).outcome is None
    say(store, (second, second.is_resolved(6)))
    assert (one(store).outcome, one(store).resolved_at) == ("RESOLVED", at(6))
    states = {row.conversation_id: row.is_open for row in rows(store, platform_conversations)}
    assert states == {"c1": False, "c2": False}


def test_conversations_on_two_platforms_are_one_incidence(store: Store):
    first, second = chat(Platform.INTERCOM, 1), chat(Platform.FRESHCHAT, 2)
    say(store, (first, first.starts()), (second, second.starts(1)))
    assert len({row.incidence_id for row in rows(store, platform_conversations)}) == 1


@each_platform
def test_a_late_start_joins_what_was_open_then(store: Store, platform: Platform):
    """The first chat has ended when we hear that a second one had begun before."""
    first, second = chat(platform, 1), chat(platform, 2)
    say(store, (first, first.starts()), (first, first.is_resolved(5)), (second, second.starts(3)))
    row = one(store)
    assert (row.outcome, row.reopen_count) == (None, 1)
    say(store, (second, second.is_resolved(8)))
    assert (one(store).outcome, one(store).resolved_at) == ("RESOLVED", at(8))


def test_a_chat_joins_the_incidence_that_the_app_opened(store: Store):
    start = StartIncidence("meera", Stage.PRE_ORDER, IncidenceTrigger.USER_INITIATED)
    begun = do(store, lambda c, rules, at: start_incidence(c, rules, start, at), minutes=0)
    talk = chat(Platform.INTERCOM)
    say(store, (talk, talk.starts(1)))
    assert one(store).incidence_id == begun.incidence_id
    assert kinds(store, begun.incidence_id) == ["CREATED", "JOINED", "MESSAGE"]


def test_what_the_desk_closed_stays_closed_until_the_user_writes_again(store: Store):
    talk = chat(Platform.INTERCOM)
    say(store, (talk, talk.starts()), minutes=1)
    close = {"outcome": Outcome.DROPPED, "actor": SYSTEM}
    do(store, lambda c, _, at: close_incidence(c, one(store).incidence_id, at=at, **close), minutes=4)
    say(store, (talk, talk.says(3)), (talk, talk.is_answered(5)), (talk, talk.is_resolved(6)))
    assert (one(store).outcome, one(store).resolved_at) == ("DROPPED", at(4))
    say(store, (talk, talk.says(8)))
    assert (one(store).outcome, one(store).reopen_count) == (None, 1)


def test_thanks_after_the_order_do_not_undo_it(store: Store):
    talk = chat(Platform.INTERCOM)
    say(store, (talk, talk.starts()), minutes=1)
    order = OrderFact("order-1", "meera", OrderStatus.PLACED, 1_200_000)
    do(store, lambda c, rules, at: record_order(c, rules, order, at), minutes=3)
    assert one(store).outcome == "CONVERTED"
    assert OutboxKind.CLOSE_CONVERSATION in {row.kind for row in rows(store, outbox)}
    say(store, (talk, talk.is_resolved(4, SENDER[Platform.INTERCOM])), (talk, talk.says(5, "thanks")))
    assert one(store).outcome is None
    say(store, (talk, talk.is_resolved(6)))
    assert (one(store).outcome, one(store).order_id) == ("CONVERTED", "order-1")


def test_a_chat_takes_the_help_that_was_offered(store: Store):
    prompt = {
        "prompt_id": "0199f3a2-7c41-7e11-8f5e-5b0c5f0d2f11", "user_id": "meera", "session_id": "s1", "rule_set": "FRICTION",
        "rule_code": "HELP", "rule_version": 1, "score": 60, "status": "SHOWN", "is_holdout": False, "due_at": at(-1),
        "shown_at": at(-1),
    }  # fmt: skip
    do(store, lambda c, *_: c.execute(insert(prompts).values(**prompt)))
    talk = chat(Platform.INTERCOM)
    say(store, (talk, talk.starts()), minutes=1)
    assert (one(store).trigger, one(store).prompt_id) == ("SYSTEM_INITIATED", prompt["prompt_id"])
    assert rows(store, prompts)[0].status == "ACCEPTED"


def test_a_chat_after_the_order_is_about_the_order(store: Store):
    order = OrderFact("order-1", "ravi", OrderStatus.PLACED, 6_000_000)
    do(store, lambda c, rules, at: record_order(c, rules, order, at), minutes=0)
    fill_cart(store, "ravi", 0)
    talk = chat(Platform.FRESHCHAT, user="ravi")
    say(store, (talk, talk.starts(1)))
    row = one(store)
    assert (row.stage, row.order_id, row.order_value_paise) == ("POST_ORDER", "order-1", 6_000_000)


def answers(store: Store) -> list[str]:
    return [row.payload["text"] for row in rows(store, outbox, kind=OutboxKind.SEND_MESSAGE)]


def stranger() -> Chat:
    return Chat(Platform.FRESHCHAT, "c9", "kavya", "contact-unknown")


def test_who_is_not_known_is_looked_up_before_anything_is_said(store: Store):
    talk = stranger()
    say(store, (talk, talk.starts()), minutes=1)
    assert (one(store).user_id, status_of(one(store))) == ("freshchat:contact-unknown", "SELF_SERVE")
    assert answers(store) == []
    due = {"every_seconds": 60, "limit": 10}
    with store.read() as connection:
        assert waiting_identities(connection, Platform.FRESHCHAT, at(1), **due) == ["contact-unknown"]
        assert waiting_identities(connection, Platform.INTERCOM, at(1), **due) == []
    settle(store, None)
    settle(store, None)
    assert len(answers(store)) == 1
    assert "Help" in answers(store)[0]
    with store.read() as connection:
        assert waiting_identities(connection, Platform.FRESHCHAT, at(2), **due) == []
        assert waiting_identities(connection, Platform.FRESHCHAT, at(600), **due) == ["contact-unknown"]


def settle(store: Store, user_id: str | None, minutes: float = 2) -> None:
    def change(c: Any, rules: Any, now: Any) -> None:
        settle_identity(c, rules, Platform.FRESHCHAT, "contact-unknown", user_id, now)

    do(store, change, minutes)


def test_who_becomes_known_is_routed_by_their_own_cart(store: Store):
    fill_cart(store, "kavya", 30_000)
    talk = stranger()
    say(store, (talk, talk.starts()), (talk, talk.is_assigned(1)), minutes=1)
    settle(store, "kavya")
    row = one(store)
    assert (row.user_id, row.allowed_channels, row.channel, row.agent_id) == (
        "kavya", ["CHAT", "CALL"], "WHATSAPP", "asha",
    )  # fmt: skip
    assert TimelineEvent.IDENTITY_LINKED in kinds(store, row.incidence_id)
    assert answers(store) == []
    told = rows(store, outbox, kind=OutboxKind.SEND_USER_CONTEXT)[-1]
    assert told.payload["attributes"]["app_user_id"] == "kavya"
    say(store, (talk, talk.is_resolved(9)))
    assert one(store).outcome == "RESOLVED"


def test_who_becomes_known_goes_on_in_what_was_open(store: Store):
    fill_cart(store, "kavya", 30_000)
    start = StartIncidence("kavya", Stage.PRE_ORDER, IncidenceTrigger.USER_INITIATED)
    begun = do(store, lambda c, rules, at: start_incidence(c, rules, start, at), minutes=0)
    talk = stranger()
    say(store, (talk, talk.starts(1)), minutes=1)
    settle(store, "kavya")
    husk = next(row for row in rows(store) if row.incidence_id != begun.incidence_id)
    assert (husk.merged_into, husk.user_id) == (begun.incidence_id, "kavya")
    assert rows(store, platform_conversations)[0].incidence_id == begun.incidence_id
    say(store, (talk, talk.is_resolved(9)))
    assert one(store, incidence_id=begun.incidence_id).outcome == "RESOLVED"


def test_an_id_that_the_app_never_told_of_is_not_believed(store: Store):
    talk = Chat(Platform.INTERCOM, "c1", "made-up-by-the-platform", "lead-1")
    say(store, (talk, talk.starts()))
    assert one(store).user_id == "intercom:lead-1"
    known = Chat(Platform.INTERCOM, "c2", "meera", "contact-new")
    say(store, (known, known.starts(1)))
    assert {row.user_id for row in rows(store)} == {"intercom:lead-1", "meera"}
    assert rows(store, platform_identities, platform_user_id="contact-new")[0].user_id == "meera"


def test_who_may_have_no_person_is_kept_counted_and_answered_once(store: Store):
    fill_cart(store, "meera", 3_000)
    first, second = chat(Platform.INTERCOM, 1), chat(Platform.INTERCOM, 2)
    say(store, (first, first.starts()), (first, first.says(1)), (first, first.says(2)), minutes=3)
    assert (status_of(one(store)), len(answers(store))) == ("SELF_SERVE", 1)
    say(store, (second, second.starts(4)), minutes=5)
    assert len(answers(store)) == 2, "once in each conversation"


@pytest.mark.parametrize(("hour", "expected"), [(12, 0), (23, 1), (8, 1)])
def test_a_chat_outside_office_hours_is_told_so_once(store: Store, hour: int, expected: int):
    minutes = (hour - 12) * 60
    talk = chat(Platform.FRESHCHAT)
    say(store, (talk, talk.starts(minutes)), (talk, talk.says(minutes + 1)), minutes=minutes + 2)
    assert status_of(one(store)) == "OPEN"
    assert len(answers(store)) == expected


def test_nothing_old_is_answered(store: Store):
    fill_cart(store, "meera", 3_000)
    talk = chat(Platform.INTERCOM)
    say(store, (talk, talk.starts()), minutes=60)
    assert answers(store) == []


def test_the_channel_is_what_the_file_says_of_the_source(store: Store):
    assert CONNECTIONS.freshchat is not None
    told = {"channel-web": Channel.IN_APP_CHAT, "default": Channel.WHATSAPP}
    mapped = replace(CONNECTIONS, freshchat=replace(CONNECTIONS.freshchat, channels=told))
    talk = chat(Platform.FRESHCHAT)
    tell(store, (talk.platform, talk.starts()), at=at(1), connections=mapped)
    assert one(store).channel == "IN_APP_CHAT"


def test_a_message_told_twice_in_two_events_is_one_row(store: Store):
    """A sweep and a webhook may tell of the same message by different events."""
    talk = chat(Platform.INTERCOM)
    reply = talk.is_answered(1)
    swept = reply.replace(b"notif_c1", b"sweep:c1")
    assert swept != reply
    say(store, (talk, talk.starts()), (talk, swept), (talk, reply))
    assert len(rows(store, incidence_timeline, event_type="MESSAGE")) == 2


def test_events_of_an_erased_person_are_left_alone(store: Store):
    talk = chat(Platform.INTERCOM)
    say(store, (talk, talk.starts()))
    do(store, lambda c, *_: c.execute(update(webhook_events).values(body=None, state="PENDING")))
    other = chat(Platform.INTERCOM, 2, "ravi")
    say(store, (other, other.starts()))
    assert sorted(row.state for row in rows(store, webhook_events)) == ["APPLIED", "IGNORED"]
