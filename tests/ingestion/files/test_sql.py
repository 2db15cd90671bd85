import duckdb
from hypothesis import given
from hypothesis import strategies as st

from ingestion.files.sql import file_row_id_sql, literal
from store.ids import file_row_id

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)


@given(TEXT, TEXT)
def test_ids_made_in_sql_equal_those_made_in_python(source: str, native_id: str) -> None:
    with duckdb.connect() as connection:
        query = f"SELECT {file_row_id_sql('source', 'native')} FROM (SELECT ? AS source, ? AS native)"
        assert connection.execute(query, [source, native_id]).fetchall() == [(file_row_id(source, native_id),)]


@given(TEXT)
def test_any_text_is_itself_as_a_literal(text: str) -> None:
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT {literal(text)}").fetchall() == [(text,)]
