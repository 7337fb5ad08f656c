"""A runtime in a worker process, used like a Session: JSON Lines over a socket pair, with request ids and cancel."""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutune.errors import Cancelled, DocutuneError, JobError, TooLong
from docutune.jobs.interpreter import refuse_another
from docutune.jobs.processes import LOG, EventReader, Worker, ended, failure, kill, start
from docutune.records import (
    GREEDY,
    Answer,
    JsonValue,
    Message,
    ModelInfo,
    ModelRef,
    Probe,
    Prompt,
    Sampling,
    Streamed,
    Variant,
    Written,
    from_json,
    to_json,
)

_CLOSE_GRACE = 20.0  # seconds to free the model's memory before the process is killed
_LOADING_POLL = 0.25  # seconds between looks whether anybody waits for the model


@dataclass(frozen=True, slots=True)
class Watch:
    """Somebody in another thread who follows a loading: hears the worker's process id, and may give the loading up."""

    begun: Callable[[int], None] = lambda pid: None
    abandoned: Callable[[], bool] = lambda: False


def open_session(
    runtime: str,
    config: Mapping[str, JsonValue],
    model: ModelRef,
    folder: Path,
    python: Path | None = None,
    plugin: Mapping[str, JsonValue] | None = None,
    watch: Watch | None = None,
) -> RemoteSession:
    """Start a worker that loads `model` with the named runtime; events and log go to `folder`.

    Returns when the model is loaded. Raises JobError with the worker's reason when it cannot be, and Cancelled when it
    was given up. `python` is the interpreter of another environment, and `plugin` what must be there.
    """
    watch = watch or Watch()
    ours, theirs = socket.socketpair()
    with theirs:
        spec = {"runtime": runtime, "config": to_json(config), "model": to_json(model), "socket": theirs.fileno()}
        try:
            worker = start("serve", spec, folder, python=python, hands=(theirs.fileno(),))
        except BaseException:
            ours.close()
            raise
    try:
        watch.begun(worker.process.pid)
        session = RemoteSession(worker, ours, watch)
        for event in EventReader(folder)():
            refuse_another(event, python, plugin)
        return session
    except BaseException:
        kill(worker)
        worker.words.close()
        ours.close()
        raise


class RemoteSession:
    """The client's end of a served model; implements contracts.Session.

    Several threads may ask at a time: they are answered in turn, a piece at a time.
    """

    def __init__(self, worker: Worker, connection: socket.socket, watch: Watch) -> None:
        self._worker = worker
        self._connection = connection
        self._ids = itertools.count(1)
        self._sending = threading.Lock()
        self._replies: dict[int, queue.SimpleQueue[dict[str, Any] | None]] = {0: queue.SimpleQueue()}
        self._ended = self._closed = False
        threading.Thread(target=self._receive, name="docutune-session", daemon=True).start()
        self._loaded(watch)

    def __enter__(self) -> RemoteSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def answer(self, probes: Sequence[Probe], variant: Variant) -> Iterator[Answer]:
        """Greedy answers in the order in which they are ready."""
        with contextlib.closing(self._request("answer", probes=to_json(tuple(probes)), variant=variant)) as replies:
            for reply in replies:
                yield from_json(Answer, reply["answer"])

    def stream(
        self, messages: Sequence[Message], variant: Variant, sampling: Sampling = GREEDY
    ) -> Generator[str, None, Streamed | None]:
        """One reply, piece by piece; closing the generator ends the generation. Returns how the reply ended."""
        given = {"messages": to_json(tuple(messages)), "variant": variant, "sampling": to_json(sampling)}
        with contextlib.closing(self._request("stream", **given)) as replies:
            end = None
            for reply in replies:
                if "streamed" in reply:
                    end = from_json(Streamed, reply["streamed"])
                else:
                    yield reply["piece"]
        return end

    def complete(self, prompts: Sequence[Prompt], variant: Variant, **sampling: float) -> Iterator[Written]:
        """What the model writes to each prompt, in the order in which it is ready."""
        request = self._request("complete", prompts=to_json(tuple(prompts)), variant=variant, sampling=sampling)
        with contextlib.closing(request) as replies:
            for reply in replies:
                yield from_json(Written, reply["written"])

    def info(self) -> ModelInfo:
        """What is loaded, and where it came from."""
        (reply,) = self._request("info")
        return from_json(ModelInfo, reply["info"])

    def lost(self) -> DocutuneError | None:
        """Why there is no worker any more, though nobody closed the session; None while it is there."""
        return failure(self._worker) if self._ended and not self._closed else None

    def close(self) -> None:
        """Unload the model and end the worker process. Safe to call twice."""
        self._closed = True
        with contextlib.suppress(OSError):  # the worker hung up first
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()
        ended(self._worker, _CLOSE_GRACE)
        kill(self._worker)
        self._worker.words.close()

    def _loaded(self, watch: Watch) -> None:
        """Wait for the worker's word that the model is loaded."""
        while self._replies[0].empty() and not self._ended:
            if watch.abandoned():
                raise Cancelled
            with contextlib.suppress(queue.Empty):
                self._replies[0].put(self._replies[0].get(timeout=_LOADING_POLL))
        self._next(0)

    def _request(self, method: str, **arguments: Any) -> Generator[dict[str, Any], None, None]:
        number = next(self._ids)
        self._replies[number] = queue.SimpleQueue()
        finished = False
        try:
            self._send({"id": number, "method": method, **arguments})
            while (reply := self._next(number)).get("done") is None:
                yield reply
            finished = True
        finally:
            del self._replies[number]
            if not finished and not self._ended:
                with contextlib.suppress(DocutuneError):  # a worker that is gone writes no more
                    self._send({"id": number, "method": "cancel"})

    def _send(self, request: Mapping[str, Any]) -> None:
        line = json.dumps(request, ensure_ascii=False).encode() + b"\n"
        try:
            with self._sending:
                self._connection.sendall(line)
        except OSError:
            raise self._end() from None

    def _end(self) -> DocutuneError:
        """Why nothing more comes."""
        return DocutuneError("the session is closed", "open it again") if self._closed else failure(self._worker)

    def _next(self, number: int) -> dict[str, Any]:
        reply = None if self._ended and self._replies[number].empty() else self._replies[number].get()
        if reply is None:
            raise self._end()
        if "error" in reply:
            if too_long := reply["error"].get("too_long"):
                raise TooLong(*too_long)
            told = reply["error"]
            raise JobError(told["message"], told["hint"], self._worker.folder / LOG, bug=told.get("bug", False))
        return reply

    def _receive(self) -> None:
        """Hand each reply to the request that waits for it; replies to a request that was given up are dropped."""
        try:
            with self._connection.makefile("r", encoding="utf-8") as lines:
                for line in lines:
                    reply = json.loads(line)
                    if waiting := self._replies.get(reply["id"]):
                        waiting.put(reply)
        except (OSError, ValueError):
            pass  # the connection broke, perhaps within a line; every request learns it below
        self._ended = True
        for waiting in list(self._replies.values()):
            waiting.put(None)
