"""The application with a worker that stands still: `uvicorn --factory tests.api.webhooks.standing:create_app`."""

from fastapi import FastAPI

from api.app import create_app as create_whole


def create_app() -> FastAPI:
    return create_whole(loops=())
