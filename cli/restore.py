import argparse

from cli.problems import Problem
from cli.progress import detail, say, step


def run(options: argparse.Namespace) -> int:
    if options.erasures and not options.erasures.is_file():
        raise Problem(f"there is no file {options.erasures}", "check the path")

    from ingestion.erasure import erase_again
    from store.restore import restore
    from store.settings import Settings

    with step(f"Restoring from {options.directory}"):
        manifest = restore(
            Settings.from_environment(),
            options.directory,
            replace=options.replace,
            erase_again=erase_again,
            erasures=options.erasures,
            progress=detail,
        )
    say(f"This is the store of {manifest.taken_at}. Next: ./supportled build, then ./supportled up.")
    return 0
