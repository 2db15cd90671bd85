"""Prompts: which help is offered to whom, and what became of it."""
