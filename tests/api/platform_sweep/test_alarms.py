"""Silence in working hours, events that wait and messages that are late are seen by who watches."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from api.platform_sweep.alarms import Alarms
from api.platform_sweep.rules import silent_office_minutes
from api.rules.registry import load_rules
from store import clock
from store.enums import OutboxKind, Platform, Role
from store.session import Store
from store.tables import outbox, webhook_events
from tests.api.outbox.sending_story import put
from tests.api.serving import Api
from tests.api.webhooks.chatting import tell_at_once
from tests.chats import START, Chat

NOON = START


def look(store: Store, alarms: Alarms) -> list[str]:
    with store.read() as connection:
        alarms.look(connection, load_rules(connection, clock.now()))
    return alarms.codes


def configure(store: Store) -> None:
    store.settings.platforms_file.parent.mkdir(parents=True, exist_ok=True)
    store.settings.platforms_file.write_text(
        '[intercom]\nwebhook_keys = ["k"]\naccess_token = "t"\nsender_id = "1"\nalarm_after_minutes = 60\n'
    )


def test_silence_is_an_alarm_in_working_hours_only_and_ends_with_the_next_webhook(sqlite_store: Store, monkeypatch):
    configure(sqlite_store)
    now = [NOON]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    alarms = Alarms(sqlite_store.settings)
    now[0] = NOON + timedelta(minutes=55)
    assert look(sqlite_store, alarms) == []
    now[0] = NOON + timedelta(minutes=60)
    assert look(sqlite_store, alarms) == ["webhooks_silent:INTERCOM"]
    tell_at_once(sqlite_store, [(Platform.INTERCOM, Chat(Platform.INTERCOM, "c1", "u1").starts(60))], at=now[0])
    assert look(sqlite_store, alarms) == []


def test_the_night_is_no_silence(sqlite_rules):
    midnight = NOON.replace(hour=19, minute=0)
    assert silent_office_minutes(sqlite_rules.office_hours, midnight, midnight + timedelta(hours=6)) == 0
    assert silent_office_minutes(sqlite_rules.office_hours, midnight, midnight + timedelta(hours=24)) > 60


def test_events_and_messages_that_wait_too_long_are_alarms(sqlite_store: Store):
    configure(sqlite_store)
    alarms = Alarms(sqlite_store.settings)
    at = clock.now()
    tell_at_once(sqlite_store, [(Platform.INTERCOM, Chat(Platform.INTERCOM, "c1", "u1").starts(0))], at=at)
    put(sqlite_store, OutboxKind.CLOSE_CONVERSATION)
    assert look(sqlite_store, alarms) == []
    long_ago = at - timedelta(minutes=6)
    old_event = update(webhook_events).values(state="PENDING", received_at=long_ago)
    sqlite_store.write(lambda connection: connection.execute(old_event))
    sqlite_store.write(lambda connection: connection.execute(update(outbox).values(due_at=long_ago)))
    assert look(sqlite_store, alarms) == ["outbox_overdue:messages", "webhooks_unprocessed:events"]
    sqlite_store.write(lambda connection: connection.execute(update(outbox).values(state="DEAD")))
    assert look(sqlite_store, alarms) == ["webhooks_unprocessed:events"]
    assert alarms.watched.dead_messages >= 1


def test_a_file_that_is_wrong_is_an_alarm_until_it_is_mended(sqlite_store: Store):
    alarms = Alarms(sqlite_store.settings)
    sqlite_store.settings.platforms_file.parent.mkdir(parents=True, exist_ok=True)
    sqlite_store.settings.platforms_file.write_text("[intercom")
    assert look(sqlite_store, alarms) == ["platforms_file:invalid"]
    configure(sqlite_store)
    assert look(sqlite_store, alarms) == []


def test_what_is_not_connected_is_no_alarm(sqlite_store: Store):
    put(sqlite_store, OutboxKind.CLOSE_CONVERSATION)
    long_ago = clock.now() - timedelta(days=1)
    sqlite_store.write(lambda connection: connection.execute(update(outbox).values(due_at=long_ago)))
    assert look(sqlite_store, Alarms(sqlite_store.settings)) == []


@given(st.integers(0, 9 * 24 * 60), st.integers(0, 9 * 24 * 60))
def test_silence_grows_with_time_and_never_faster(sqlite_rules, first: int, more: int):
    shorter = silent_office_minutes(sqlite_rules.office_hours, NOON, NOON + timedelta(minutes=first))
    longer = silent_office_minutes(sqlite_rules.office_hours, NOON, NOON + timedelta(minutes=first + more))
    assert 0 <= shorter <= first
    assert first + more > 8 * 24 * 60 or 0 <= longer - shorter <= more + 10


def test_readiness_and_metrics_tell_of_alarms(api: Api):
    assert api.client(None).get("/readyz").json()["alarms"] == []
    told = api.client(None).get("/metrics").text
    assert "supportled_alarms 0.0" in told
    assert "supportled_outbox_dead 0.0" in told
    assert api.as_role(Role.ADMIN).get("/outbox/dead").json() == {"items": []}
