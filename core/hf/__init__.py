"""What trainers and runtimes share of torch and transformers; imported only inside workers."""
