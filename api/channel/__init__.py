"""Which channels an order's value opens."""
