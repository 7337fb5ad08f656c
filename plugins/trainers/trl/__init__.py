"""The trainer `trl`: QLoRA with TRL's SFTTrainer."""
