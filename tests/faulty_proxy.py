"""A proxy on loopback that breaks connections in the ways that networks do, as a plan says for each request."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto


class Fault(Enum):
    NONE = auto()
    DELAY = auto()
    """The request is passed on late."""
    RESET = auto()
    """The connection breaks before the request is passed on."""
    SWALLOW = auto()
    """The request is taken and nothing follows: not passed on, not answered, not closed."""
    DRIP = auto()
    """The answer comes byte by byte, slowly."""
    HALF_CLOSE = auto()
    """Half of the answer's first bytes come, then the end."""
    CUT_AFTER_COMMIT = auto()
    """The request is passed on and answered, but the connection breaks instead of giving the answer."""


Plan = Callable[[], Fault]
"""Asked once for each request."""


@dataclass
class _Pair:
    """One client's connection and the one to the target."""

    client: asyncio.StreamWriter
    target: asyncio.StreamWriter
    fault: Fault = Fault.NONE
    is_answering: bool = True
    """Something was answered since the last request began: what the client sends next is a new request."""


@dataclass
class FaultyProxy:
    port: int
    delay_seconds: float
    counts: dict[Fault, int] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def faulty_proxy(target_port: int, plan: Plan, *, delay_seconds: float = 0.05) -> Iterator[FaultyProxy]:
    """A proxy before `127.0.0.1:target_port`, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = FaultyProxy(listener.getsockname()[1], delay_seconds)
    loop = asyncio.new_event_loop()
    stopping = asyncio.Event()

    async def serve() -> None:
        carried: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = loop.create_task(_carry(reader, writer, target_port, plan, proxy))
            carried[task] = writer
            task.add_done_callback(carried.pop)

        server = await asyncio.start_server(accept, sock=listener)
        await stopping.wait()
        server.close()
        left = dict(carried)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for writer in left.values():  # also of a task that was cancelled before its first step
            await _closed(writer)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="faulty-proxy")
    thread.start()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        loop.close()


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target_port: int, plan: Plan, proxy: FaultyProxy
) -> None:
    try:
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", target_port)
    except OSError:
        _reset(writer)
        return
    pair = _Pair(writer, target_writer)
    ways = [
        asyncio.ensure_future(_pass_requests(reader, pair, plan, proxy)),
        asyncio.ensure_future(_pass_answers(target_reader, pair, proxy)),
    ]
    try:
        with suppress(OSError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for each in (pair.client, pair.target):
            await _closed(each)


async def _pass_requests(reader: asyncio.StreamReader, pair: _Pair, plan: Plan, proxy: FaultyProxy) -> None:
    while data := await reader.read(65_536):
        if pair.is_answering:
            pair.is_answering = False
            pair.fault = plan()
            proxy.counts[pair.fault] = proxy.counts.get(pair.fault, 0) + 1
            if pair.fault is Fault.DELAY:
                await asyncio.sleep(proxy.delay_seconds)
        if pair.fault is Fault.RESET:
            _reset(pair.client)
            return
        if pair.fault is not Fault.SWALLOW:
            pair.target.write(data)
            await pair.target.drain()


async def _pass_answers(reader: asyncio.StreamReader, pair: _Pair, proxy: FaultyProxy) -> None:
    while data := await reader.read(65_536):
        pair.is_answering = True
        match pair.fault:
            case Fault.CUT_AFTER_COMMIT:
                _reset(pair.client)
                return
            case Fault.HALF_CLOSE:
                pair.client.write(data[: len(data) // 2])
                await pair.client.drain()
                pair.client.write_eof()
                return
            case Fault.DRIP:
                for byte in data:
                    pair.client.write(bytes([byte]))
                    await pair.client.drain()
                    await asyncio.sleep(proxy.delay_seconds)
            case _:
                pair.client.write(data)
                await pair.client.drain()


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side gets a reset instead of an end."""
    connected: socket.socket = writer.get_extra_info("socket")
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
