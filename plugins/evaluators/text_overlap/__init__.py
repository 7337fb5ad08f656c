"""The evaluator text-overlap: how much of the expected answer a model's answer says."""
