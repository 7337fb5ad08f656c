"""Conversations with a model: kept turn by turn, listed, gone on with, exported, and learned from."""
