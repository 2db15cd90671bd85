"""Intercom: its webhooks and its REST API."""
