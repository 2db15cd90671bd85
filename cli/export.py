import argparse

from cli.problems import Problem
from cli.progress import detail, say, step


def run(options: argparse.Namespace) -> int:
    return verify(options) if options.what == "verify" else write(options)


def write(options: argparse.Namespace) -> int:
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
                progress=detail,
            )
    except NothingToExport as error:
        raise Problem(str(error), "choose other dates; without --from and --to all there are are written") from error
    say(f"Written to {directory}. Its manifest holds a hash of each file; ./supportled export verify DIR checks them.")
    return 0


def verify(options: argparse.Namespace) -> int:
    from orchestration.exports.verify import Verdict
    from orchestration.exports.verify import verify as verified
    from store.settings import Settings

    with step(f"Making {options.directory} anew from its version"):
        result = verified(Settings.from_environment(), options.directory)
        for change in result.changes:
            detail(f"The exporter has changed since: {change}")
        for difference in result.differences:
            detail(difference)
    match result.verdict:
        case Verdict.SAME_BYTES:
            say(f"Every file is, byte for byte, what version {result.version} gives.")
        case Verdict.SAME_VALUES:
            say(f"The exporter has changed, so bytes differ; every value is what version {result.version} gives.")
        case Verdict.DIFFERENT:
            say(f"This is not what version {result.version} gives.")
    return 1 if result.verdict is Verdict.DIFFERENT else 0
