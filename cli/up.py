"""From an empty machine to a published warehouse, this week's report, and everything served."""

import argparse
import os

from cli.problems import Problem
from cli.processes import HOST, Service, port_is_free, run_command, serve
from cli.progress import detail, say, step
from store.settings import ROOT, Settings


def run(options: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    if options.serve:
        require_free_ports(options.port)
    fill_store(settings, demo=options.demo)
    for command in (["build"], ["report"]):
        code = run_command(*command)
        if code:
            return code
    if not options.serve:
        say()
        say("The warehouse is published and the report written. Next: ./supportled up serves them.")
        return 0
    say("• Starting the API and Dagster")
    link = sign_in_link(settings)
    serve(services(settings, options.port), ready=lambda: announce(options.port, link))
    say("Stopped.")
    return 0


def require_free_ports(port: int) -> None:
    """Said before the long work, not after it."""
    for wanted in (port, port + 1):
        if not port_is_free(wanted):
            raise Problem(
                f"port {wanted} is in use",
                f"./supportled up --port {next_free_pair(port)}, or end what listens there",
            )


def next_free_pair(port: int) -> int:
    """The next port upwards that is free with the one after it."""
    return next(first for first in range(port + 1, 65535) if port_is_free(first) and port_is_free(first + 1))


def fill_store(settings: Settings, *, demo: bool) -> None:
    from ingestion.simulate import seed_demo, store_is_empty
    from store.migrations import migrate

    settings.var_dir.mkdir(parents=True, exist_ok=True)
    with step("Preparing the operational store"):
        migrate(settings.operations_url)
    if demo and store_is_empty(settings):
        with step("Simulating a city's 90 days (demo data, marked as such)"):
            seed_demo(settings, progress=detail)


def services(settings: Settings, port: int) -> list[Service]:
    """The API on `port`, Dagster's pages on the next, and its daemon, which runs schedules and sensors."""
    from api.serving import uvicorn_options
    from orchestration.child import command as child

    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    logs = settings.var_dir / "logs"
    dagster = {
        "DAGSTER_HOME": str(settings.dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        # Commands that the pages and the daemon start are looked up beside this Python.
        "PATH": os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ.get("PATH", os.defpath)]),
    }
    location = ["--module-name", "orchestration.definitions", "--working-directory", str(ROOT)]
    return [
        Service(
            "API",
            child("uvicorn", *uvicorn_options(port)),
            port=port,
            log=logs / "api.log",
        ),
        Service(
            "Dagster's webserver",
            child("dagster_webserver", "--host", HOST, "--port", str(port + 1), *location),
            port=port + 1,
            environment=dagster,
            log=logs / "dagster-webserver.log",
        ),
        Service(
            "Dagster's daemon",
            child("dagster._daemon", "run", *location),
            environment=dagster,
            log=logs / "dagster-daemon.log",
        ),
    ]


def sign_in_link(settings: Settings) -> str:
    """The path of a link that opens the pages as ADMIN, once. Made before the API opens the store."""
    from api.dashboard.sign_in import make_link
    from store.enums import Role

    return f"/sign-in/{make_link(settings, role=Role.ADMIN).token}"


def announce(port: int, link: str) -> None:
    address = f"http://{HOST}:{port}"
    say()
    say(f"  Pages     {address}{link}")
    say("            signs you in as admin, once; another: ./supportled sign-in --role ADMIN")
    say(f"  API       {address}/docs")
    say(f"  Dagster   http://{HOST}:{port + 1}")
    say()
    say("A key for programs: ./supportled token create --role ADMIN")
    say("Ctrl-C stops everything.")
