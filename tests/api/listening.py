"""Reading a live stream in a test: events as they come, with a limit of time that only a failure meets."""

import json
import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2

PATIENCE_SECONDS = 20


@dataclass
class Event:
    name: str | None = None
    data: Any = None
    id: str | None = None


@dataclass
class Stream:
    """`next()` waits for the next event that has data; `id` is what a browser would send as Last-Event-ID."""

    id: str | None = None
    _events: "queue.SimpleQueue[Event | None]" = field(default_factory=queue.SimpleQueue)

    def next(self) -> Event:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (event := self._take(deadline)) is not None:
            if event.data is not None:
                return event
        raise AssertionError("the stream ended")

    def begin(self) -> None:
        """Wait until the stream listens."""
        assert self._take(time.monotonic() + PATIENCE_SECONDS) is not None, "the stream ended"

    def ends(self) -> bool:
        """Wait until the server ends the stream, whatever comes before."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._take(deadline) is not None:
            pass
        return True

    def _take(self, deadline: float) -> Event | None:
        """The next event, heartbeats too; None at the end."""
        event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
        if event is not None:
            self.id = event.id or self.id
        return event

    def _read(self, answer: httpx2.Response) -> None:
        event = Event()
        try:
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if line == "":
                    self._events.put(event)
                    event = Event()
                elif name == "event":
                    event.name = value
                elif name == "data":
                    event.data = json.loads(value)
                elif name == "id":
                    event.id = value
        except (httpx2.TransportError, httpx2.StreamError):
            pass  # the test stopped listening
        self._events.put(None)


@contextmanager
def listen(client: httpx2.Client, path: str, last_event_id: str | None = None, **parameters: str) -> Iterator[Stream]:
    """The stream at this path, listening, while the `with` lasts."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id is not None else {}
    stream = Stream(last_event_id)
    with client.stream("GET", path, headers=headers, params=parameters, timeout=PATIENCE_SECONDS) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        reader = threading.Thread(target=stream._read, args=(answer,), daemon=True)
        reader.start()
        stream.begin()
        try:
            yield stream
        finally:
            connection: socket.socket = answer.extensions["network_stream"].get_extra_info("socket")
            with suppress(OSError):  # the server was quicker
                connection.shutdown(socket.SHUT_RDWR)  # the reader waits for the next byte
            reader.join(PATIENCE_SECONDS)
