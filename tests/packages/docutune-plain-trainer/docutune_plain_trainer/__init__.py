"""The trainer `plain`: QLoRA in a plain PyTorch loop."""
