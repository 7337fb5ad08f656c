"""Prompt templates, <language>/<name>.md; `asking.py` says what their placeholders stand for."""
