"""Pieces of SQL that the import writes."""

from store.ids import FILE_ROWS

_VARIANT = "89ab" * 4
_DIGITS = "0123456789abcdef"


def literal(text: object) -> str:
    """A text as SQL writes it."""
    return "'" + str(text).replace("'", "''") + "'"


def file_row_id_sql(source: str, native_id: str) -> str:
    """`store.ids.file_row_id` as SQL, so that millions of rows get their ids inside DuckDB. Both arguments are SQL."""
    name = f"unhex('{FILE_ROWS.hex}') || encode({source} || chr(0) || {native_id})"
    variant = f"substr('{_VARIANT}', strpos('{_DIGITS}', substr(digest, 17, 1)), 1)"
    parts = (
        "substr(digest, 1, 8)",
        "substr(digest, 9, 4)",
        "'5' || substr(digest, 14, 3)",
        f"{variant} || substr(digest, 18, 3)",
        "substr(digest, 21, 12)",
    )
    return f"list_transform([sha1({name})], lambda digest: concat_ws('-', {', '.join(parts)}))[1]"
