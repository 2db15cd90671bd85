"""Noticing that a user needs help: the score, its reasons, and what is due."""
