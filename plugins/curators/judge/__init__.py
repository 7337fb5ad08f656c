"""The curator `judge`: a language model gives every sample a score."""
