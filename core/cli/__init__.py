"""The command line: parse arguments, call the API, print."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 for success, 1 failure, 2 wrong usage or configuration, 130 interrupted."""
    from docutune.cli.app import run

    return run(arguments)
