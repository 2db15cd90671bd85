import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.files import FileUnreadable, MappingDoesNotFit, import_file
from store.ids import file_row_id
from store.settings import Settings
from tests.ingestion.files.examples import TICKET_HEADER, TICKETS, mapping, naive_utc, rows

Write = Callable[[str, str | bytes], Path]

GOOD = 'T1,u1,Phone,Menu,"1,25,000.50",2026-01-05 10:00:00,2026-01-05 10:30:00,ok\n'


def test_values_land_in_our_words_units_and_time(settings: Settings, write: Write) -> None:
    result = import_file(settings, write("tickets.csv", TICKET_HEADER + GOOD), mapping(TICKETS))
    assert (result.loaded_count, result.rejected_count) == (1, 0)
    (row,) = rows(
        settings,
        "SELECT incidence_id, source, source_id, user_id, stage, channel, trigger, outcome, issue_category, "
        "order_value_paise, created_at, opened_at, resolved_at, reopen_count, _line FROM raw.file_incidences",
    )
    assert row == (
        file_row_id("acme", "T1"),
        "acme",
        "T1",
        "u1",
        "PRE_ORDER",
        "CALL",
        "USER_INITIATED",
        "RESOLVED",
        "acme:Menu",
        12_500_050,
        naive_utc(2026, 1, 5, 4, 30),
        naive_utc(2026, 1, 5, 4, 30),
        naive_utc(2026, 1, 5, 5, 0),
        0,
        2,
    )


def test_a_bad_row_is_kept_with_line_and_reasons_and_the_rest_loads(settings: Settings, write: Write) -> None:
    content = TICKET_HEADER + GOOD + "T2,u2,Fax,Menu,12.345,yesterday,,\n" + GOOD.replace("T1", "T3")
    result = import_file(settings, write("tickets.csv", content), mapping(TICKETS))
    assert (result.loaded_count, result.rejected_count) == (2, 1)
    ((line, reason, text, name),) = rows(settings, "SELECT line, reason, row_text, file_name FROM raw.rejected_rows")
    assert (line, name) == (3, "tickets.csv")
    assert "channel: 'Fax' is not one of IN_APP_CHAT, CALL, WHATSAPP" in reason
    assert "order_value: '12.345' is not an amount in rupees" in reason
    assert "created_at: 'yesterday' is not a time like 2026-01-31 18:30:00 (column Opened)" in reason
    assert "Ticket=T2" in text
    assert [row[0] for row in rows(settings, "SELECT source_id FROM raw.file_incidences ORDER BY 1")] == ["T1", "T3"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",u1,Phone,,,2026-01-05,,", "source_id: is empty (column Ticket)"),
        ("T1,u1,Phone,,-5,2026-01-05,,", "order_value: '-5' is not an amount in rupees"),
        ('T1,u1,Phone,,"1,5",2026-01-05,,', "order_value: '1,5' is not an amount"),
        ("T1,u1,Phone,,,2199-01-05,,", "created_at: is in the future; is the zone right?"),
        ("T1,u1,Phone,,,1899-12-30,,", "created_at: is before 1970"),
        ("T1,u1,Phone,,,infinity,,", "created_at: is in the future"),
        ("T1,u1,Phone,,,2026-02-30,,", "created_at: '2026-02-30' is not a time"),
        ("T1,u1,Phone,,,2026-01-05,2026-01-04,ok", "resolved_at: is before created_at"),
        ("T1,u1,Phone,,,2026-01-05,2026-01-06,", "outcome: is empty, though resolved_at is set"),
        ("T1,u1,Phone,,,2026-01-05,,ok", "resolved_at: is empty, though the incidence has an outcome"),
        ("T1,a@b.example,Phone,,,2026-01-05,,", "user_id: looks like an e-mail address"),
        (f"T1,{'u' * 129},Phone,,,2026-01-05,,", "is not an id of at most 128 characters"),
    ],
)
def test_a_row_that_cannot_be_true_is_rejected(settings: Settings, write: Write, row: str, reason: str) -> None:
    result = import_file(settings, write("tickets.csv", f"{TICKET_HEADER}{row}\n"), mapping(TICKETS))
    assert (result.loaded_count, result.rejected_count) == (0, 1)
    assert reason in result.rejects[0].reason


@pytest.mark.parametrize(
    ("text", "rule", "utc"),
    [
        ("2026-01-05T10:00:00Z", {}, naive_utc(2026, 1, 5, 10)),
        ("2026-01-05T10:00:00.25+05:30", {}, naive_utc(2026, 1, 5, 4, 30, 0, 250_000)),
        ("2026-01-05 10:00", {}, naive_utc(2026, 1, 5, 4, 30)),
        ("2026-07-05 10:00", {"zone": "Europe/Berlin"}, naive_utc(2026, 7, 5, 8)),
        ("05/01/2026 10:00", {"time_formats": ["%d/%m/%Y %H:%M"]}, naive_utc(2026, 1, 5, 4, 30)),
        ("5 Jan 2026", {"time_formats": ["%Y-%m-%d", "%d %b %Y"]}, naive_utc(2026, 1, 4, 18, 30)),
        ("05/01/2026 10:00 +0200", {"time_formats": ["%d/%m/%Y %H:%M %z"]}, naive_utc(2026, 1, 5, 8)),
        ("1767607200", {"time_formats": ["epoch_seconds"]}, naive_utc(2026, 1, 5, 10)),
        ("1767607200125", {"time_formats": ["epoch_milliseconds"]}, naive_utc(2026, 1, 5, 10, 0, 0, 125_000)),
    ],
)
def test_times_are_read_in_their_format_and_zone(
    settings: Settings, write: Write, text: str, rule: dict[str, object], utc: datetime
) -> None:
    declared = mapping(TICKETS, columns={"created_at": {"column": "Opened", **rule}})
    result = import_file(settings, write("t.csv", f"{TICKET_HEADER}T1,u1,Phone,,,{text},,\n"), declared)
    assert not result.rejects
    assert rows(settings, "SELECT created_at FROM raw.file_incidences") == [(utc,)]


@pytest.mark.parametrize(
    ("text", "unit", "paise"),
    [
        ("25000", "rupees", 2_500_000),
        ("₹ 1,25,000", "rupees", 12_500_000),
        ("Rs. 99.5", "rupees", 9_950),
        ("125,000.10", "rupees", 12_500_010),
        ("2500/-", "rupees", 250_000),
        ("0", "rupees", 0),
        ("12345", "paise", 12_345),
    ],
)
def test_amounts_become_paise(settings: Settings, write: Write, text: str, unit: str, paise: int) -> None:
    declared = mapping(TICKETS, columns={"order_value": {"column": "Value", "unit": unit}})
    result = import_file(settings, write("t.csv", f'{TICKET_HEADER}T1,u1,Phone,,"{text}",2026-01-05,,\n'), declared)
    assert not result.rejects
    assert rows(settings, "SELECT order_value_paise FROM raw.file_incidences") == [(paise,)]


def test_values_defaults_and_unknown_words(settings: Settings, write: Write) -> None:
    rule = {"column": "Via", "values": {"Phone": "CALL"}, "default": "WHATSAPP", "unknown": "IN_APP_CHAT"}
    content = "".join(f"T{n},u1,{via},,,2026-01-05,,\n" for n, via in enumerate(("Phone", "", "Fax", "whatsapp")))
    import_file(settings, write("t.csv", TICKET_HEADER + content), mapping(TICKETS, columns={"channel": rule}))
    found = rows(settings, "SELECT channel FROM raw.file_incidences ORDER BY source_id")
    assert [channel for (channel,) in found] == ["CALL", "WHATSAPP", "IN_APP_CHAT", "WHATSAPP"]


def test_a_category_that_the_mapping_translates_is_one_of_ours(settings: Settings, write: Write) -> None:
    rule = {"column": "Topic", "values": {"Pay": "PAYMENT"}}
    content = (
        TICKET_HEADER + "T1,u1,Phone,Pay,,2026-01-05,,\nT2,u1,Phone,Else,,2026-01-05,,\nT3,u1,Phone,,,2026-01-05,,\n"
    )
    import_file(settings, write("t.csv", content), mapping(TICKETS, columns={"issue_category": rule}))
    found = rows(settings, "SELECT issue_category FROM raw.file_incidences ORDER BY source_id")
    assert [category for (category,) in found] == ["PAYMENT", "acme:Else", None]


def test_a_personal_id_is_kept_as_a_hash_only(settings: Settings, write: Write) -> None:
    declared = mapping(TICKETS, columns={"user_id": {"column": "Customer", "personal": True, "prefix": "mail:"}})
    content = TICKET_HEADER + "T1,asha@home.example,Phone,,,2026-01-05,,\nT2,asha@home.example,Phone,,,never,,\n"
    import_file(settings, write("t.csv", content), declared)
    ((user_id,),) = rows(settings, "SELECT user_id FROM raw.file_incidences")
    assert user_id.startswith("mail:")
    assert len(user_id) == 37
    stored = b"".join(path.read_bytes() for path in settings.raw_dir.rglob("*") if path.is_file())
    assert b"asha" not in stored
    assert "asha" not in str(rows(settings, "SELECT * FROM raw.rejected_rows"))


def test_columns_that_no_field_reads_are_not_stored(settings: Settings, write: Write) -> None:
    content = "Secret," + TICKET_HEADER + "hush," + GOOD + "hush," + GOOD.replace("2026", "x")
    import_file(settings, write("t.csv", content), mapping(TICKETS))
    assert "hush" not in str(rows(settings, "SELECT * FROM raw.rejected_rows"))


def test_the_same_file_twice_changes_nothing(settings: Settings, write: Write) -> None:
    path = write("tickets.csv", TICKET_HEADER + GOOD)
    first = import_file(settings, path, mapping(TICKETS))
    again = import_file(settings, path.rename(path.with_name("renamed.csv")), mapping(TICKETS))
    assert not first.is_unchanged
    assert again.is_unchanged
    assert again.file_id == first.file_id
    assert len(list(settings.raw_dir.iterdir())) == len([".lock", "00000001-file"])


def test_a_changed_mapping_imports_the_same_file_anew(settings: Settings, write: Write) -> None:
    path = write("tickets.csv", TICKET_HEADER + GOOD)
    import_file(settings, path, mapping(TICKETS))
    assert not import_file(settings, path, mapping(TICKETS, zone="UTC")).is_unchanged
    assert rows(settings, "SELECT created_at FROM raw.file_incidences") == [(naive_utc(2026, 1, 5, 10),)]


def test_a_later_export_replaces_rows_of_an_earlier_one(settings: Settings, write: Write) -> None:
    old = GOOD.replace(",2026-01-05 10:30:00,ok", ",,")
    import_file(settings, write("1.csv", TICKET_HEADER + old + GOOD.replace("T1", "T2")), mapping(TICKETS))
    import_file(settings, write("2.csv", TICKET_HEADER + GOOD), mapping(TICKETS))
    found = rows(settings, "SELECT source_id, outcome FROM raw.file_incidences ORDER BY 1")
    assert found == [("T1", "RESOLVED"), ("T2", "RESOLVED")]


def test_of_rows_with_one_id_the_last_counts(settings: Settings, write: Write) -> None:
    result = import_file(
        settings, write("t.csv", TICKET_HEADER + GOOD + GOOD.replace("Menu", "Late")), mapping(TICKETS)
    )
    assert (result.loaded_count, result.repeated_count) == (2, 1)
    assert rows(settings, "SELECT issue_category FROM raw.file_incidences") == [("acme:Late",)]


def test_other_sources_may_use_the_same_ids(settings: Settings, write: Write) -> None:
    path = write("t.csv", TICKET_HEADER + GOOD)
    import_file(settings, path, mapping(TICKETS))
    import_file(settings, path, mapping(TICKETS, source="other"))
    found = rows(settings, "SELECT source, incidence_id FROM raw.file_incidences ORDER BY 1")
    assert found == [("acme", file_row_id("acme", "T1")), ("other", file_row_id("other", "T1"))]


def test_a_check_shows_everything_and_writes_nothing(settings: Settings, write: Write) -> None:
    content = TICKET_HEADER + GOOD + GOOD.replace("Phone", "Fax")
    result = import_file(settings, write("t.csv", content), mapping(TICKETS), check=True)
    assert (result.loaded_count, result.rejected_count) == (1, 1)
    assert result.preview[0]["order_value_paise"] == 12_500_050
    text = result.describe()
    assert "would load 1 row, would reject 1" in text
    assert "channel: Fax → not mapped, rejected (1)" in text
    assert "channel: Phone → CALL (1)" in text
    assert "line 3: channel: 'Fax' is not one of" in text
    assert not settings.var_dir.exists()


def test_a_check_works_on_a_file_that_was_imported_before(settings: Settings, write: Write) -> None:
    path = write("t.csv", TICKET_HEADER + GOOD)
    import_file(settings, path, mapping(TICKETS))
    assert import_file(settings, path, mapping(TICKETS), check=True).preview


def test_a_mapping_that_does_not_fit_names_what_is_missing(settings: Settings, write: Write) -> None:
    path = write("t.csv", "ticket,Customer,Via,Topic,Value,Opened,Result\n" + GOOD)
    with pytest.raises(MappingDoesNotFit) as raised:
        import_file(settings, path, mapping(TICKETS))
    message = str(raised.value)
    assert "'Ticket' (for source_id), which has 'ticket'" in message
    assert "'Closed' (for resolved_at)" in message
    assert "Its columns are ticket, Customer" in message
    assert raised.value.remedy
    assert not settings.raw_dir.exists()


def test_missing_columns_can_be_left_empty_unless_they_are_needed(settings: Settings, write: Write) -> None:
    declared = mapping(TICKETS, missing_columns="empty")
    result = import_file(settings, write("t.csv", "Ticket,Customer,Opened\nT1,u1,2026-01-05\n"), declared)
    assert (result.loaded_count, result.rejected_count) == (1, 0)
    assert result.absent_columns == ("Via", "Topic", "Value", "Closed", "Result")
    with pytest.raises(MappingDoesNotFit, match="'Opened'"):
        import_file(settings, write("t2.csv", "Ticket,Customer\nT1,u1\n"), declared)


def test_jsonl_and_parquet_give_what_csv_gives(settings: Settings, write: Write, tmp_path: Path) -> None:
    names = TICKET_HEADER.strip().split(",")
    values = ["T1", "u1", "Phone", "Menu", "125000.50", "2026-01-05 10:00:00", "2026-01-05 10:30:00", "ok"]
    record = dict(zip(names, values, strict=True))
    import_file(settings, write("t.csv", TICKET_HEADER + GOOD), mapping(TICKETS, source="csv"))
    lines = json.dumps(record | {"Value": 125000.5}) + "\n\n" + '["no object"]\n{broken\n'
    result = import_file(settings, write("t.jsonl", lines), mapping(TICKETS, source="jsonl"))
    assert [(reject.line, reject.reason) for reject in result.rejects] == [
        (3, "not a JSON object"),
        (4, "not a JSON object"),
    ]
    typed = record | {"Opened": naive_utc(2026, 1, 5, 4, 30)}
    table = pa.Table.from_pylist([typed, record | {"Opened": None}])
    table = table.set_column(5, "Opened", table["Opened"].cast(pa.timestamp("us", tz="UTC")))
    pq.write_table(table, tmp_path / "t [1].parquet")
    result = import_file(settings, tmp_path / "t [1].parquet", mapping(TICKETS, source="parquet"))
    assert [(reject.line, reject.reason) for reject in result.rejects] == [(2, "created_at: is empty (column Opened)")]
    found = rows(
        settings,
        "SELECT DISTINCT source_id, user_id, channel, outcome, replace(issue_category, source, ''), order_value_paise, "
        "created_at, resolved_at FROM raw.file_incidences",
    )
    assert len(found) == 1


def test_a_path_leads_into_json(settings: Settings, write: Write) -> None:
    declared = mapping(TICKETS, missing_columns="empty", columns={"user_id": "/customer/id", "source_id": "/ids/0"})
    line = json.dumps({"ids": ["T9"], "customer": {"id": "u9"}, "Opened": "2026-01-05"})
    result = import_file(settings, write("t.jsonl", line), declared)
    assert not result.rejects
    assert rows(settings, "SELECT source_id, user_id FROM raw.file_incidences") == [("T9", "u9")]


def test_a_file_of_headers_only_is_no_error(settings: Settings, write: Write) -> None:
    result = import_file(settings, write("t.csv", TICKET_HEADER), mapping(TICKETS))
    assert (result.loaded_count, result.rejected_count) == (0, 0)


def test_quotes_in_names_and_values_do_no_harm(settings: Settings, write: Write) -> None:
    evil = "x'); DROP TABLE records; --"
    declared = mapping(TICKETS, columns={"issue_category": {"column": evil, "values": {evil: evil}}})
    content = TICKET_HEADER.replace("Topic", evil) + f"T1,u1,Phone,{evil},,2026-01-05,,\n"
    import_file(settings, write("t'; --.csv", content), declared)
    assert rows(settings, "SELECT issue_category FROM raw.file_incidences") == [(evil,)]


def test_signals_without_ids_are_the_same_rows_in_a_later_export(settings: Settings, write: Write) -> None:
    header = "user_id,signal_type,value,recorded_at\n"
    one, two = "u1,BACK_NAVIGATION,1,2026-01-05 10:00\n", "u1,BACK_NAVIGATION,1,2026-01-05 10:01\n"
    import_file(settings, write("1.csv", header + one + one), "signals")
    import_file(settings, write("2.csv", header + two + one), "signals")
    found = rows(settings, "SELECT signal_type, value, recorded_at, session_id FROM raw.file_signals ORDER BY 3")
    assert [row[2] for row in found] == [naive_utc(2026, 1, 5, 4, 30), naive_utc(2026, 1, 5, 4, 31)]


def test_a_file_that_is_not_there_or_says_nothing_is_refused(settings: Settings, write: Write) -> None:
    with pytest.raises(FileUnreadable, match="there is no file"):
        import_file(settings, Path("nowhere.csv"), mapping(TICKETS))
    with pytest.raises(FileUnreadable, match="no header line"):
        import_file(settings, write("empty.csv", ""), mapping(TICKETS))
    with pytest.raises(FileUnreadable, match="does not say what it is"):
        import_file(settings, write("data.xyz", "a"), mapping(TICKETS))
    with pytest.raises(FileUnreadable, match="not a readable Parquet file"):
        import_file(settings, write("broken.parquet", "PAR1 no"), mapping(TICKETS))
