"""A hash of all code that decides what the tables hold: when it changes, a build starts from raw again."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from store.settings import ROOT

SOURCES = (
    "dbt_project.yml",
    "dbt_project/models/**/*.sql",
    "dbt_project/models/**/*.yml",
    "dbt_project/macros/**/*.sql",
    "dbt_project/seeds/**/*.csv",
    "dbt_project/seeds/**/*.yml",
    "ingestion/contracts.py",
    "ingestion/raw/*.py",
    "store/tables/*.py",
)
"""The models, and what gives schema `raw` its shape. Tests may change without anything being computed anew."""

PROJECT = (*SOURCES, "dbt_project/**/*.sql", "dbt_project/**/*.yml", "dbt_project/**/*.md")
"""What dbt parses, tests and descriptions included."""


def code_hash(root: Path = ROOT, patterns: Iterable[str] = SOURCES) -> str:
    """Hex SHA-256 over names and contents."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
        digest.update(f"{path.relative_to(root).as_posix()} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
