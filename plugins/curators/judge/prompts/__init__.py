"""The prompt templates of the curator `judge`, <language>/<name>.md."""
