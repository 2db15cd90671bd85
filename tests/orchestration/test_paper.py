"""Paper: stands alone, dated by its data, and where a machine cannot make it, that is said."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader
from weasyprint.urls import FatalURLFetchingError

from orchestration.paper import made_with, pdf_of
from store.settings import ROOT

MADE_AT = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
NO_FONTS = '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig/>'


def test_a_pdf_is_dated_by_its_data() -> None:
    pdf = PdfReader(BytesIO(pdf_of("<html><head><title>Week</title></head><body>₹ 1,23,456</body></html>", MADE_AT)))
    assert pdf.metadata is not None
    assert pdf.metadata.creation_date == pdf.metadata.modification_date == MADE_AT
    assert pdf.metadata.title == "Week"
    assert "1,23,456" in pdf.pages[0].extract_text()


def test_a_page_that_names_a_resource_is_refused() -> None:
    with pytest.raises(FatalURLFetchingError):
        pdf_of('<html><head></head><body><img src="http://127.0.0.1:9/pixel.png"></body></html>', MADE_AT)
    with pytest.raises(FatalURLFetchingError):
        pdf_of('<html><head></head><body><img src="file:///etc/hostname"></body></html>', MADE_AT)


def test_what_renders_is_named() -> None:
    assert made_with() == made_with()
    assert set(made_with()) == {"weasyprint", "rendering"}


def test_a_machine_without_fonts_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "fonts.conf").write_text(NO_FONTS)
    # In a process of its own: fontconfig reads its file once.
    done = subprocess.run(
        [sys.executable, "-c", "from orchestration.paper import made_with; made_with()"],
        env={**os.environ, "FONTCONFIG_FILE": str(tmp_path / "fonts.conf")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "PaperUnavailable: PDF needs a font, and this machine has none." in done.stderr
