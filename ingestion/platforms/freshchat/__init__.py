"""Freshchat: its webhooks and its REST API."""
