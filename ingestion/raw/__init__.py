"""The raw layer: immutable Parquet with manifests, and schema `raw` of the warehouse that they land in."""

from ingestion.raw.draft import Draft as Draft
from ingestion.raw.draft import drafting as drafting
from ingestion.raw.landing import LandingResult as LandingResult
from ingestion.raw.landing import create_raw_schema as create_raw_schema
from ingestion.raw.landing import land as land
from ingestion.raw.manifest import FileOrigin as FileOrigin
from ingestion.raw.manifest import Manifest as Manifest
from ingestion.raw.manifest import RawIsDamaged as RawIsDamaged
from ingestion.raw.manifest import TableManifest as TableManifest
from ingestion.raw.manifest import last_operational as last_operational
from ingestion.raw.manifest import manifests as manifests
from ingestion.raw.manifest import pending as pending
