"""The report of a run: HTML, Markdown and JSON."""
