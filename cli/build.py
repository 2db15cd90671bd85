import argparse

from cli.progress import detail, say, step


def run(options: argparse.Namespace) -> int:
    from orchestration.build import run_build
    from store.migrations import migrate
    from store.settings import Settings

    settings = Settings.from_environment()
    migrate(settings.operations_url)
    with step("Building the warehouse" + (" anew" if options.full_refresh else "")):
        result = run_build(settings, full_refresh=options.full_refresh, progress=detail)
    say(f"Published version {result.version}. Next: ./supportled report, or ./supportled up to serve it.")
    return 0
