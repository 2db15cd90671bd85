"""Runs a module as a child that does not outlive its parent: `python -m orchestration.child PARENT MODULE ARGUMENT...`.

A build that is killed must not leave a dbt or an extract behind that works on a file nobody waits for.
"""

import ctypes
import os
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1


def command(module: str, *arguments: str) -> list[str]:
    """The command line that runs `module` this way, for the process that calls."""
    return [sys.executable, "-P", "-m", "orchestration.child", str(os.getpid()), module, *arguments]


def die_with(parent: int) -> None:
    """Ask the kernel for SIGKILL when the parent dies (Linux; elsewhere the child ends by itself, later)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
