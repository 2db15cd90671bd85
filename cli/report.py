import argparse

from cli.progress import detail, say, step


def run(options: argparse.Namespace) -> int:
    from orchestration.reports import write_weekly_report
    from store.settings import Settings

    with step(f"Writing the friction report of {options.week or 'the last 7 days'}"):
        written = write_weekly_report(Settings.from_environment(), week=options.week, formats=options.formats)
        for path in written.files.values():
            detail(path)
        if written.left_out:
            detail(written.left_out)
    say(written.headline)
    say("Next: open it in a browser.")
    return 0
