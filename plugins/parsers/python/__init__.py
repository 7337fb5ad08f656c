"""Python source code and stubs."""
