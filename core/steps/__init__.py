"""The steps of a pipeline: each knows its key, how to recall its result and how to make it."""
