"""AsciiDoc documents for docutune."""
