"""Where the product keeps its state, read once from the environment."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: dbt_project.yml and the packages live here."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Paths and addresses. Everything but the arguments follows from them."""

    var_dir: Path
    operations_url: str
    platforms_path: Path | None = None
    delivery_path: Path | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """Read `SUPPORTLED_VAR` (default `var/` in the checkout), `SUPPORTLED_OPERATIONS_URL` (default SQLite there),
        `SUPPORTLED_PLATFORMS` (default `platforms.toml` there) and `SUPPORTLED_DELIVERY` (`delivery.toml` there)."""
        var_dir = Path(os.environ.get("SUPPORTLED_VAR") or ROOT / "var").resolve()
        settings = cls.at(var_dir, os.environ.get("SUPPORTLED_OPERATIONS_URL"))
        platforms, delivery = (os.environ.get(f"SUPPORTLED_{name}") for name in ("PLATFORMS", "DELIVERY"))
        return replace(
            settings,
            platforms_path=Path(platforms).resolve() if platforms else None,
            delivery_path=Path(delivery).resolve() if delivery else None,
        )

    @classmethod
    def at(cls, var_dir: Path, operations_url: str | None = None) -> Self:
        """Settings for another state directory, as tests and benchmarks use them."""
        return cls(var_dir, operations_url or f"sqlite:///{var_dir / 'operations.sqlite3'}")

    @property
    def is_sqlite(self) -> bool:
        return self.operations_url.startswith("sqlite")

    @property
    def platforms_file(self) -> Path:
        """Secrets and addresses of the chat platforms and the app (`store.platform_settings`); it need not exist."""
        return self.platforms_path or self.var_dir / "platforms.toml"

    @property
    def delivery_file(self) -> Path:
        """Where the weekly report goes (`orchestration.deliveries`); it need not exist."""
        return self.delivery_path or self.var_dir / "delivery.toml"

    @property
    def deliveries_dir(self) -> Path:
        """What was delivered where, one file each."""
        return self.var_dir / "deliveries"

    @property
    def landing_dir(self) -> Path:
        """Files dropped here are imported by the landing sensor."""
        return self.var_dir / "landing"

    @property
    def raw_dir(self) -> Path:
        """Immutable Parquet of every extract and imported file, with manifests."""
        return self.var_dir / "raw"

    @property
    def warehouse_dir(self) -> Path:
        return self.var_dir / "warehouse"

    @property
    def private_dir(self) -> Path:
        """Warehouses with raw data inside, one directory a version; the newest is the base of the next build."""
        return self.warehouse_dir / "private"

    @property
    def published_dir(self) -> Path:
        """Immutable warehouses of marts alone, one directory a version."""
        return self.warehouse_dir / "published"

    @property
    def current_link(self) -> Path:
        """Link to the published version that readers open."""
        return self.warehouse_dir / "current"

    @property
    def reports_dir(self) -> Path:
        return self.var_dir / "reports"

    @property
    def data_docs_dir(self) -> Path:
        """dbt's documentation of the warehouse, as pages; written by each build."""
        return self.var_dir / "dbt" / "docs"

    @property
    def exports_dir(self) -> Path:
        return self.var_dir / "exports"

    @property
    def dagster_home(self) -> Path:
        return self.var_dir / "dagster"
