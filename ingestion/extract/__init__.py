"""The extract: what changed in the operational store since the last one, from one instant, as raw Parquet."""

from ingestion.extract.process import ExtractFailed as ExtractFailed
from ingestion.extract.process import ExtractResult as ExtractResult
from ingestion.extract.process import run_extract as run_extract
