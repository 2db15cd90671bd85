import argparse

from cli.progress import detail, say, step


def run(options: argparse.Namespace) -> int:
    from orchestration.reports import write_weekly_report
    from store.settings import Settings

    with step(f"Writing the friction report of {options.week or 'the last 7 days'}"):
        paths = write_weekly_report(Settings.from_environment(), week=options.week, formats=options.formats)
        for path in paths:
            detail(path)
    say("Next: open it in a browser.")
    return 0
