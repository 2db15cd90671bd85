"""Answers from the published warehouse: never on the event loop, each computed once a version."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any, TypeVar

import structlog

from api.etags import is_known
from store.published import NoPublishedWarehouse, Published, current_version, open_current
from store.settings import Settings

T = TypeVar("T")

MAX_ANSWERS = 2_000
LOOKS_EVERY_SECONDS = 1.0
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """JSON bytes, or no body when the caller has them already (`is_unchanged`)."""

    etag: str
    body: bytes
    is_unchanged: bool = False


Question = Callable[[Published], bytes]


class WarehouseReader:
    """Holds the current version open on two threads of its own; a new version is taken at the next question."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(2, "warehouse")
        self._answers: OrderedDict[tuple[str, str], asyncio.Future[Any]] = OrderedDict()
        self._opening = Lock()
        self._published: Published | None = None

    async def ask(self, key: str, question: Question, *, known_etag: str | None = None) -> Answer:
        """The answer to `question`; `key` names it (path and canonical query). Raises `WarehouseUnavailable`."""
        version = current_version(self._settings)
        if version is None:
            raise NoPublishedWarehouse("No warehouse has been published yet.")
        etag = f'"{version}-{sha256(key.encode()).hexdigest()[:16]}"'
        if is_known(known_etag, etag):
            return Answer(etag, b"", is_unchanged=True)
        return Answer(etag, await self._answer(version, key, question))

    async def read(self, key: str, question: Callable[[Published], T]) -> T:
        """The same for whoever needs no bytes, as pages do. What is answered is shared: do not change it."""
        version = current_version(self._settings)
        if version is None:
            raise NoPublishedWarehouse("No warehouse has been published yet.")
        return await self._answer(version, key, question)

    async def look_up(self, question: Callable[[Published], T]) -> T:
        """The answer to a question that is asked once, of one user, say: nothing is kept. Raises `WarehouseUnavailable`."""
        if current_version(self._settings) is None:
            raise NoPublishedWarehouse("No warehouse has been published yet.")
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: question(self._current()))

    async def watch(self, usual: Mapping[str, Question]) -> None:
        """Open each version as it is published and answer what is `usual`, by its key, until cancelled: nobody waits for that then."""
        ready = None
        while True:
            version = current_version(self._settings)
            if version is not None and version != ready:
                ready = version
                try:
                    for key, question in usual.items():
                        await self._answer(version, key, question)
                except Exception as error:  # noqa: BLE001 - whoever asks is told what is wrong
                    _log.warning("warehouse.not_ready", error_type=type(error).__name__)
            await asyncio.sleep(LOOKS_EVERY_SECONDS)

    async def _answer(self, version: str, key: str, question: Callable[[Published], T]) -> T:
        future = self._answers.get((version, key))
        if future is None:
            future = asyncio.get_running_loop().run_in_executor(self._threads, self._compute, question)
            self._answers[version, key] = future
            future.add_done_callback(lambda done: self._forget_failure(version, key, done))
            if len(self._answers) > MAX_ANSWERS:
                self._answers.popitem(last=False)
        # A caller that goes away must not cancel the answer for those who wait beside it.
        return await asyncio.shield(future)

    def _forget_failure(self, version: str, key: str, done: asyncio.Future[Any]) -> None:
        if done.cancelled() or done.exception() is not None:
            self._answers.pop((version, key), None)

    def _compute(self, question: Callable[[Published], T]) -> T:
        return question(self._current())

    def _current(self) -> Published:
        with self._opening:
            if self._published is None or self._published.version != current_version(self._settings):
                # The old one closes when its last question is answered: nothing else refers to it then.
                self._published = open_current(self._settings)
            return self._published

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        if self._published is not None:
            self._published.close()
