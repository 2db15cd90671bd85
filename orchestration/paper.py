"""HTML pages, and the same as PDF files: the same page makes the same bytes, and nothing is fetched."""

import warnings
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from store import display

FILTERS = (
    "change", "count", "day", "day_range", "duration", "figure", "moment", "points", "rupees", "rupees_short", "share", "words",
)  # fmt: skip
"""Functions of store/display.py that templates write figures with."""
REMEDY = "Install Pango and a font (Debian: apt install libpango-1.0-0 libpangoft2-1.0-0 fonts-noto-core)."


SAMPLE = """<html lang="en"><head><title>Sample</title></head><body style='font-family: "Noto Sans", sans-serif'>
<p>Figures ₹ 1,23,456 – 7.8%</p><p><b>Bold</b> नमस्ते</p></body></html>"""


class PaperUnavailable(Exception):
    """This machine cannot make a PDF; `remedy` says what is missing."""

    remedy = REMEDY


def page_of(template: Path, **values: Any) -> str:
    """The HTML that a template makes of these values: text is escaped, and a name that is missing is an error."""
    return _environment(template.parent).get_template(template.name).render(values)


def pdf_of(page: str, made_at: datetime) -> bytes:
    """The page on A4, tagged for screen readers. `made_at` stands in its properties: take the instant of the data.

    The bytes depend on the page, WeasyPrint, Pango and the fonts of the machine (`made_with`). Raises `PaperUnavailable`,
    and an error of WeasyPrint for a page that names a resource.
    """
    library = weasyprint()
    nothing = library.urls.URLFetcher(allowed_protocols=(), fail_on_errors=True)
    html = library.HTML(string=_dated(page, made_at), url_fetcher=nothing)
    identifier = sha256(page.encode()).hexdigest()[:32].encode()
    return html.write_pdf(pdf_identifier=identifier, pdf_tags=True)


def made_with() -> dict[str, str]:
    """What besides the page decides the bytes of a PDF; `rendering` is a hash of a sample page, and so of fonts and Pango."""
    weasyprint()
    sample = pdf_of(SAMPLE, datetime(2026, 1, 1, tzinfo=UTC))
    return {"weasyprint": version("weasyprint"), "rendering": sha256(sample).hexdigest()[:16]}


def weasyprint() -> Any:
    """The library, imported when it is needed: it loads Pango, which not every machine has. Raises `PaperUnavailable`."""
    with warnings.catch_warnings():
        # Without a font Pango would end the whole process.
        warnings.filterwarnings("error", message=".*(No fonts configured|cannot load default config)")
        try:
            import weasyprint as library
        except OSError as error:
            raise PaperUnavailable(f"PDF needs Pango, which this machine lacks ({error}).") from error
        except UserWarning as error:
            raise PaperUnavailable("PDF needs a font, and this machine has none.") from error
    return library


@cache
def _environment(directory: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(directory),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {name: getattr(display, name) for name in FILTERS}
    return environment


def _dated(page: str, made_at: datetime) -> str:
    at = made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return page.replace(
        "<head>",
        f'<head>\n<meta name="dcterms.created" content="{at}"><meta name="dcterms.modified" content="{at}">',
        1,
    )
