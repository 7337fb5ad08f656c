"""`python -m docutune.cli`: the command line of this interpreter, whatever the shell finds under its name."""

from __future__ import annotations

import sys

from docutune.cli import main

if __name__ == "__main__":
    sys.exit(main())
