"""An outbox that is sent while a test looks on."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from api.outbox.rules import Pace
from api.outbox.sending import Sending
from api.outbox.service import enqueue
from store import clock
from store.enums import Destination, OutboxKind
from store.session import Store
from store.settings import Settings
from store.tables import outbox
from tests.api.outbox.stub import SENDER

QUICK = Pace(
    first_pause=0.02,
    longest_pause=0.2,
    settling=0.05,
    lease=1.0,
    looks_every=0.02,
    most_attempts=15,
    failures_to_rest=50,
    rest=0.1,
    longest_rest=0.2,
)
"""Seconds where the product waits minutes."""
KILLED = replace(QUICK, lease=3.0, settling=0.3)
"""For a sender that is killed: what it sent arrives before its lease ends, on a busy machine too."""


def connect(settings: Settings, **addresses: str) -> None:
    """Write the file that says how `intercom=`, `freshchat=` and `app=` are reached."""
    lines = []
    for name, address in addresses.items():
        if name == "app":
            lines += ["[app]", f'url = "{address}"', 'signing_secrets = ["newer", "older"]']
        else:
            lines += [f"[{name}]", f'base_url = "{address}"', 'access_token = "token"', f'sender_id = "{SENDER}"']
            lines += ["timeout_seconds = 0.3"]
            lines += ["[" + name + ".groups]", 'AGENT = "71"', 'SUPERVISOR = "74"']
    path = Path(settings.platforms_file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def put(store: Store, kind: OutboxKind, payload: dict[str, Any] | None = None, **more: Any) -> str:
    """Write a message for conversation c1 of Intercom, or as `more` says."""
    values = {"destination": Destination.INTERCOM, "conversation_id": "c1", **more}

    def change(connection: Connection) -> str:
        return enqueue(connection, kind=kind, payload=payload or {}, at=clock.now(), **values)

    return store.write(change)


def put_text(store: Store, text: str, **more: Any) -> str:
    return put(store, OutboxKind.SEND_MESSAGE, {"text": text}, **more)


def message(store: Store, message_id: str) -> Row[Any]:
    with store.read() as connection:
        return connection.execute(select(outbox).where(outbox.c.message_id == message_id)).one()


def states(store: Store, ids: Sequence[str]) -> list[str]:
    return [message(store, message_id).state for message_id in ids]


def send_until(store: Store, is_done: Callable[[], bool], *, pace: Pace = QUICK, seconds: float = 20.0) -> None:
    """Let the sender run until something is true."""

    async def run() -> None:
        running = asyncio.create_task(Sending(store, pace).run())
        try:
            async with asyncio.timeout(seconds):
                while not is_done():
                    assert not running.done(), running.exception()
                    await asyncio.sleep(0.01)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())


def send_all(store: Store, ids: Sequence[str], *, pace: Pace = QUICK, seconds: float = 20.0) -> list[str]:
    """Let the sender run until none of these is pending; their states."""
    send_until(store, lambda: "PENDING" not in states(store, ids), pace=pace, seconds=seconds)
    return states(store, ids)
