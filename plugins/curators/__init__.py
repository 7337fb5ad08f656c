"""Built-in curators."""
