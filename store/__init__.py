"""The floor of the product: settings, the clock, the operational tables, and the way into the published warehouse."""
