"""What trainers on TRL's SFTTrainer share: everything but how the model is loaded and its adapters are made."""
