"""With what uvicorn serves the API, whoever starts it."""

KEEP_ALIVE_SECONDS = 75
"""Longer than clients and proxies keep an idle connection (httpx 5 s, nginx 60 s): whoever closes must be the side that
sends, or a request already on its way meets a closed door."""
GRACE_SECONDS = 5
"""How long answers under way may take when the process is told to end."""


def uvicorn_options(port: int, *, factory: str = "api.app:create_app") -> list[str]:
    """The arguments of uvicorn's command line, on loopback, its default."""
    options = {
        "--port": port,
        "--timeout-keep-alive": KEEP_ALIVE_SECONDS,
        "--timeout-graceful-shutdown": GRACE_SECONDS,
    }
    named = [str(part) for option in options.items() for part in option]
    return ["--factory", factory, *named, "--no-access-log"]
