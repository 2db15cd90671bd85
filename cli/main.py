"""Runs one command and turns what goes wrong into a line that a person can act on."""

import importlib
import os
import sys
from collections.abc import Sequence

from cli.arguments import parse
from cli.problems import describe


def main(argv: Sequence[str]) -> int:
    """The exit code of one command: 0 done, 1 a problem (told on stderr with its remedy), 2 wrong arguments, 130 stopped."""
    options = parse(argv)
    try:
        return importlib.import_module(options.module).run(options)
    except KeyboardInterrupt:
        print("supportled: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output went away, as `head` does; nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("SUPPORTLED_DEBUG"):
            raise
        print(describe(error), file=sys.stderr)
        return 1
