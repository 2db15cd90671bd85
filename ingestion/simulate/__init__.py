"""A demo city: a deterministic simulation of an Indian catering app, with planted truths that the warehouse must find."""

from ingestion.simulate.seed import remove_demo as remove_demo
from ingestion.simulate.seed import seed_demo as seed_demo
from ingestion.simulate.seed import simulate as simulate
from ingestion.simulate.seed import store_is_empty as store_is_empty
from ingestion.simulate.truth import DemoTruth as DemoTruth
