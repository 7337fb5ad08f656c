"""The command line: parse arguments, call the API, print."""

from __future__ import annotations

import os
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 for success, 1 failure, 2 wrong usage or configuration, or 128 and the signal."""
    # pydantic looks for plugins of its own in every installed package, and falls over one with damaged metadata
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from docutune.cli.app import run

    return run(arguments)
