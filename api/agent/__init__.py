"""The agent's desk: what an agent sees of an incidence, and may do to it."""
