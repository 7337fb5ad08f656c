"""Yes or no at the terminal, in English or Chinese."""

from __future__ import annotations

import click

_ANSWERS = {"y": True, "yes": True, "是": True, "n": False, "no": False, "否": False}


def confirm(question: str, default: bool) -> bool:
    """The answer, which Enter leaves at the default; asked again until it is one."""
    choices = "[Y/n]" if default else "[y/N]"
    while True:
        answer = click.prompt(f"{question} {choices}", default="", show_default=False).strip().casefold()
        if not answer:
            return default
        if answer in _ANSWERS:
            return _ANSWERS[answer]
        click.echo("type y or n")
