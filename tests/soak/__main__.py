"""Kill loops: `python tests/soak` runs them all, `--short` the form that the test suite runs."""

from __future__ import annotations

import argparse
import sys

import books
import disk
import endpoint
import malformed
import order
import pages
import pipeline
import replies
import training
import unload

PARTS = {
    "pipeline": pipeline.main,
    "books": books.main,
    "default-storage": books.main_default_storage,
    "disk": disk.main,
    "order": order.main,
    "training": training.main,
    "endpoint": endpoint.main,
    "replies": replies.main,
    "malformed": malformed.main,
    "unload": unload.main,
    "pages": pages.main,
}


def main() -> int:
    """Run the chosen parts; exit code 1 when anything was lost."""
    parser = argparse.ArgumentParser(prog="tests/soak", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"{', '.join(PARTS)}; all when left out")
    parser.add_argument("--short", action="store_true", help="the form of the test suite")
    parser.add_argument("--seed", type=int, default=0, help="decides the random moments")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - PARTS.keys():
        parser.error(f"no part is called {min(unknown)}")
    losses = [loss for name in arguments.parts or PARTS for loss in PARTS[name](arguments.short, arguments.seed)]
    for loss in losses:
        print(f"LOST {loss}")
    return 1 if losses else 0


if __name__ == "__main__":
    sys.exit(main())
