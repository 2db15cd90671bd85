from sqlalchemy import update

from api.outbox.service import MessageNotDead
from cli.main import main
from store import clock
from store.enums import OutboxKind, Role
from store.ids import new_id
from store.tables import outbox
from tests.api.outbox.sending_story import message, put, put_text, states
from tests.api.serving import Api


def give_up(api: Api, message_id: str, state: str = "DEAD", **more) -> None:
    values = {"state": state, "failure": "http 422 made_up", "attempts": 3, **more}
    change = update(outbox).where(outbox.c.message_id == message_id).values(values)
    api.store.write(lambda connection: connection.execute(change))


def listed(api: Api, query: str = "") -> list[str]:
    answer = api.as_role(Role.ADMIN).get(f"/outbox/dead{query}")
    assert "text" not in answer.text
    return [item["messageId"] for item in answer.json()["items"]]


def test_what_was_given_up_is_listed_and_sent_again(api_on_each_engine: Api):
    api = api_on_each_engine
    dead, uncertain, expired, waiting = (put_text(api.store, "my text", conversation_id=f"c{n}") for n in range(4))
    give_up(api, dead)
    give_up(api, uncertain, "UNCERTAIN", claimed_until=clock.now())
    give_up(api, expired, "EXPIRED")
    assert listed(api) == [uncertain, dead]
    assert listed(api, "?destination=FRESHCHAT") == []
    admin = api.as_role(Role.ADMIN)
    for each in (dead, uncertain, expired):
        answer = admin.post(f"/outbox/{each}/resend")
        assert (answer.status_code, answer.json()["state"], answer.json()["attempts"]) == (200, "PENDING", 0)
    assert message(api.store, uncertain).claimed_until is not None  # so it is looked up first
    assert listed(api) == []
    assert admin.post(f"/outbox/{waiting}/resend").json()["code"] == MessageNotDead.code
    assert admin.post(f"/outbox/{new_id(clock.now())}/resend").status_code == 404


def test_what_a_newer_message_made_untrue_is_not_sent_again(api: Api):
    older, newer = (put(api.store, OutboxKind.UPDATE_CONVERSATION, {"attributes": {}}) for _ in range(2))
    give_up(api, older)
    give_up(api, newer)
    answer = api.as_role(Role.ADMIN).post(f"/outbox/{older}/resend")
    assert (answer.status_code, answer.json()["code"]) == (409, "message_superseded")
    assert api.as_role(Role.ADMIN).post(f"/outbox/{newer}/resend").status_code == 200


def test_the_command_lists_and_sends_again(api: Api, monkeypatch, capsys):
    monkeypatch.setenv("SUPPORTLED_VAR", str(api.store.settings.var_dir))
    ids = [put_text(api.store, "my text", conversation_id=f"c{number}") for number in range(3)]
    for each in ids[:2]:
        give_up(api, each)
    assert main(["outbox", "list"]) == 0
    told = capsys.readouterr().out
    assert all(each in told for each in ids[:2])
    assert "my text" not in told
    assert told.endswith("2 DEAD.\n")
    assert main(["outbox", "resend"]) == 0
    assert "2 will be sent again" in capsys.readouterr().out
    assert states(api.store, ids) == ["PENDING"] * 3
    assert main(["outbox", "resend", ids[2]]) == 1
    assert "It is PENDING." in capsys.readouterr().out
