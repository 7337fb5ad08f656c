"""Question-answer files."""
