import argparse

from cli.progress import say, step


def run(options: argparse.Namespace) -> int:
    from orchestration.exports import export_kpis
    from store.settings import Settings

    with step("Exporting KPIs"):
        directory = export_kpis(
            Settings.from_environment(),
            start=options.start,
            end=options.end,
            formats=options.formats,
            output=options.output,
        )
    say(f"Written to {directory}. Its manifest holds a hash of each file; the same version gives the same bytes.")
    return 0
