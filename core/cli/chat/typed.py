"""What is typed in a conversation: several lines, a history, and Ctrl-C and Ctrl-D as such."""

from __future__ import annotations

from collections.abc import Sequence

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import create_output

QUOTES = '"""'
_MORE = ". "


class Interrupted(Exception):
    """Ctrl-C at the prompt."""


class Ended(Exception):
    """Ctrl-D at an empty prompt, or the terminal is gone."""


def is_unfinished(text: str) -> bool:
    """Whether Enter begins another line: after a backslash, or within triple quotes."""
    if text.lstrip().startswith(QUOTES):
        return QUOTES not in text.lstrip()[len(QUOTES) :]
    return text.endswith("\\") and not text.endswith("\\\\")


def meant(text: str) -> str:
    """What was typed without the marks that kept it open."""
    bare = text.strip()
    if bare.startswith(QUOTES) and bare.endswith(QUOTES) and len(bare) >= 2 * len(QUOTES):
        return bare[len(QUOTES) : -len(QUOTES)].strip("\n")
    return text.replace("\\\n", "\n")


def prompter(history: Sequence[str], commands: Sequence[str]) -> PromptSession[str]:
    """A prompt on standard error, so that answers alone stand on standard output; `history` ends with the newest."""
    session: PromptSession[str] = PromptSession(
        multiline=True,
        key_bindings=_keys(),
        history=InMemoryHistory(history),
        completer=WordCompleter(list(commands), sentence=True),
        complete_while_typing=False,
        prompt_continuation=lambda width, line, wraps: " " * width if wraps else _MORE.rjust(width),
        output=create_output(always_prefer_tty=True),
        interrupt_exception=Interrupted,
        eof_exception=Ended,
        enable_open_in_editor=False,
    )
    return session


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_unfinished(buffer.text):
            buffer.cursor_position = len(buffer.text)
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys
