"""Frontends that come with docutune."""
