import argparse

from cli.progress import say, step


def run(_options: argparse.Namespace) -> int:
    from ingestion.simulate import remove_demo
    from store.migrations import migrate
    from store.settings import Settings

    settings = Settings.from_environment()
    migrate(settings.operations_url)
    with step("Taking out the demo data"):
        remove_demo(settings)
    say("Next: ./supportled build publishes a warehouse without it.")
    return 0
