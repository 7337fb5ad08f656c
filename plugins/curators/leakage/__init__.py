"""The curator `leakage`: what a held-out split asks is not trained on."""
