"""Makes `.venv` from requirements.lock and hands over to the commands in it. Standard library only."""

import ast
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO

from cli.arguments import parse
from cli.problems import Problem, describe

ROOT = Path(__file__).resolve().parent.parent
NEEDED_BYTES = 2 * 1024**3

Say = Callable[[str], None]


class EnvironmentState(StrEnum):
    READY = "READY"
    STALE = "STALE"
    """Python is there, the packages are not those of the lock: an update, or an installation that was cut short."""
    MISSING = "MISSING"


def launch(argv: Sequence[str]) -> int:
    """Run one command in the environment, making that first where needed. Returns only if it could not."""
    options = parse(argv)  # help and wrong arguments end here, before anything is installed
    try:
        if options.module == "cli.doctor" and environment_state(ROOT) is not EnvironmentState.READY:
            from cli import doctor

            return doctor.run(options)
        ensure_environment(ROOT, _say)
        hand_over(ROOT, argv)
    except Problem as problem:
        print(describe(problem), file=sys.stderr)
    except KeyboardInterrupt:
        print("supportled: stopped; the next start goes on from here.", file=sys.stderr)
        return 130
    return 1


def stamp_of(lock: bytes, root: Path) -> str:
    """What `.venv` must have been made from; the place counts too, for an environment cannot be moved."""
    return hashlib.sha256(lock + str(root).encode()).hexdigest()


def environment_state(root: Path) -> EnvironmentState:
    if not os.access(environment_python(root), os.X_OK):
        return EnvironmentState.MISSING
    try:
        stamped = stamp_file(root).read_text().strip()
    except FileNotFoundError:
        return EnvironmentState.STALE
    current = stamp_of((root / "requirements.lock").read_bytes(), root)
    return EnvironmentState.READY if stamped == current else EnvironmentState.STALE


def environment_python(root: Path) -> Path:
    return root / ".venv" / "bin" / "python"


def stamp_file(root: Path) -> Path:
    return root / ".venv" / "made-from"


def locked_block(lock: str, package: str) -> str:
    """The lines of the lock that pin one package, hashes included."""
    matched = re.search(rf"^{re.escape(package)}==.*(?:\n[ \t].*)*", lock, re.MULTILINE)
    if not matched:
        raise Problem(f"requirements.lock does not pin {package}", "restore the file from version control")
    return matched[0] + "\n"


def uv_environment(pip_config: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Environment variables that make uv use the indexes, certificates and proxy that pip is configured with.

    `pip_config` is the output of `pip config list`. What the user set for uv itself wins.
    """
    settings = _pip_settings(pip_config)
    indexes = " ".join(settings.get("extra-index-url", "").split())
    chosen = {
        "UV_INDEX_URL": settings.get("index-url"),
        "UV_EXTRA_INDEX_URL": indexes,
        # As pip does: every index is asked. The hashes decide what may be installed.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if indexes else None,
        "UV_FIND_LINKS": ",".join(settings.get("find-links", "").split()),
        "UV_OFFLINE": "1" if settings.get("no-index", "").lower() in ("1", "true", "yes", "on") else None,
        "UV_INSECURE_HOST": " ".join(settings.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": settings.get("timeout") or settings.get("default-timeout"),
        "SSL_CERT_FILE": settings.get("cert"),
        "ALL_PROXY": settings.get("proxy"),
        "UV_SYSTEM_CERTS": "1",
    }
    return {name: value for name, value in chosen.items() if value} | dict(environment)


def _pip_settings(pip_config: str) -> dict[str, str]:
    ranked: dict[str, tuple[int, str]] = {}
    for line in pip_config.splitlines():
        matched = re.fullmatch(r"(global|install|:env:)\.([\w-]+)=(.*)", line.strip())
        if matched:
            section, name, value = matched.groups()
            rank = ("global", "install", ":env:").index(section)
            if rank >= ranked.get(name, (-1, ""))[0]:
                ranked[name] = (rank, str(ast.literal_eval(value)))
    return {name: value for name, (_, value) in ranked.items()}


def ensure_environment(root: Path, say: Say) -> None:
    """Leave `.venv` holding exactly the packages of requirements.lock. Quick when it already does."""
    if environment_state(root) is EnvironmentState.READY:
        return
    with (root / "requirements.lock").open("rb") as lock:
        _take_turn(lock, say)
        state = environment_state(root)  # another launcher may have made it while this one waited
        if state is EnvironmentState.READY:
            return
        started = time.monotonic()
        if state is EnvironmentState.MISSING:
            say(f"Making .venv with Python {sys.version.split()[0]} (once, about 1.3 GB)")
            _create(root)
        else:
            say("Updating .venv to requirements.lock")
        _install(root, lock.read(), say)
        say(f".venv is ready ({time.monotonic() - started:.1f} s)")


def hand_over(root: Path, argv: Sequence[str]) -> None:
    """Replace this process by the command in the environment; the working directory stays."""
    python = str(environment_python(root))
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    # -P keeps the working directory off the import path: a folder named `api` there must not stand in for ours.
    os.execve(python, [python, "-P", "-m", "cli", *argv], {**os.environ, "PYTHONPATH": os.pathsep.join(paths)})


def _take_turn(lock: IO[bytes], say: Say) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Another supportled is making .venv; waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _create(root: Path) -> None:
    free = shutil.disk_usage(root).free
    if free < NEEDED_BYTES:
        raise Problem(
            f"{root} has {free / 1024**3:.1f} GB free and the packages need 2",
            "free some space, or put the checkout on another disk",
        )
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    _call(
        [sys.executable, "-m", "venv", "--clear", str(root / ".venv")],
        "Python cannot make a virtual environment",
        f"install its venv module (Debian, Ubuntu: apt install python{version}-venv) and start again",
    )


def _install(root: Path, lock: bytes, say: Say) -> None:
    python = str(environment_python(root))
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    remedy = "check the network and pip's index (`pip config list`), then start again: it goes on where it stopped"
    # pip comes with Python but is slow, and releases before 23.3 cannot install a lock with extras in it: it brings uv.
    block = root / ".venv" / "installer.txt"
    block.write_text(locked_block(lock.decode(), "uv"))
    say("  installer")
    _call(
        [*pip, "install", "--quiet", "--require-hashes", "-r", str(block)], "The installer uv could not be had", remedy
    )
    configured = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=False).stdout
    environment = uv_environment(configured, os.environ)
    say(f"  {len(re.findall(rb'^[a-z0-9][^ ]*==', lock, re.MULTILINE))} packages")
    sync = [
        str(root / ".venv/bin/uv"),
        "pip",
        "sync",
        "--quiet",
        "--require-hashes",
        "--no-config",
        "--python",
        python,
        str(root / "requirements.lock"),
    ]
    try:
        _call(sync, "The packages of requirements.lock could not be installed", remedy, environment)
    except Problem as problem:
        if "certificate" not in str(problem) or "UV_SYSTEM_CERTS" in os.environ:
            raise
        # A machine without certificates of its own: uv brings some.
        environment.pop("UV_SYSTEM_CERTS")
        _call(sync, "The packages of requirements.lock could not be installed", remedy, environment)
    partial = stamp_file(root).with_suffix(".partial")
    partial.write_text(stamp_of(lock, root) + "\n")
    partial.replace(stamp_file(root))


def _call(command: Sequence[str], failure: str, remedy: str, environment: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise Problem(f"{failure}: {' | '.join(lines[-6:])}", remedy)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
