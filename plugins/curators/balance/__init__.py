"""The curator `balance`: no symbol and no kind of samples above its share."""
