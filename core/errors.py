"""Errors that a user can act on: one line and a hint. Everything else keeps its traceback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
"""Stopped by Ctrl-C. As a shell tells it of any signal: 128 and its number."""
EXIT_TERMINATED = 143
EXIT_HUNG_UP = 129


class DocutuneError(Exception):
    """A known failure: `message` says what is wrong and where, `hint` what to do about it."""

    exit_code = EXIT_FAILURE

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: where it stands (1-based line), the key, and what is wrong."""

    file: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ConfigError(DocutuneError):
    """Every problem found in a pipeline file, in the order of their lines."""

    exit_code = EXIT_USAGE

    def __init__(self, problems: tuple[Problem, ...], hint: str | None = None) -> None:
        super().__init__("\n".join(str(problem) for problem in problems), hint)
        self.problems = problems


class Busy(DocutuneError):
    """A run is at work in the workspace."""


class UsageError(DocutuneError):
    """A command or function called with something that cannot work."""

    exit_code = EXIT_USAGE


class PluginError(DocutuneError):
    """A plugin that is missing, broken, or lacks the libraries it needs."""


class DiskError(DocutuneError):
    """A disk that takes nothing more: whatever came next could not be kept either."""


class JobError(DocutuneError):
    """A worker process that failed; the message is its own last word, `log` holds all that it printed.

    `bug`: what it was asked for was not to blame, but the plugin that failed at it.
    """

    def __init__(self, message: str, hint: str | None = None, log: Path | None = None, bug: bool = False) -> None:
        super().__init__(message, hint)
        self.log = log
        self.bug = bug


class TooLong(DocutuneError):
    """A conversation of `tokens` tokens, more than the `limit` that the model or its runtime takes."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(f"a conversation of {tokens:,} tokens is longer than {limit:,}", "shorten it")
        self.tokens = tokens
        self.limit = limit


class Rejected(DocutuneError):
    """What came back for a task cannot be used: one try more with this reason as complaint, then it is left out."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unanswered(DocutuneError):
    """A task got no answer, for a reason that may pass: it is left out of this run, and the next one tries again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Withheld(Unanswered):
    """A task was not sent, for a secret stands in it: nothing comes of it until that is gone."""


class Cancelled(DocutuneError):
    """The user stopped the work; what was finished is kept."""

    exit_code = EXIT_INTERRUPTED

    def __init__(self, message: str = "stopped", hint: str | None = None) -> None:
        super().__init__(message, hint)
