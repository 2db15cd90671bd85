"""What a mapping may say, and how a wrong one is told."""

from pathlib import Path
from typing import Any

import pytest

from ingestion.files import MappingInvalid, MappingNotFound, find_mapping, mapping_names
from ingestion.files.fields import FIELDS, Kind
from ingestion.files.mapping import SHIPPED_DIR, parse_mapping, read_mapping
from store.enums import TimelineEvent
from store.settings import Settings
from tests.ingestion.files.examples import LOG, TICKETS, mapping


@pytest.mark.parametrize(
    ("said", "changes", "complaint"),
    [
        (TICKETS, {"zome": "UTC"}, "zome: no such key; did you mean zone?"),
        (TICKETS, {"kind": "tickets"}, "kind: Input should be 'incidences', 'events'"),
        (TICKETS, {"source": "app"}, "source: 'app' is what our own rows are called"),
        (TICKETS, {"name": "../up"}, "name: String should match pattern"),
        (TICKETS, {"zone": "Asia/Calcuta"}, "'Asia/Calcuta' is not a time zone; did you mean Asia/Calcutta"),
        (TICKETS, {"amounts": None}, "amounts: Input should be 'rupees' or 'paise'"),
        (TICKETS, {"time_formats": ["DD/MM/YYYY"]}, "'DD/MM/YYYY' is not a time format; such as %d/%m/%Y %H:%M"),
        (TICKETS, {"columns": {"user_id": None}}, "columns: user_id must be filled, from a column or with a constant"),
        (TICKETS, {"columns": {"chanel": "Via"}}, "'chanel' is not a field of incidences; did you mean channel?"),
        (
            TICKETS,
            {"columns": {"channel": {"colum": "Via"}}},
            "columns.channel.colum: no such key; did you mean column?",
        ),
        (
            TICKETS,
            {"columns": {"channel": {"column": "Via", "values": {"x": "FAX"}}}},
            "'FAX' is not one of IN_APP_CHAT",
        ),
        (
            TICKETS,
            {"columns": {"stage": {"constant": "PRE"}}},
            "columns.stage: 'PRE' is not one of PRE_ORDER, POST_ORDER",
        ),
        (TICKETS, {"columns": {"stage": {}}}, "give either `column`, a column of the file, or `constant`"),
        (TICKETS, {"columns": {"stage": {"constant": "PRE_ORDER", "default": "x"}}}, "`constant` stands alone"),
        (
            TICKETS,
            {"columns": {"user_id": {"column": "u", "take": "last"}}},
            "`take` goes with what an event log tells",
        ),
        (
            TICKETS,
            {"columns": {"channel": {"column": "Via", "zone": "UTC"}}},
            "`time_formats` and `zone` go with times",
        ),
        (TICKETS, {"columns": {"channel": {"column": "Via", "unit": "paise"}}}, "`unit` goes with amounts"),
        (TICKETS, {"columns": {"channel": {"column": "Via", "prefix": "x:"}}}, "`prefix` goes with ids"),
        (TICKETS, {"events": {"x": "CLOSED"}}, "`events` and `roll_up` go with kind: events, not incidences"),
        (LOG, {"roll_up": {}}, "roll_up: an event log needs `closing`"),
        (
            LOG,
            {"roll_up": {"closing": {"close": "DONE"}}},
            "roll_up.closing.close: Input should be 'RESOLVED', 'DROPPED'",
        ),
        (
            LOG,
            {"roll_up": {"closing": {"close": "DROPPED"}, "wait": []}},
            "roll_up.wait: no such key; did you mean waits?",
        ),
        (LOG, {"events": {"close": "NOTE"}}, "events: 'close' stands under roll_up already"),
        (LOG, {"zone": ""}, "'' is not a time zone"),
    ],
)
def test_a_wrong_mapping_says_where_and_how_to_go_on(
    said: dict[str, Any], changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(MappingInvalid) as raised:
        mapping(said, **changes)
    assert complaint in str(raised.value)
    assert raised.value.remedy


def test_a_mapping_without_a_zone_for_its_times_is_refused() -> None:
    with pytest.raises(MappingInvalid, match=r"columns.created_at: give `zone`"):
        mapping({key: value for key, value in TICKETS.items() if key != "zone"})


def test_what_is_not_yaml_or_no_mapping_is_refused() -> None:
    for text in ("a: [", "just words", "- a\n- b", "", b"\xff\xfe\xfa"):
        with pytest.raises(MappingInvalid):
            parse_mapping(text)


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(MappingInvalid, match="key 'zone' stands twice"):
        parse_mapping("zone: UTC\nzone: Asia/Kolkata\n")


def test_words_that_yaml_takes_for_others_stay_words() -> None:
    said = "name: m\nsource: s\nkind: users\ncolumns:\n  user_id: id\n  tier: {column: 1, values: {yes: GOLD, 07: SILVER}}\n"
    rule = parse_mapping(said).columns["tier"]
    assert (rule.column, rule.values) == ("1", {"yes": "GOLD", "07": "SILVER"})


def test_comments_and_layout_do_not_make_another_mapping() -> None:
    said = "name: m\nsource: s\nkind: users\ncolumns: {user_id: id}\n"
    other = "# a comment\nkind: users\nsource: s\nname: m\ndescription: Words.\ncolumns:\n  user_id: {column: id}\n"
    assert parse_mapping(said).content_hash == parse_mapping(other).content_hash
    assert parse_mapping(said).content_hash != parse_mapping(said.replace("id}", "no}")).content_hash


def test_activities_have_the_words_that_events_and_roll_up_give_them() -> None:
    assert mapping(LOG).activity_words == {
        "take": TimelineEvent.ASSIGNED,
        "answer": TimelineEvent.MESSAGE,
        "close": TimelineEvent.CLOSED,
        "give up": TimelineEvent.CLOSED,
        "lift": TimelineEvent.ESCALATED,
        "wait": TimelineEvent.WAIT,
    }


def test_a_mapping_is_found_by_name_or_path_and_nowhere_else(settings: Settings, tmp_path: Path) -> None:
    assert find_mapping(settings, "orders").kind is Kind.ORDERS
    own = settings.var_dir / "mappings" / "my_export.yml"
    own.parent.mkdir(parents=True)
    own.write_text("name: my_export\nsource: s\nkind: users\ncolumns: {user_id: id}\n")
    assert find_mapping(settings, "my_export") == find_mapping(settings, str(own)) == find_mapping(settings, own)
    assert {"my_export", "helpdesk_event_log"} <= set(mapping_names(settings))
    (tmp_path / "secret.txt").write_text("name: x")
    for name in (
        "order",
        "../mappings/orders",
        "no_such",
        str(tmp_path / "secret.txt"),
        str(tmp_path / "none.yml"),
        "",
    ):
        with pytest.raises(MappingNotFound) as raised:
            find_mapping(settings, name)
        assert "orders" in str(raised.value) + raised.value.remedy


def test_a_file_of_data_is_not_read_as_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "data.yml"
    path.write_bytes(b"x" * 300_000)
    with pytest.raises(MappingInvalid, match="larger than 256 KB"):
        read_mapping(path)


@pytest.mark.parametrize("name", ["incidences", "orders", "users", "signals"])
def test_the_canonical_mappings_name_every_field_by_its_own_name(name: str) -> None:
    shipped = read_mapping(SHIPPED_DIR / f"{name}.yml")
    assert shipped.name == name
    named = {field: rule.column for field, rule in shipped.columns.items()}
    assert set(named) == set(FIELDS[Kind(name)])
    assert {column for field, column in named.items() if column != field} <= {"incidence_id", "signal_id"}


def test_every_shipped_mapping_is_called_like_its_file() -> None:
    paths = sorted(SHIPPED_DIR.glob("*.yml"))
    assert len(paths) >= 5
    assert [read_mapping(path).name for path in paths] == [path.stem for path in paths]
