import argparse

from cli.problems import Problem
from cli.progress import detail, say, step


def run(options: argparse.Namespace) -> int:
    from ingestion.erasure import erase
    from store.migrations import migrate
    from store.settings import Settings

    settings = Settings.from_environment()
    migrate(settings.operations_url)
    with step(f"Erasing user {options.user}"):
        erased = erase(settings, options.user, detail)
    for path in erased.files_unread:
        detail(f"not looked into: {path}")
    if erased.files_left:
        raise Problem(
            f"the store is clean, but these files still hold the person: {', '.join(map(str, erased.files_left))}",
            "delete them or take the person's lines out, then run the same command again",
        )
    say("Ids, times and amounts stay. Backups from before still hold the person; a restore erases again.")
    return 0
