import argparse

from cli.problems import Problem
from cli.progress import say, step


def run(options: argparse.Namespace) -> int:
    from orchestration.exports import NothingToExport, export_kpis
    from store.settings import Settings

    try:
        with step("Exporting KPIs"):
            directory = export_kpis(
                Settings.from_environment(),
                start=options.start,
                end=options.end,
                formats=options.formats,
                output=options.output,
            )
    except NothingToExport as error:
        raise Problem(str(error), "choose other dates; without --from and --to all there are are written") from error
    say(f"Written to {directory}. Its manifest holds a hash of each file; the same version gives the same bytes.")
    return 0
