"""What a new user meets: one command, from nothing to a published warehouse and a report."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from store.settings import ROOT, Settings


def supportled(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it, past the launcher that made the environment."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(settings.var_dir),
        "SUPPORTLED_VAR": str(settings.var_dir),
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=settings.var_dir.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.at(tmp_path_factory.mktemp("first_run") / "var")


@pytest.fixture(scope="module")
def first_run(settings: Settings) -> subprocess.CompletedProcess[str]:
    return supportled(settings, "up", "--no-serve", "--no-demo")


def test_a_store_without_a_fact_is_published_and_reported(
    first_run: subprocess.CompletedProcess[str], settings: Settings
) -> None:
    assert first_run.returncode == 0, first_run.stdout + first_run.stderr
    assert "Published version v00000001" in first_run.stdout
    manifest = json.loads((settings.current_link / "manifest.json").read_text())
    assert manifest["version"] == "v00000001"
    page = (settings.reports_dir / "last_7_days" / "friction-report.html").read_text()
    assert "A quiet week: nobody needed help." in page


@pytest.mark.usefixtures("first_run")
def test_a_file_becomes_figures_with_one_command(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(
        "order_id,user_id,status,event_type,event_date,guest_count,value,placed_at\n"
        "o-1,u-1,PLACED,WEDDING,2026-11-20,200,125000,2026-10-01T10:00:00Z\n"
        "o-2,u-2,PLACED,BIRTHDAY,2026-11-21,20,not a sum,2026-10-01T11:00:00Z\n"
    )
    preview = supportled(settings, "import", str(file), "--mapping", "orders", "--check")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    assert "o-1" in preview.stdout
    imported = supportled(settings, "import", str(file), "--mapping", "orders", "--build")
    assert imported.returncode == 0, imported.stdout + imported.stderr
    assert "Published version v00000002" in imported.stdout
    exported = supportled(settings, "export", "kpis", "--format", "csv", "--output", str(tmp_path / "kpis"))
    assert exported.returncode == 0, exported.stdout + exported.stderr
    figures = (tmp_path / "kpis" / "kpis_daily.csv").read_text()
    assert "2026-10-01,self_serve_conversion_rate,ALL,1.0,1.000,1.000,1,true" in figures


@pytest.mark.usefixtures("first_run")
def test_doctor_finds_nothing_wrong_after_a_first_run(settings: Settings) -> None:
    checked = supportled(settings, "doctor")
    assert "published warehouse" in checked.stdout.lower()
    assert "traceback" not in (checked.stdout + checked.stderr).lower()
