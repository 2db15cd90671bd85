from datetime import date
from pathlib import Path

import pytest

from cli.arguments import parse


def test_up_serves_demo_data_on_port_8000_unless_told_otherwise() -> None:
    assert (vars(parse(["up"])) | {"module": ""}) == {"module": "", "serve": True, "demo": True, "port": 8000}
    options = parse(["up", "--no-serve", "--no-demo", "--port", "9000"])
    assert (options.serve, options.demo, options.port) == (False, False, 9000)


def test_an_import_takes_a_file_and_a_mapping() -> None:
    options = parse(["import", "events.csv", "--mapping", "helpdesk", "--check"])
    assert (options.file, options.mapping, options.check, options.build) == (
        Path("events.csv"),
        "helpdesk",
        True,
        False,
    )


def test_a_report_takes_a_week_of_the_iso_calendar() -> None:
    assert parse(["report"]).week is None
    assert parse(["report", "--week", "2026-W53"]).week == "2026-W53"


def test_an_export_takes_whole_days_and_formats_without_doubles() -> None:
    options = parse(["export", "kpis", "--from", "2026-10-01", "--to", "2026-10-01", "--format", "parquet,csv,parquet"])
    assert (options.start, options.end) == (date(2026, 10, 1), date(2026, 10, 1))
    assert options.formats == ("parquet", "csv")
    assert parse(["export", "kpis"]).formats == ("pdf", "xlsx", "csv", "parquet")
    assert parse(["export", "verify", "somewhere"]).directory == Path("somewhere")


def test_a_role_may_be_typed_in_small_letters() -> None:
    assert parse(["token", "create", "--role", "admin"]).role == "ADMIN"
    assert parse(["token", "create", "--role", "agent", "--agent", "a-1"]).agent == "a-1"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "the following arguments are required: COMMAND"),
        ("fly", "invalid choice: 'fly'"),
        ("up --port 0", "'0' is not a port"),
        ("up --port http", "'http' is not a port"),
        ("up --no-s", "unrecognized arguments: --no-s"),
        ("import events.csv", "the following arguments are required: --mapping"),
        ("report --week 2025-W53", "'2025-W53' is not a week"),
        ("report --week 2026-11-23", "'2026-11-23' is not a week"),
        ("report --format docx", "'docx' is not one of html, pdf, xlsx"),
        ("export kpis --from yesterday", "'yesterday' is not a date"),
        ("export kpis --from 2026-02-01 --to 2026-01-31", "--from 2026-02-01 is after --to 2026-01-31"),
        ("export kpis --format csv,", "'' is not one of pdf, xlsx, csv, parquet"),
        ("export verify", "export verify DIR"),
        ("export kpis somewhere", "--output DIR"),
        ("token create --role KING", "invalid choice: 'KING'"),
        ("token create --role AGENT", "the role AGENT belongs to an agent"),
        ("token create --role ADMIN --agent a-1", "--agent goes with the roles AGENT and SUPERVISOR only"),
        ("reset", "the following arguments are required: --demo"),
    ],
)
def test_arguments_that_make_no_sense_are_named(line: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(line.split())
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err
