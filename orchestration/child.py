"""dbt as a child that does not outlive its parent: `python -m orchestration.child PARENT ARGUMENT...`.

A build that is killed must not leave a dbt behind that works on a file nobody waits for.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def command(*arguments: str) -> list[str]:
    """The command line of dbt with these arguments, for the process that calls."""
    return [sys.executable, "-P", "-m", "orchestration.child", str(os.getpid()), *arguments]


def die_with(parent: int) -> None:
    """Ask the kernel for SIGKILL when the parent dies (Linux; elsewhere the child ends by itself, later)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    from dbt.cli.main import cli

    cli(sys.argv[2:], prog_name="dbt")
