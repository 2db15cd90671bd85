"""The API but for one thing, for tests that must notice it: it answers a change before that is committed."""

import time
from dataclasses import replace
from typing import Any

from fastapi import FastAPI
from sqlalchemy import Connection

from api.app import create_app
from store import session
from store.writer import Writer, _Answer, _Job, _resolve

SLOW_DISK_SECONDS = 0.01


class HastyWriter(Writer):
    def _enqueue(self, job: _Job) -> None:
        def change_and_answer(connection: Connection) -> Any:
            answer = job.change(connection)
            _resolve([job], [_Answer(answer)])
            time.sleep(SLOW_DISK_SECONDS)
            return answer

        super()._enqueue(replace(job, change=change_and_answer))


def create_hasty_app() -> FastAPI:
    session.Writer = HastyWriter
    return create_app()
