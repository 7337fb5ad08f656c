"""Whether a server is worth asking on: not where most requests fail, nor where it reads only a part of each prompt."""

from __future__ import annotations

from collections import Counter, deque

from docutune.errors import DocutuneError

LAST_REQUESTS = 100
FEWEST_FAILED = 25
"""A server that fails one request in four by chance is stopped in less than one of ten thousand runs by these."""

FIRST_CUT = 3
_REASONS_SHOWN = 3


class Health:
    """What came of the last requests to one server, and of the first prompts."""

    def __init__(self, server: str) -> None:
        """`server`: its name in messages."""
        self._server = server
        self._last: deque[str | None] = deque(maxlen=LAST_REQUESTS)
        self._cut = 0
        self._read_whole = False

    def answered(self) -> None:
        """A request brought a reply, whatever it says."""
        self._last.append(None)

    def failed(self, reason: str) -> DocutuneError | None:
        """A request brought none. The error that must stop the run when more than half of the last requests failed."""
        self._last.append(reason)
        reasons = Counter(reason for reason in self._last if reason is not None)
        failed = reasons.total()
        if failed < FEWEST_FAILED or 2 * failed <= len(self._last):
            return None
        shown = ", ".join(f"{count:,} times {reason}" for reason, count in reasons.most_common(_REASONS_SHOWN))
        return DocutuneError(
            f"{self._server} fails too often: {failed:,} of the last {len(self._last):,} requests brought no reply"
            f" ({shown})",
            "every reply is kept; once the server is well the same command goes on from here",
        )

    def read_whole(self) -> None:
        """The server read all of a prompt, as far as one can tell."""
        self._read_whole = True

    def cut(self, read: int, fewest: int) -> DocutuneError | None:
        """It read only a part of a prompt. The error that must stop the run when it did so with each of the first."""
        self._cut += 1
        if self._read_whole or self._cut < FIRST_CUT:
            return None
        return DocutuneError(
            f"{self._server} cuts every prompt: of the last one it read {read:,} tokens of at least {fewest:,}",
            "give the model a larger context (Ollama: num_ctx, vLLM: --max-model-len), or lower max_context_chars;"
            " then give the same command again",
        )
