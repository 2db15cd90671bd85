import argparse

from cli.problems import Problem
from cli.processes import run_command
from cli.progress import say, step


def run(options: argparse.Namespace) -> int:
    if not options.file.is_file():
        raise Problem(f"there is no file {options.file}", "check the path")

    from ingestion.files import import_file
    from store.migrations import migrate
    from store.settings import Settings

    settings = Settings.from_environment()
    migrate(settings.operations_url)
    with step(f"{'Checking' if options.check else 'Importing'} {options.file.name}"):
        result = import_file(settings, options.file.resolve(), options.mapping, check=options.check)
    say(result.describe())
    if options.check:
        say("Nothing was loaded. Next: the same command without --check.")
        return 0
    if options.build:
        return run_command("build")
    say("Next: ./supportled build publishes a warehouse with it.")
    return 0
