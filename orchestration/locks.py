"""File locks that die with their holder: the kernel drops a flock when the process ends, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.problems import BuildInProgress
from store.settings import Settings


@contextmanager
def build_lock(settings: Settings, purpose: str = "build") -> Iterator[None]:
    """Hold the right to build. Raises `BuildInProgress`, naming the holder, instead of waiting."""
    with _open(settings.warehouse_dir / "build.lock") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildInProgress(_holder(handle)) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{purpose}, process {os.getpid()}".encode(), 0)
        yield


def build_is_running(settings: Settings) -> bool:
    """Whether some process holds the build lock now."""
    with _open(settings.warehouse_dir / "build.lock") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def wait_for_build(settings: Settings) -> None:
    """Return once no process holds the build lock."""
    with _open(settings.warehouse_dir / "build.lock") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)


@contextmanager
def versions_lock(settings: Settings) -> Iterator[None]:
    """Held for moments, while versions are pinned or removed, so that no version is removed while it is being pinned."""
    with exclusive(settings.warehouse_dir / "versions.lock"):
        yield


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file, waiting for it."""
    with _open(path) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _holder(handle: int) -> str:
    return os.pread(handle, 200, 0).decode(errors="replace") or "its process has not said which yet"


@contextmanager
def _open(path: Path) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not inheritable (Python's default): a child that outlives its parent must not keep the lock.
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)
