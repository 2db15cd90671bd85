"""Many connections that write to an API which is killed under them, and keep a log of what it acknowledged."""

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Any

import httpx2

CONNECTIONS = 64
PATIENCE_SECONDS = 60.0


@dataclass
class Log:
    """Ids that were in answers, by what was asked: each user's incidence, each note's event, each signal."""

    incidences: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    signals: dict[str, str] = field(default_factory=dict)
    replayed: int = 0

    @property
    def count(self) -> int:
        return len(self.incidences) + len(self.notes) + len(self.signals)


@dataclass(frozen=True)
class Keys:
    """The app's, and one of the desk's for each connection, since a key may not write as fast as all of them do."""

    app: str
    desk: list[str]


class Clients:
    """Each connection tells the story of one user after the other. What is not answered is sent again, with its key."""

    def __init__(self, address: str, keys: Keys) -> None:
        self.log = Log()
        self._address = address
        self._keys = keys
        self._answered = asyncio.Event()
        self._is_over = False

    async def run(self) -> None:
        """Until `end`, and then until everything that was asked is answered."""
        async with asyncio.TaskGroup() as tasks:
            for connection in range(CONNECTIONS):
                tasks.create_task(self._write(connection))

    async def answers(self, more: int) -> None:
        """Wait for so many more answers."""
        wanted = self.log.count + more
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.log.count < wanted:
                self._answered.clear()
                await self._answered.wait()

    def end(self) -> None:
        self._is_over = True

    async def _write(self, connection: int) -> None:
        app_key, desk_key = self._keys.app, self._keys.desk[connection]
        async with httpx2.AsyncClient(base_url=self._address, verify=False, timeout=PATIENCE_SECONDS) as client:
            for number in itertools.count():
                if self._is_over:
                    return
                user = f"user-{connection}-{number}"
                body = {"userId": user, "stage": "PRE_ORDER"}
                incidence = await self._done(client, app_key, "/incidences", body, user)
                self._keep(self.log.incidences, user, incidence["incidenceId"])
                for note in (f"{user}-note-1", f"{user}-note-2"):
                    path = f"/agent/notes/{incidence['incidenceId']}"
                    event = await self._done(client, desk_key, path, {"text": note}, note)
                    self._keep(self.log.notes, note, event["eventId"])
                signal = {"userId": user, "clientEventId": user, "signalType": "HEARTBEAT"}
                await self._done(client, app_key, "/friction/signals", signal, None)
                self._keep(self.log.signals, user, user)

    async def _done(
        self, client: httpx2.AsyncClient, api_key: str, path: str, body: dict[str, Any], key: str | None
    ) -> dict[str, Any]:
        """The answer, however often it takes. Nothing but success may come from an API that answers at all."""
        headers = {"Authorization": f"Bearer {api_key}"} | ({"Idempotency-Key": key} if key else {})
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    answer = await client.post(path, json=body, headers=headers)
                except httpx2.TransportError:
                    await asyncio.sleep(0.02)  # it is down; it comes back
                    continue
                assert answer.status_code in {200, 201}, answer.text
                self.log.replayed += "Idempotent-Replay" in answer.headers
                return answer.json()

    def _keep(self, of: dict[str, str], asked: str, given: str) -> None:
        of[asked] = given
        self._answered.set()
