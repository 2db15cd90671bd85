"""What a mapping makes of the values it finds: every value of a mapped column, our word for it, and how often."""

import duckdb

from ingestion.files.conversion import used_columns
from ingestion.files.fields import FIELDS
from ingestion.files.mapping import Mapping
from ingestion.files.result import ValueCount

MOST_VALUES = 30


def count_values(connection: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[ValueCount]:
    """For each field of words, each value map, and the activities of a log: the most frequent values, most frequent first."""
    columns = used_columns(mapping)
    counts = []
    for name, rule in mapping.columns.items():
        field = FIELDS[mapping.kind][name]
        is_activity = name == "activity"
        if rule.column is None or rule.personal or not (field.words or rule.values or is_activity):
            continue
        at = columns.index(rule.column)
        found = connection.execute(
            f"SELECT coalesce(trim(c{at}), ''), count(*) FROM records GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST_VALUES}"
        ).fetchall()
        known = {**{word.lower(): word.value for word in field.words or ()}}
        for text, count in found:
            if is_activity:
                word = mapping.activity_words.get(text)
            elif not text:
                word = rule.default or field.fallback or "stays empty"
            else:
                word = rule.values.get(text) or known.get(text.lower()) or rule.unknown
                word = word or (None if field.words else text)
            counts.append(ValueCount(name, text[:60], word, count))
    return counts
