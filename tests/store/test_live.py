"""The live tables as analysts read them: on both engines, and never written."""

from pathlib import Path

import duckdb
import pytest

from store.published import NoLiveTables, open_live
from store.settings import Settings


def test_live_tables_are_read_and_never_written(store_settings: Settings) -> None:
    with open_live(store_settings) as live:
        assert live.frame("select count(*) as n from incidences").n[0] == 0
        assert live.frame("select count(*) as n from routing_rules").n[0] > 0
        with pytest.raises(duckdb.Error, match="read-only"):
            live.frame("delete from routing_rules")


def test_a_missing_store_is_not_made(tmp_path: Path) -> None:
    settings = Settings.at(tmp_path / "var")
    with pytest.raises(NoLiveTables) as told:
        open_live(settings)
    assert told.value.remedy
    assert not settings.var_dir.exists()


def test_an_error_holds_no_password() -> None:
    settings = Settings.at(Path("none"), "postgresql+psycopg://user:hush-7f@127.0.0.1:9/none?connect_timeout=1")
    with pytest.raises(duckdb.Error) as told:
        open_live(settings)
    assert "hush-7f" not in str(told.value)
