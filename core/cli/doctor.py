"""`docutune doctor`."""

from __future__ import annotations

from dataclasses import asdict

import click

from docutune.cli.options import json_output, print_json
from docutune.doctor import FAIL, check_hub, check_machine
from docutune.errors import EXIT_FAILURE


@click.command()
@click.option("--hub", is_flag=True, help="Also try to reach the model hub.")
@json_output
def doctor(hub: bool, as_json: bool) -> int:
    """Check this machine and this installation, and say what to do about what is missing."""
    checks = [*check_machine(), *([check_hub()] if hub else [])]
    if as_json:
        print_json({"checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            click.echo(f"{check.status:<4}  {check.name}: {check.found}")
            if check.advice:
                click.echo(f"      {check.advice}")
    return EXIT_FAILURE if any(check.status == FAIL for check in checks) else 0
