"""`docutune templates`: one file per command."""
