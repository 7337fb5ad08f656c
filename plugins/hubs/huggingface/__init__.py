"""The hub `huggingface`: the Hugging Face hub, or a mirror of it."""
