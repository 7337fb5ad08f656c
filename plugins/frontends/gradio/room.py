"""What every tab is given: the workspace, the words of the page's language, and how mistakes are told."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.errors import Busy, DocutuneError
from docutune.plugins.frontends.gradio import show

if TYPE_CHECKING:
    from docutune.api import Workspace
    from docutune.plugins.frontends.gradio.words import Words

log = logging.getLogger("docutune.ui")


@dataclass(frozen=True)
class Room:
    """One page in one language. `closing` ends with the server.

    `page`, as it is loaded, and `beat`, which no user clicks, start what comes by itself.
    """

    workspace: Workspace
    words: Words
    closing: ExitStack
    page: gr.Blocks
    beat: gr.Button
    _followers: list[Follower] = field(default_factory=list)

    def handled(self, function: Callable[..., Any], others: int = 0) -> Callable[..., Any]:
        """The function, whose first result is a message; a mistake becomes that message, `others` stay as they are."""

        @functools.wraps(function)
        def handler(*values: Any) -> Any:
            try:
                return function(*values)
            except Exception as error:
                told = self.mistake(error)
                return (told, *(gr.skip() for _ in range(others))) if others else told

        return handler

    def mistake(self, error: Exception) -> str:
        """A known failure as one line with its hint; for a bug the terminal has the traceback."""
        if isinstance(error, Busy):
            return show.bad(self.words("busy"), self.words("busy_hint", stop=self.words("train_stop")))
        if isinstance(error, DocutuneError):
            return show.bad(error.message, error.hint)
        log.error("a page's request failed", exc_info=error)
        return show.bad(self.words("unexpected"), self.words("unexpected_hint"))

    def on(self, event: Any, function: Callable[..., Any], inputs: Any, outputs: Any, **more: Any) -> Any:
        """Let an event call the function, for this page alone: no client may call it by name."""
        return event(function, inputs, outputs, api_visibility="private", **{"show_progress": "minimal", **more})

    def quietly(self, function: Callable[..., Any], inputs: Any, outputs: Any) -> None:
        """Let the page's clock call the function every second or three; nothing on the page says so."""
        self._followers.append(Follower(function, _listed(inputs), _listed(outputs)))

    def follow(self) -> None:
        """Let the clock call all of them at once: one request a beat for each open page, whatever it shows."""
        inputs = [component for each in self._followers for component in each.inputs]
        outputs = [component for each in self._followers for component in each.outputs]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        self.page.load(self._follow, inputs, outputs, **quiet)
        self.beat.click(self._follow, inputs, outputs, trigger_mode="once", **quiet)

    def _follow(self, *values: Any) -> list[Any]:
        given = iter(values)
        return [update for each in self._followers for update in each([next(given) for _ in each.inputs])]


@dataclass(frozen=True)
class Follower:
    """What the page's clock calls; a bug in it leaves what it shows as it is, and the others at work."""

    function: Callable[..., Any]
    inputs: Sequence[Any]
    outputs: Sequence[Any]

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        """An update for each output."""
        try:
            found = self.function(*values)
            updates = list(found) if isinstance(found, (tuple, list)) else [found]
            return [update for update, _ in zip(updates, self.outputs, strict=True)]
        except Exception as error:
            log.error("what follows the workspace failed", exc_info=error)
            return [gr.skip() for _ in self.outputs]


def _listed(components: Any) -> Sequence[Any]:
    if components is None:
        return ()
    return components if isinstance(components, (tuple, list)) else (components,)
