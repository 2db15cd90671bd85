"""How fast the API answers, each route beside an empty one of the same server: `python -m benchmarks.api`."""
