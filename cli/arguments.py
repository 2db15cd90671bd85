"""What can be typed after `./supportled`. Standard library only, so that help needs no environment."""

import argparse
import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from store.enums import KEY_ROLES, Destination, Platform, Role

DEFAULT_PORT = 8000


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The options of one call. `module` names the module under `cli` whose `run(options)` does it.

    Ends the process like argparse: 0 after help, 2 when the arguments make no sense.
    """
    parser = build_parser()
    options = parser.parse_args(argv)
    if options.module == "cli.export" and (options.what == "verify") == (options.directory is None):
        parser.error("export verify DIR checks an export, export kpis writes one (to --output DIR)")
    if options.module == "cli.export" and options.start and options.end and options.start > options.end:
        parser.error(f"--from {options.start} is after --to {options.end}")
    if options.module in ("cli.token", "cli.sign_in") and (options.agent is None) == (options.role in _AGENT_ROLES):
        parser.error(
            f"the role {options.role} belongs to an agent: name it with --agent ID"
            if options.role in _AGENT_ROLES
            else f"--agent goes with the roles {' and '.join(_AGENT_ROLES)} only"
        )
    if options.module == "cli.webhooks" and options.action == "verify":
        missing = [name for name in ("platform", "file", "signature") if getattr(options, name) is None]
        if missing:
            parser.error(f"verify needs {', '.join(f'--{name}' for name in missing)}")
    return options


_AGENT_ROLES = (Role.AGENT.value, Role.SUPERVISOR.value)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supportled",
        description="A support-led ordering system: live incidences, a warehouse of friction and KPIs, a weekly report.",
        epilog="First time: ./supportled up. State is kept in var/, or where SUPPORTLED_VAR says.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, module: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.set_defaults(module=f"cli.{module}")
        return sub

    up = command("up", "up", "Demo data if the store is empty, warehouse, weekly report; then serve API and Dagster.")
    up.add_argument("--no-serve", dest="serve", action="store_false", help="end after the report")
    up.add_argument("--no-demo", dest="demo", action="store_false", help="leave an empty store empty")
    up.add_argument(
        "--port",
        type=_port,
        default=DEFAULT_PORT,
        metavar="N",
        help=f"port of the API on 127.0.0.1 (default {DEFAULT_PORT}); Dagster takes the next one",
    )

    test = command("test", "test", "Every check and test; the last line is pytest's.")
    test.add_argument("--release", action="store_true", help="the full sizes: more kills, more generated cases")

    command("doctor", "doctor", "Say what is wrong with this machine or its state, and the remedy.")

    imports = command("import", "import_file", "Load a file of facts (CSV, JSONL, Parquet) through a declared mapping.")
    imports.add_argument("file", type=Path, metavar="FILE")
    imports.add_argument(
        "--mapping", required=True, metavar="NAME|PATH", help="a mapping that ships with the product, or a YAML file"
    )
    imports.add_argument("--check", action="store_true", help="show what the mapping makes of the file; load nothing")
    imports.add_argument("--build", action="store_true", help="build and publish the warehouse afterwards")

    build = command("build", "build", "Extract, compute, check and publish a new version of the warehouse.")
    build.add_argument("--full-refresh", action="store_true", help="compute every table anew instead of what changed")

    report = command("report", "report", "Write the weekly friction report from the published warehouse.")
    report.add_argument(
        "--week", type=_iso_week, metavar="2026-W47", help="an ISO week (default: the last 7 whole days)"
    )
    report.add_argument(
        "--format",
        dest="formats",
        type=_list_of("html", "pdf", "xlsx"),
        metavar="html,pdf,xlsx",
        help="default: all that this machine can make",
    )

    export = command(
        "export", "export", "Write figures for investors as files with a manifest of hashes, or check such."
    )
    export.add_argument("what", choices=("kpis", "verify"))
    export.add_argument("directory", type=Path, nargs="?", metavar="DIR", help="with verify: the export to check")
    export.add_argument("--from", dest="start", type=_date, metavar="DATE", help="first day, 2026-01-31")
    export.add_argument("--to", dest="end", type=_date, metavar="DATE", help="last day, included")
    export.add_argument(
        "--format",
        dest="formats",
        type=_list_of("pdf", "xlsx", "csv", "parquet"),
        default=("pdf", "xlsx", "csv", "parquet"),
        metavar="pdf,xlsx,csv,parquet",
        help="default: all",
    )
    export.add_argument("--output", type=Path, metavar="DIR", help="default: a directory in var/exports/")

    token = command("token", "token", "Make a key for the API; it is shown once.")
    token.add_argument("action", choices=("create",))
    roles = [role.value for role in KEY_ROLES]
    token.add_argument("--role", required=True, type=str.upper, choices=roles, metavar="ROLE", help=", ".join(roles))
    token.add_argument("--label", default="", metavar="TEXT", help="what the key is for")
    token.add_argument("--agent", metavar="ID", help="the agent that an AGENT or SUPERVISOR key belongs to")

    sign_in = command("sign-in", "sign_in", "Make a link that opens the pages, once, within 24 hours.")
    pages = [role.value for role in Role if role not in (Role.APP, Role.USER)]
    sign_in.add_argument("--role", required=True, type=str.upper, choices=pages, metavar="ROLE", help=", ".join(pages))
    sign_in.add_argument("--agent", metavar="ID", help="who signs in as AGENT or SUPERVISOR")
    sign_in.add_argument("--port", type=_port, default=DEFAULT_PORT, metavar="N", help="where the API listens")

    _add_chat_commands(command)

    _add_care_commands(command)
    return parser


def _add_care_commands(command: Callable[[str, str, str], argparse.ArgumentParser]) -> None:
    backup = command("backup", "backup", "Copy the store, the raw facts and the mappings, while everything runs.")
    backup.add_argument("directory", type=Path, metavar="DIR", help="a directory that does not exist yet")

    restore = command("restore", "restore", "Put a backup in the place of the store. Stop ./supportled up first.")
    restore.add_argument("directory", type=Path, metavar="DIR", help="what ./supportled backup wrote")
    restore.add_argument("--replace", action="store_true", help="even if the store holds facts")
    restore.add_argument(
        "--erasures", type=Path, metavar="FILE", help="erasures.jsonl of a machine that is gone, to be applied again"
    )

    erase = command("erase", "erase", "Erase a person; ids, times and amounts stay.")
    erase.add_argument("--user", required=True, metavar="ID", help="the userId")

    reset = command("reset", "reset", "Take the demo data out again; real data stays.")
    reset.add_argument("--demo", action="store_true", required=True, help="say so, for it cannot be undone")


def _add_chat_commands(command: Callable[[str, str, str], argparse.ArgumentParser]) -> None:
    outbox = command("outbox", "outbox", "Show what was not sent to a chat platform or the app, or send it again.")
    outbox.add_argument("action", choices=("list", "resend"))
    outbox.add_argument("messages", nargs="*", metavar="ID", help="with resend: which; without, all that list shows")
    outbox.add_argument(
        "--destination", type=str.upper, choices=[*Destination], metavar="NAME", help=", ".join(Destination)
    )
    outbox.add_argument(
        "--state",
        dest="states",
        type=_list_of("dead", "uncertain", "expired", "pending"),
        default=("dead", "uncertain"),
        metavar="dead,uncertain",
        help="or expired, pending; default dead,uncertain",
    )

    webhooks = command(
        "webhooks", "webhooks", "Check a webhook's signature, or show what could not be applied, or apply it again."
    )
    webhooks.add_argument("action", choices=("verify", "list", "replay"))
    webhooks.add_argument("events", nargs="*", metavar="ID", help="with replay: which; without, all that list shows")
    webhooks.add_argument("--platform", type=str.upper, choices=[*Platform], metavar="NAME", help=", ".join(Platform))
    webhooks.add_argument("--file", type=Path, metavar="BODY", help="with verify: the body as it was received")
    webhooks.add_argument("--signature", metavar="TEXT", help="with verify: the platform's signature header")


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65534:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; a number from 1 to 65534")
    return int(text)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-01-31") from None


def _iso_week(text: str) -> str:
    matched = re.fullmatch(r"(\d{4})-W(\d{2})", text)
    try:
        if matched:
            date.fromisocalendar(int(matched[1]), int(matched[2]), 1)
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a week like 2026-W47")


def _list_of(*known: str) -> Callable[[str], tuple[str, ...]]:
    def read(text: str) -> tuple[str, ...]:
        chosen = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
        unknown = [word for word in chosen if word not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not one of {', '.join(known)}")
        return chosen

    return read
