"""Incidences: one matter for which a user needs, or is offered, help."""
