"""The trainer `unsloth`: QLoRA with unsloth's kernels under TRL's SFTTrainer."""
