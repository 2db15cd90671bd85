"""How files are cut into rows: what people's spreadsheets and exports really contain."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.files import FileUnreadable
from ingestion.files.mapping import FileFormat
from ingestion.files.records import LONGEST_LINE, MOST_COLUMNS, load_records, read_header

Write = Callable[[str, str | bytes], Path]
Row = tuple[object, ...]


def read(path: Path, columns: list[str], declared: FileFormat | None = None) -> tuple[list[Row], list[Row]]:
    """Rows with their lines, and rejected lines with reasons."""
    with duckdb.connect() as connection:
        load_records(connection, path, read_header(path, declared or FileFormat()), columns)
        good = connection.execute("SELECT * FROM records ORDER BY line").fetchall()
        bad = connection.execute("SELECT line, reason FROM rejected ORDER BY line").fetchall()
    return good, bad


def test_a_byte_order_mark_is_no_part_of_the_first_name(write: Write) -> None:
    assert read(write("t.csv", b"\xef\xbb\xbfa,b\n1,2\n"), ["a"]) == ([(2, "1")], [])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_by_the_header(write: Write, delimiter: str) -> None:
    content = delimiter.join(['"a,;x"', "b", "c"]) + "\n" + delimiter.join("123") + "\n"
    assert read(write("t.csv", content), ["c", "a,;x"]) == ([(2, "3", "1")], [])


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_count_as_an_editor_counts_them(write: Write, line_end: str) -> None:
    content = line_end.join(["a,b", "1,one", "", '2,"two', 'lines"', "3,three,too many", "4,four", ""])
    good, bad = read(write("t.csv", content), ["a", "b"])
    assert [(line, a) for line, a, _ in good] == [(2, "1"), (4, "2"), (7, "4")]
    assert bad == [(6, "has 3 values where the header names 2 columns")]


def test_the_second_of_two_columns_of_one_name_can_be_named(write: Write) -> None:
    path = write("t.csv", "Variant,x,Variant\nfirst,,second\n")
    assert read_header(path, FileFormat()).names == ("Variant", "x", "Variant#2")
    assert read(path, ["Variant#2", "Variant"]) == ([(2, "second", "first")], [])


def test_an_unclosed_quote_costs_its_own_line_only(write: Write) -> None:
    good, bad = read(write("t.csv", 'a,b\n1,one\n2,"two\n3,three\n4,"fo""ur"\n'), ["a", "b"])
    assert good == [(2, "1", "one"), (4, "3", "three"), (5, "4", 'fo"ur')]
    assert [line for line, _ in bad] == [3]


def test_an_unclosed_quote_in_a_long_file_is_found_too(write: Write) -> None:
    content = 'a,b\n1,"open\n' + "".join(f"{n},x\n" for n in range(3_000)) + '5,"open again\n6,y\n'
    good, bad = read(write("t.csv", content), ["a"])
    assert len(good) == 3_001
    assert [line for line, _ in bad] == [2, 3_003]


def test_text_that_is_not_utf_8_costs_its_own_row_only(write: Write) -> None:
    good, bad = read(write("t.csv", "a,b\n1,café\n".encode() + b"2,caf\xe9\n3,x\n"), ["a", "b"])
    assert [row[1] for row in good] == ["1", "3"]
    assert bad == [(3, "not UTF-8 text")]
    latin = FileFormat(encoding="latin-1")
    assert read(write("l.csv", b"a,b\n2,caf\xe9\n"), ["b"], latin) == ([(2, "café")], [])


def test_excel_s_utf_16_is_read(write: Write) -> None:
    assert read(write("t.csv", "a\tb\n1\tग्राहक\n".encode("utf-16")), ["b"]) == ([(2, "ग्राहक")], [])


def test_a_file_of_too_many_columns_is_refused(write: Write) -> None:
    path = write("t.csv", ",".join(f"c{n}" for n in range(MOST_COLUMNS + 1)) + "\n")
    with pytest.raises(FileUnreadable, match=r"has 2,001 columns; at most 2,000 are read"):
        read_header(path, FileFormat())


def test_a_header_of_a_million_columns_is_refused(write: Write) -> None:
    with pytest.raises(FileUnreadable):
        read_header(write("t.csv", "c," * 1_000_000), FileFormat())


def test_a_line_without_end_is_refused(write: Write) -> None:
    path = write("t.csv", "a\n1\n" + "x" * (LONGEST_LINE + 1))
    with pytest.raises(FileUnreadable, match="line 3 is longer than 1,000,000 characters"):
        read(path, ["a"])


def test_a_file_that_is_not_text_is_refused_or_rejected_in_words(write: Write) -> None:
    good, bad = read(write("t.csv", b"a,b\n\x00\x01\xff,\xfe\n1,2\n"), ["a"])
    assert good == [(3, "1")]
    assert [line for line, _ in bad] == [2]


def test_json_nested_without_end_is_rejected_or_refused_but_ends(write: Write) -> None:
    good, bad = read(write("t.jsonl", "[" * 500_000 + "\n" + '{"a": 1}\n{"a": ' + "[" * 100_000 + "\n"), ["a"])
    assert good == [(2, "1")]
    assert [line for line, _ in bad] == [1, 3]


@given(
    table=st.lists(
        st.tuples(st.integers(0, 99), st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)),
        max_size=12,
    ),
    delimiter=st.sampled_from(",;\t|"),
)
def test_whatever_is_quoted_comes_back(
    table: list[tuple[int, str]], delimiter: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    quoted = [(number, text.replace('"', '""')) for number, text in table]
    content = f"n{delimiter}t\n" + "".join(f'{number}{delimiter}"{text}"\n' for number, text in quoted)
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(content.encode())
    good, bad = read(path, ["n", "t"])
    assert not bad
    assert [(row[1], row[2]) for row in good] == [(str(number), text) for number, text in table]
