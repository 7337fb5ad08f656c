"""What tasks are about: sections, symbols, releases, and names that the library does not have."""
