"""A real HTTP server on loopback that speaks OpenAI's chat completions, well or badly, as a test tells it to.

    with ChatServer(lambda asked: said({"answer": "42"})) as server: ...

The script gets each request and returns what to send. The server notes every request: its bytes, headers and times.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal


@dataclass
class Asked:
    """One request. `times` counts those with the same content before it; times are time.monotonic() of this process.

    `answering`: when the server began to write its reply, `ended`: when it had written it.
    """

    path: str
    headers: Mapping[str, str]
    raw: bytes
    times: int
    began: float
    answering: float | None = None
    ended: float | None = None
    sent: Sent | None = None

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw)
        return found

    @property
    def content(self) -> str:
        """The last message."""
        return str(self.body["messages"][-1]["content"])


@dataclass(frozen=True)
class Sent:
    """What the server does: wait, then send a status, headers and bytes; or hang; or close the connection.

    `drip`: seconds before each byte of the body. `reset`: the connection breaks after half of it. `counts`: the server
    puts the number of tokens into the body, about as many as there are.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drip: float = 0.0
    hang: bool = False
    close: bool = False
    reset: bool = False
    counts: bool = False
    input_tokens: int = 0
    output_tokens: int = 0


def said(
    answer: object,
    *,
    finish: str = "stop",
    delay: float = 0.0,
    tokens: tuple[int, int] | Literal["counted"] | None = "counted",
    refusal: str | None = None,
) -> Sent:
    """A reply with this text (or this object as JSON); `tokens` None: the server does not say how many it used."""
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    message = {"role": "assistant", "content": text, **({"refusal": refusal} if refusal else {})}
    reply: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "tested",
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
    }
    plain = Sent(json.dumps(reply).encode(), delay=delay, counts=tokens == "counted")
    return plain if tokens is None or tokens == "counted" else _with_usage(plain, *tokens)


def _with_usage(sent: Sent, read: int, written: int) -> Sent:
    """The reply with the number of tokens in it."""
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    body = json.dumps({**json.loads(sent.body), "usage": usage}).encode()
    return replace(sent, body=body, counts=False, input_tokens=read, output_tokens=written)


def _counted(asked: Asked, sent: Sent) -> Sent:
    if not sent.counts:
        return sent
    read = sum(len(message["content"]) for message in asked.body["messages"])
    written = len(json.loads(sent.body)["choices"][0]["message"]["content"])
    return _with_usage(sent, read // 3 + 1, min(written // 3 + 1, asked.body.get("max_tokens", written)))


def no_choices() -> Sent:
    """Valid JSON without an answer in it."""
    return Sent(b'{"id": "1", "object": "chat.completion", "created": 1, "model": "tested", "choices": []}')


def failed(status: int, message: str = "no", code: str | None = None, **headers: str) -> Sent:
    """An error as OpenAI writes it; `retry_after` becomes the header of that name."""
    body = json.dumps({"error": {"message": message, "type": "error", "code": code}}).encode()
    return Sent(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


class ChatServer:
    """The server, from `with` to the end of the block; `asked` holds every request in order of arrival."""

    def __init__(self, script: Callable[[Asked], Sent]) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        self._seen: Counter[bytes] = Counter()
        self._closing = threading.Event()
        self._server = _Quiet(("127.0.0.1", 0), _handler(self))

    def __enter__(self) -> ChatServer:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """What `base_url` must say."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def counts(self) -> Counter[bytes]:
        """How often each request came, by its bytes."""
        return Counter(self._seen)

    @property
    def tokens(self) -> int:
        """Tokens of all replies that were written out."""
        answered = [asked.sent for asked in self.asked if asked.sent and asked.ended]
        return sum(sent.input_tokens + sent.output_tokens for sent in answered)

    @property
    def received(self) -> bytes:
        """Everything that clients sent, headers included."""
        return b"\n".join(repr(dict(asked.headers)).encode() + asked.raw for asked in self.asked)

    def take(self, path: str, headers: Mapping[str, str], raw: bytes) -> Asked:
        """Note a request."""
        with self._lock:
            asked = Asked(path, headers, raw, self._seen[raw], time.monotonic())
            self._seen[raw] += 1
            self.asked.append(asked)
        return asked

    def settled(self, quiet: float = 0.2) -> int:
        """How many requests came, once none has come for a while: what a client that was killed had sent."""
        count = -1
        while count != len(self.asked):
            count = len(self.asked)
            time.sleep(quiet)
        return count

    def wait(self, seconds: float | None) -> None:
        """Let time pass; None: until the server closes."""
        self._closing.wait(seconds)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error of the server's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(server: ChatServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            raw = self.rfile.read(length)
            if len(raw) < length:  # the client went away before it had asked
                self.close_connection = True
                return
            asked = server.take(self.path, dict(self.headers), raw)
            asked.sent = sent = _counted(asked, server.script(asked))
            server.wait(None if sent.hang else sent.delay)
            if sent.hang or sent.close:
                self.close_connection = True
                return
            asked.answering = time.monotonic()
            try:
                self._send(sent)
                asked.ended = time.monotonic()
            except OSError:  # the client went away
                self.close_connection = True

        def _send(self, sent: Sent) -> None:
            self.send_response(sent.status)
            for name, value in {"Content-Type": "application/json", **sent.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent.body)))
            self.end_headers()
            if sent.reset:
                self.wfile.write(sent.body[: len(sent.body) // 2])
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise ConnectionResetError  # closing sends a reset
            for part in [sent.body[i : i + 1] for i in range(len(sent.body))] if sent.drip else [sent.body]:
                server.wait(sent.drip)
                self.wfile.write(part)
                self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
