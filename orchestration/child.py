"""Runs a program as a child that does not outlive its parent: `python -m orchestration.child PARENT PROGRAM ARGUMENT...`.

A build that is killed must not leave a dbt or an extract behind that works on a file nobody waits for.
"""

import ctypes
import os
import pkgutil
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1


def command(program: str, *arguments: str) -> list[str]:
    """The command line that runs `program` this way, for the process that calls: a module, or `module:function`."""
    return [sys.executable, "-P", "-m", "orchestration.child", str(os.getpid()), program, *arguments]


def die_with(parent: int) -> None:
    """Ask the kernel for SIGKILL when the parent dies (Linux; elsewhere the child ends by itself, later)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")


def run(program: str) -> None:
    """A function is called where it is; a module run as a program would be imported twice if others import it too."""
    if ":" in program:
        pkgutil.resolve_name(program)()
    else:
        runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    sys.argv = sys.argv[2:]
    run(sys.argv[0])
