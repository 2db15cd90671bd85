"""Agents, and who works on what."""
