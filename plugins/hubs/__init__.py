"""Where models are had by name."""
