"""The curator `secrets`: samples with keys, passwords or personal data."""
