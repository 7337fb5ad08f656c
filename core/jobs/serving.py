"""The worker's end of a session: answers requests from a socket until the other side hangs up."""

from __future__ import annotations

import json
import os
import queue
import socket
import threading
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from typing import Any

from docutune.contracts import Session
from docutune.errors import DocutuneError, TooLong
from docutune.guard import a, as_json, cause, mistake
from docutune.records import Answer, Message, ModelInfo, Probe, Prompt, Sampling, Streamed, Written, from_json

Replies = Generator[dict[str, Any], None, None]


class Connection:
    """One client: requests in, replies out. What is asked at the same time is answered in turn, a piece at a time.

    All calls of the session come from the one thread that serves: a runtime need not know of threads.
    """

    def __init__(self, number: int) -> None:
        """Listen at once, before any model is loaded, so that a client that goes away is noticed at any time."""
        self._socket = socket.socket(fileno=number)
        self._socket.set_inheritable(False)
        self._requests: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._open: dict[int, Replies] = {}
        self._idle = threading.Event()
        threading.Thread(target=self._receive, name="docutune-requests", daemon=True).start()

    def serve(self, session: Session, plugin: str) -> None:
        """Answer until the client hangs up. `plugin` is named when it fails."""
        self._send(0, {"ready": True})
        while self._heed(session, plugin):
            for number, replies in list(self._open.items()):
                if not self._go_on(number, replies, plugin):
                    del self._open[number]

    def _heed(self, session: Session, plugin: str) -> bool:
        """Begin what was asked for and end what was given up; waits when nothing is to do. False: nobody is there."""
        while not self._open or not self._requests.empty():
            if not self._open:
                self._idle.set()
            request = self._requests.get()
            self._idle.clear()
            if request is None:
                return False
            if request["method"] == "cancel":
                _end(self._open.pop(request["id"], None))
            else:
                self._open[request["id"]] = _replies(session, plugin, request)
        return True

    def _go_on(self, number: int, replies: Replies, plugin: str) -> bool:
        """Send the next piece of a reply, its end, or why there is none; whether more will come."""
        try:
            reply = next(replies, None)
        except DocutuneError as error:
            too_long = [error.tokens, error.limit] if isinstance(error, TooLong) else None
            self._send(number, {"error": {"message": error.message, "hint": error.hint, "too_long": too_long}})
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            told = f"{plugin} failed: {cause(error)}"
            hint = "the traceback is in the session's log.txt"
            self._send(number, {"error": {"message": told, "hint": hint, "bug": True}})
        else:
            self._send(number, {"done": True} if reply is None else reply)
            return reply is not None
        return False

    def _send(self, number: int, reply: Mapping[str, Any]) -> None:
        try:
            self._socket.sendall(json.dumps({"id": number, **reply}, ensure_ascii=False).encode() + b"\n")
        except OSError:
            os._exit(0)  # the client went away

    def _receive(self) -> None:
        try:
            with self._socket.makefile("r", encoding="utf-8") as lines:
                for line in lines:
                    self._requests.put(json.loads(line))
        except (OSError, ValueError):
            pass  # a broken connection is a client that went away
        if self._idle.is_set():
            self._requests.put(None)  # close in good order
        else:
            os._exit(0)  # nobody waits for the model being loaded or the answer being made: free the memory now


def _end(replies: Replies | None) -> None:
    """Have a reply that nobody waits for end where it is; what its runtime says to that goes to the log."""
    try:
        if replies is not None:
            replies.close()
    except (Exception, SystemExit):
        traceback.print_exc()


def _replies(session: Session, plugin: str, request: Mapping[str, Any]) -> Replies:
    method = request["method"]
    if method not in _METHODS:
        raise DocutuneError(f"unknown request {method!r}", "client and worker differ in version")
    if not hasattr(session, method):  # its runtime was written for an older contract
        raise DocutuneError(f"{plugin} has no {method}()", "update its package, or name another runtime")
    yield from _METHODS[method](session, plugin, request)


def _answer(session: Session, plugin: str, request: Mapping[str, Any]) -> Replies:
    probes = [from_json(Probe, probe) for probe in request["probes"]]
    for answer in session.answer(probes, request["variant"]):
        yield {"answer": as_json(Answer, plugin, "answer", answer)}


def _complete(session: Session, plugin: str, request: Mapping[str, Any]) -> Replies:
    prompts = [from_json(Prompt, prompt) for prompt in request["prompts"]]
    for written in session.complete(prompts, request["variant"], **request["sampling"]):
        yield {"written": as_json(Written, plugin, "complete", written)}


def _stream(session: Session, plugin: str, request: Mapping[str, Any]) -> Replies:
    messages = [from_json(Message, message) for message in request["messages"]]
    stream = session.stream(messages, request["variant"], from_json(Sampling, request["sampling"]))
    end = yield from _pieces(stream, plugin)
    if end is not None:
        yield {"streamed": as_json(Streamed, plugin, "stream", end)}


def _pieces(stream: Generator[str, None, Streamed | None], plugin: str) -> Generator[dict[str, Any], None, Any]:
    """Each piece as a reply; what the runtime returned at the end."""
    with closing(stream):
        while True:
            try:
                piece = next(stream)
            except StopIteration as stop:
                return stop.value
            if not isinstance(piece, str):
                raise mistake(plugin, f"gave back {a(piece)} from stream() where text belongs")
            yield {"piece": piece}


def _info(session: Session, plugin: str, request: Mapping[str, Any]) -> Replies:
    yield {"info": as_json(ModelInfo, plugin, "info", session.info())}


_METHODS: Mapping[str, Callable[[Session, str, Mapping[str, Any]], Replies]] = {
    "answer": _answer,
    "complete": _complete,
    "stream": _stream,
    "info": _info,
}
