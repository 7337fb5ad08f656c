"""The hub `modelscope`: ModelScope, or another server that speaks as it does."""
