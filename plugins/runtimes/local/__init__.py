"""The runtime `local`: answers with a model loaded on this machine."""
