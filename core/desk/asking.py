"""The session of a model that may be unloaded at any moment: whoever asks it then hears that, and no other reason."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from docutune.contracts import Session
from docutune.errors import DocutuneError, TooLong
from docutune.records import (
    GREEDY,
    Answer,
    Message,
    ModelInfo,
    Probe,
    Prompt,
    Sampling,
    Streamed,
    Variant,
    Written,
)


class Unloaded(DocutuneError):
    """The model that was asked was unloaded before it had answered."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was unloaded", "load it again, or another one, in the tab Models")


@dataclass(frozen=True, slots=True)
class Asked:
    """Implements contracts.Session over the loaded one; `ended` tells whether that was unloaded, or is about to be."""

    session: Session
    name: str
    ended: Callable[[], bool]

    def answer(self, probes: Sequence[Probe], variant: Variant) -> Iterator[Answer]:
        """Greedy answers in any order."""
        with self._told():
            yield from self.session.answer(probes, variant)

    def stream(
        self, messages: Sequence[Message], variant: Variant, sampling: Sampling = GREEDY
    ) -> Generator[str, None, Streamed | None]:
        """One reply, piece by piece; Unloaded in the middle of it where the model goes."""
        with self._told():
            return (yield from self.session.stream(messages, variant, sampling))

    def complete(self, prompts: Sequence[Prompt], variant: Variant, **sampling: float) -> Iterator[Written]:
        """What the model writes to each prompt, in any order."""
        with self._told():
            yield from self.session.complete(prompts, variant, **sampling)

    def info(self) -> ModelInfo:
        """What is loaded, and where it came from."""
        with self._told():
            return self.session.info()

    def close(self) -> None:
        """Nothing: it belongs to whoever loaded it."""

    @contextmanager
    def _told(self) -> Iterator[None]:
        if self.ended():
            raise Unloaded(self.name)
        try:
            yield
        except TooLong:
            raise
        except DocutuneError as error:
            if self.ended():
                raise Unloaded(self.name) from error
            raise
