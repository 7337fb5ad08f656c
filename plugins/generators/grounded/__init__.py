"""The generator `grounded`: samples whose every fact stands in the sources, made offline and without an LLM."""
