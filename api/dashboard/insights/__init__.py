"""/insights: what the product team and investors look at, read from the published warehouse."""
