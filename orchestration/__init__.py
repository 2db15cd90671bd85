"""Batch: extract, land, transform, check, publish, report, as Dagster assets and as one function."""
