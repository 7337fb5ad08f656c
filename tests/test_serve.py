"""`docutune serve` over real loopback sockets, with the official client and with what no client would send."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
from installed import Installed
from scribe import KEY, Served, prepare, serving, until

SECRET = "sk-a-key-that-nobody-guesses"
QUESTION: Any = [{"role": "user", "content": "w 5"}]
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
JSON = b"Content-Type: application/json\r\n"


@pytest.fixture(scope="module")
def project(shared_environment: Installed) -> Installed:
    prepare(shared_environment)
    return shared_environment


@pytest.fixture(scope="module")
def server(project: Installed) -> Iterator[Served]:
    """One server for all tests that leave it as it was."""
    with serving(project, "--port", "0", "--max-request-bytes", "20000") as served:
        yield served
        assert served.get("/health").json() == {"status": "ready"}
        assert not [line for line in served.lines if "Traceback" in line], served.lines


@pytest.fixture
def client(server: Served) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=60)


@pytest.fixture
def held(project: Installed) -> Iterator[Path]:
    """While this file is there, the model writes no word."""
    hold = project.work / "hold"
    for left in (*project.work.glob("begun-*"), *project.work.glob("over-*")):
        left.unlink()
    hold.touch()
    yield hold
    hold.unlink(missing_ok=True)


def body(content: str = "w 5", **more: Any) -> dict[str, Any]:
    return {"model": "clerk", "messages": [{"role": "user", "content": content}], **more}


def posted(value: object) -> bytes:
    """A whole request with this body."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return HEAD + JSON + b"Content-Length: %d\r\n\r\n" % len(raw) + raw


def connected(server: Served, request: bytes) -> socket.socket:
    """A client that has asked and not yet read."""
    connection = socket.create_connection((server.host, server.port), 60)
    connection.sendall(request)
    return connection


def received(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    with connection:
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_the_official_client_finds_the_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["clerk", "clerk:base"]
    assert client.models.retrieve("clerk:base").owned_by == "docutune"
    with pytest.raises(openai.NotFoundError, match="there is: clerk, clerk:base"):
        client.models.retrieve("gpt-4o")


def test_the_official_client_gets_a_reply_with_its_tokens(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model="clerk", messages=QUESTION)
    assert reply.choices[0].message.content == "w.0 w.1 w.2 w.3 w.4"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens) == (1, 5, 6)
    cut = client.chat.completions.create(model="clerk", messages=QUESTION, max_completion_tokens=2)
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("w.0 w.1", "length")


def test_the_official_client_reads_a_stream(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="clerk", messages=QUESTION, stream=True, max_tokens=3, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == "w.0 w.1 w.2"
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 2) + ["length"]
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens == 3
    assert len({chunk.id for chunk in chunks}) == 1
    plain = client.chat.completions.create(model="clerk", messages=QUESTION, stream=True)
    assert all(chunk.usage is None and chunk.choices for chunk in plain)


def test_what_was_asked_for_reaches_the_model(client: openai.OpenAI) -> None:
    messages: Any = [
        {"role": "developer", "content": "Be brief."},
        {"role": "assistant", "content": "Yes?", "refusal": None, "tool_calls": []},
        {"role": "user", "content": [{"type": "text", "text": "echo"}, {"type": "text", "text": " 你好"}]},
    ]
    options: Any = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "seed": -3, "stop": ["\n\n", "END"]}
    harmless: Any = {"user": "me", "n": 1, "metadata": {"a": "b"}, "logprobs": False, "presence_penalty": 0.0}
    reply = client.chat.completions.create(model="clerk:base", messages=messages, **options, **harmless)
    sampling = "Sampling(temperature=0.5, top_p=0.9, max_new_tokens=7, seed=-3, stop=('\\n\\n', 'END'))"
    turns = [("system", "Be brief."), ("assistant", "Yes?"), ("user", "echo 你好")]
    assert reply.choices[0].message.content == f"('base', {turns!r}, {sampling})"
    alone = client.chat.completions.create(model="clerk", messages=[{"role": "user", "content": "echo 1"}], stop="x")
    assert "temperature=0.0, top_p=1.0, max_new_tokens=None, seed=None, stop=('x',)" in str(alone)


def test_16_streams_at_a_time_and_none_mixed(project: Installed, server: Served, held: Path) -> None:
    def read(number: int) -> list[str]:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=60)
        asked: Any = [{"role": "user", "content": f"stream{number} 200"}]
        stream = client.chat.completions.create(model=("clerk", "clerk:base")[number % 2], messages=asked, stream=True)
        return [chunk.choices[0].delta.content or "" for chunk in stream]

    with ThreadPoolExecutor(16) as readers:
        replies = [readers.submit(read, number) for number in range(16)]
        until(lambda: len(list(project.work.glob("begun-stream*"))) == 16)  # all wait for their first word
        held.unlink()
        for number, reply in enumerate(replies):
            expected = " ".join(f"stream{number}.{word}" for word in range(200))
            assert "".join(reply.result()) == expected


REFUSED: tuple[tuple[str, Any, int, str | None], ...] = (
    ("not JSON", b"{'model': 1}", 400, None),
    ("nothing", b"", 400, None),
    ("cut off", b'{"model": "clerk", "messages": [{"ro', 400, None),
    ("two values", b"{} {}", 400, None),
    ("no object", b"[1, 2]", 400, None),
    ("null", b"null", 400, None),
    ("not UTF-8", b'{"model": "\xff\xfe"}', 400, None),
    ("UTF-16", json.dumps(body()).encode("utf-16"), 400, None),
    ("a mark of UTF-8", b"\xef\xbb\xbf" + json.dumps(body()).encode(), 400, None),
    ("NaN", json.dumps(body(temperature=float("nan"))).encode(), 400, None),
    ("deep lists", b"[" * 9000 + b"]" * 9000, 400, None),
    ("deep objects", b'{"a":' * 3000 + b"1" + b"}" * 3000, 400, None),
    ("deep below a field", b'{"metadata":' + b"[" * 9000 + b"]" * 9000 + b"}", 400, None),
    ("a number of 9000 digits", b'{"model": "clerk", "seed": ' + b"9" * 9000 + b"}", 400, None),
    ("a field twice", b'{"model": "clerk", "model": "clerk:base"}', 400, "model"),
    ("half a pair of surrogates", b'{"model": "clerk", "messages": [{"role": "user", "content": "\\ud800"}]}', 400,
     "messages[0].content[0].text"),
    ("half a pair in a name", b'{"model": "clerk", "messages": [], "\\udc00": 1}', 400, None),
    ("half a pair in an unknown name", json.dumps(body() | {"\ud800": 1}).encode(), 400, None),
    ("half a pair in a stop", json.dumps(body(stop="\ud800")).encode(), 400, "stop[0]"),
    ("half a pair in a model", json.dumps(body() | {"model": "\ud800"}).encode(), 400, "model"),
    ("no model", {"messages": QUESTION}, 400, "model"),
    ("no messages", {"model": "clerk"}, 400, "messages"),
    ("empty messages", {"model": "clerk", "messages": []}, 400, "messages"),
    ("messages of a text", {"model": "clerk", "messages": "hello"}, 400, "messages"),
    ("a message of a number", {"model": "clerk", "messages": [7]}, 400, "messages[0]"),
    ("content of a number", {"model": "clerk", "messages": [{"role": "user", "content": 7}]}, 400,
     "messages[0].content"),
    ("an image", {"model": "clerk", "messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400,
     "messages[0].content[0].type"),
    ("a tool's message", {"model": "clerk", "messages": [{"role": "tool", "content": "x"}]}, 400, "messages[0].role"),
    ("a name", {"model": "clerk", "messages": [{"role": "user", "content": "x", "name": "bob"}]}, 422,
     "messages[0].name"),
    ("a tool call", {"model": "clerk", "messages": [{"role": "assistant", "content": "x", "tool_calls": [1]}]}, 422,
     "messages[0].tool_calls"),
    ("a model of a number", body() | {"model": 1}, 400, "model"),
    ("another model", body() | {"model": "gpt-4o"}, 404, "model"),
    ("a path for a model", body() | {"model": "../../etc/passwd"}, 404, "model"),
    ("n", body(n=2), 422, "n"),
    ("n of true", body(n=True), 422, "n"),
    ("tools", body(tools=[{"type": "function"}]), 422, "tools"),
    ("a forced tool", body(tool_choice="required"), 422, "tool_choice"),
    ("logprobs", body(logprobs=True), 422, "logprobs"),
    ("logit bias", body(logit_bias={"1": 100}), 422, "logit_bias"),
    ("a schema", body(response_format={"type": "json_object"}), 422, "response_format"),
    ("a penalty", body(frequency_penalty=0.5), 422, "frequency_penalty"),
    ("an unknown field", body(temprature=1), 400, "temprature"),
    ("too hot", body(temperature=2.5), 400, "temperature"),
    ("a temperature of a text", body(temperature="1"), 400, "temperature"),
    ("an endless temperature", b'{"model": "clerk", "messages": [], "temperature": 1e999}', 400, "messages"),
    ("no top_p", body(top_p=0), 400, "top_p"),
    ("no tokens", body(max_tokens=0), 400, "max_tokens"),
    ("half a token", body(max_tokens=1.5), 400, "max_tokens"),
    ("more tokens than there are", body(max_tokens=10**40), 400, "max_tokens"),
    ("two limits", body(max_tokens=1, max_completion_tokens=2), 400, "max_tokens"),
    ("a huge seed", body(seed=2**70), 400, "seed"),
    ("an empty stop", body(stop=""), 400, "stop[0]"),
    ("five stops", body(stop=list("abcde")), 400, "stop"),
    ("a stream of a text", body(stream="true"), 400, "stream"),
    ("options of no stream", body(stream_options={"include_usage": True}), 400, "stream_options"),
    ("unknown options of a stream", body(stream=True, stream_options={"pace": 1}), 400, "stream_options.pace"),
    ("what the model refuses", body("refuse"), 400, "messages"),
    ("too long", b" " * 20001, 413, None),
)  # fmt: skip


@pytest.mark.parametrize(("raw", "status", "param"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_body_that_cannot_be_answered(server: Served, raw: Any, status: int, param: str | None) -> None:
    head, _, told = server.raw(posted(raw)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), told
    error = json.loads(told)["error"]
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert error["message"] and "Traceback" not in error["message"] and len(error["message"]) < 300


def line(first: bytes, host: bytes = b"localhost", more: bytes = b"") -> bytes:
    """A request without a body."""
    return first + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n" + more + b"\r\n"


def of_type(kind: bytes, more: bytes = b"") -> bytes:
    """A request whose body is `{}`."""
    return HEAD + kind + b"\r\n" + more + b"Content-Length: 2\r\n\r\n{}"


HOSTILE: tuple[tuple[str, bytes, bytes], ...] = (
    ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
    ("no host", b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", b"400"),
    ("HTTP/1.0 without a host", b"GET /health HTTP/1.0\r\n\r\n", b"403"),
    ("two hosts", line(b"GET /health", more=b"Host: evil.example\r\n"), b"400"),
    ("another host", line(b"GET /health", b"evil.example"), b"403"),
    ("a host that only looks right", line(b"GET /health", b"localhost.evil.example"), b"403"),
    ("a user at the host", line(b"GET /health", b"localhost@evil.example"), b"403"),
    ("a host with a path", line(b"GET /health", b"localhost/x"), b"403"),
    ("half an address", line(b"GET /health", b"[::1"), b"403"),
    ("a port of letters", line(b"GET /health", b"localhost:x"), b"403"),
    ("another origin", of_type(JSON[:-2], b"Origin: http://evil.example\r\n"), b"403"),
    ("no origin", of_type(JSON[:-2], b"Origin: null\r\n"), b"403"),
    ("an origin that is no address", of_type(JSON[:-2], b"Origin: http://[::1\r\n"), b"403"),
    ("an origin on another port", of_type(JSON[:-2], b"Origin: http://localhost:7\r\n"), b"403"),
    ("a preflight", line(b"OPTIONS /v1/chat/completions"), b"405"),
    ("a chat that is got", line(b"GET /v1/chat/completions"), b"405"),
    ("a model deleted", line(b"DELETE /v1/models/clerk"), b"405"),
    ("an unknown method", line(b"BREW /health"), b"405"),
    ("up and out", line(b"GET /../../../etc/passwd"), b"404"),
    ("up and out, encoded", line(b"GET /v1/models/%2e%2e%2f%2e%2e%2fetc"), b"404"),
    ("a line end in a path", line(b"GET /a%0d%0aX:%20y"), b"404"),
    ("a path that is no UTF-8", line(b"GET /v1/models/%ff%fe"), b"404"),
    ("a proxy's request", line(b"GET http://evil.example/"), b"404"),
    ("another endpoint", line(b"GET /v1/files"), b"404"),
    ("a form", of_type(b"Content-Type: application/x-www-form-urlencoded"), b"415"),
    ("no type", HEAD + b"Content-Length: 2\r\n\r\n{}", b"415"),
    ("another charset", of_type(b"Content-Type: application/json; charset=utf-16"), b"415"),
    ("compressed", of_type(JSON[:-2], b"Content-Encoding: gzip\r\n"), b"415"),
    ("a length of words", HEAD + JSON + b"Content-Length: many\r\n\r\n{}", b"400"),
    ("a length below nothing", HEAD + JSON + b"Content-Length: -1\r\n\r\n{}", b"400"),
    ("a length without end", HEAD + JSON + b"Content-Length: 99999999999999999999\r\n\r\n{}", b"413"),
    ("a large length, nothing sent", HEAD + JSON + b"Content-Length: 20001\r\n\r\n", b"413"),
    ("large chunks", HEAD + JSON + b"Transfer-Encoding: chunked\r\n\r\n6000\r\n" + b" " * 0x6000 + b"\r\n", b"413"),
    ("broken chunks", HEAD + JSON + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}", b"400"),
    ("an endless header", line(b"GET /health", more=b"X: " + b"a" * 100_000), b"400"),
    ("a web socket", line(b"GET /v1/models", more=b"Connection: Upgrade\r\nUpgrade: websocket\r\n"), b"200"),
)  # fmt: skip


@pytest.mark.parametrize(("sent", "status"), [row[1:] for row in HOSTILE], ids=[row[0] for row in HOSTILE])
def test_a_request_that_no_client_sends(server: Served, sent: bytes, status: bytes) -> None:
    with socket.create_connection((server.host, server.port), 60) as connection:
        connection.sendall(sent)
        assert connection.recv(65536).split()[1] == status


def test_a_bug_in_the_runtime_is_not_told_to_the_client(server: Served) -> None:
    refused = server.ask("break 1")
    assert refused.status_code == 500
    assert "secret" not in refused.text and refused.json()["error"]["code"] == "model_failed"
    told = until(lambda: [line for line in server.lines if "a reply failed" in line])
    assert "secret" not in told[0]
    assert "a bug with a secret in it" in Path(told[0].rpartition(" ")[2]).read_text()
    assert server.ask("w 1").status_code == 200


def test_a_client_that_hangs_up_ends_its_reply(project: Installed, server: Served, held: Path) -> None:
    for tag, stream in (("gone", True), ("left", False)):
        connection = connected(server, posted(body(f"{tag} 9", stream=stream)))
        until((project.work / f"begun-{tag}").exists)
        connection.close()
        until((project.work / f"over-{tag}").exists)
        until(lambda: server.lines[-1].endswith(" s") and " 499, " in server.lines[-1])


def test_a_line_for_each_request_says_nothing_of_its_contents(server: Served) -> None:
    server.ask("w 3 of a confidential question")
    server.get("/confidential?key=confidential")
    until(lambda: "(another path) 404" in server.lines[-1])
    assert server.lines[-2].split(" ", 1)[1].startswith("127.0.0.1 POST /v1/chat/completions ")
    assert not any("confidential" in line for line in server.lines)


def test_more_than_may_wait_are_refused_and_who_leaves_makes_room(project: Installed, held: Path) -> None:
    with serving(project, "--port", "0", "--concurrency", "1", "--max-waiting", "1") as server:
        first = connected(server, posted(body("first 3")))
        until((project.work / "begun-first").exists)
        waiting = [connected(server, posted(body(f"queued{number} 3"))) for number in range(2)]
        until(lambda: [line for line in server.lines if " 429, " in line])
        refused = server.ask("late 1")
        assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
        assert refused.json()["error"]["type"] == "rate_limit_error"
        for connection in waiting:
            connection.close()
        until(lambda: [line for line in server.lines if " 499, " in line])
        patient = connected(server, posted(body("patient 3")))
        held.unlink()
        assert b"first.0 first.1 first.2" in received(first)
        assert b"patient.0 patient.1 patient.2" in received(patient)
        assert not list(project.work.glob("begun-queued*")), "nothing is written for those that left"


def test_a_key_is_asked_for_and_never_shown(project: Installed) -> None:
    options = ("--port", "0", "--host", "0.0.0.0", "--api-key-env", KEY)
    with serving(project, *options, variables={KEY: SECRET}) as server:
        server.host = "127.0.0.1"
        assert server.get("/health").status_code == 200
        wrong: tuple[dict[str, str], ...] = (
            {},
            {"Authorization": f"Bearer {SECRET}x"},
            {"Authorization": f"Bearer {SECRET[:-1]}"},
            {"Authorization": f"Basic {SECRET}"},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer \xff"},
        )
        for headers in wrong:
            sent = {name: value.encode("latin-1") for name, value in headers.items()}
            refused = server.get("/v1/models", headers=sent)
            assert refused.status_code == 401, headers
            assert refused.json()["error"]["code"] == "invalid_api_key"
        with pytest.raises(openai.AuthenticationError):
            openai.OpenAI(base_url=f"{server.url}/v1", api_key="guess").models.list()
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key=SECRET, max_retries=0)
        assert client.chat.completions.create(model="clerk", messages=QUESTION).choices[0].finish_reason == "stop"
        other = server.get("/v1/models", headers={"Host": "acme.example", "Authorization": f"Bearer {SECRET}"})
        assert other.status_code == 200, "the key is what counts there"
        assert server.end() == 0
    assert SECRET not in "".join([server.said, *server.lines])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "0.0.0.0"], "no key is set"),
        (["--host", "::"], "no key is set"),
        (["--host", "example.invalid"], "is no address of this machine"),
        (["--api-key-env", "DOCUTUNE_NO_SUCH_KEY"], "DOCUTUNE_NO_SUCH_KEY is not set, or empty"),
        (["--api-key-env", KEY], "holds blanks"),
        (["nobody"], "'nobody'"),
    ],
)
def test_what_cannot_be_served_is_told_before_anything_is_loaded(
    project: Installed, arguments: list[str], told: str
) -> None:
    done = project.docutune("serve", "--port", "0", *arguments, **{KEY: "two words"})
    assert done.returncode == 2
    assert told in done.stderr and "Traceback" not in done.stderr and "two words" not in done.stderr


def test_a_port_that_is_taken_is_told(project: Installed, server: Served) -> None:
    done = project.docutune("serve", "--port", str(server.port))
    assert done.returncode == 1
    assert f"port {server.port}: Address already in use" in done.stderr and "--port" in done.stderr


def test_while_the_model_is_loaded_clients_are_told_to_come_again(project: Installed) -> None:
    loading = project.work / "loading"
    loading.touch()
    try:
        with serving(project, "--port", "0", wait=False) as server:
            line = until(lambda: [line for line in server.lines if line.startswith("loading clerk for ")])[0]
            server.port = int(line.rpartition(":")[2])
            assert (server.get("/health").status_code, server.get("/health").json()) == (503, {"status": "loading"})
            refused = server.ask("w 1")
            assert refused.status_code == 503 and int(refused.headers["Retry-After"]) > 0
            loading.unlink()
            until(lambda: server.get("/health").status_code == 200)
            assert server.ask("w 1").status_code == 200
    finally:
        loading.unlink(missing_ok=True)


def test_a_worker_that_dies_is_told_to_clients_and_in_one_line(project: Installed, held: Path) -> None:
    with serving(project, "--port", "0") as server:
        stream = connected(server, posted(body("w 9", stream=True)))
        until((project.work / "begun-w").exists)
        os.kill(server.worker, signal.SIGKILL)
        assert b" 503 " in received(stream).partition(b"\r\n")[0]
        until(lambda: server.get("/health").json() == {"status": "failed"})
        assert server.ask("w 1").status_code == 503
        told = [line for line in server.lines if "the model answers no more" in line]
        assert len(told) == 1 and "killed by SIGKILL" in told[0]
        assert server.end() == 1
    assert not [line for line in server.lines if "Traceback" in line]


def test_a_model_that_is_gone_is_noticed_when_nobody_asks(project: Installed) -> None:
    with serving(project, "--port", "0") as server:
        os.kill(server.worker, signal.SIGKILL)
        until(lambda: [line for line in server.lines if "the model answers no more" in line])


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_the_end_is_told_to_clients_and_leaves_no_process(project: Installed, held: Path, signum: int) -> None:
    with serving(project, "--port", "0", "--concurrency", "1") as server:
        worker = server.worker
        writing = connected(server, posted(body("w 9", stream=True)))
        until((project.work / "begun-w").exists)
        waiting = connected(server, posted(body("next 9")))
        sending = connected(server, HEAD + JSON + b"Content-Length: 100\r\n\r\n{")
        server.process.send_signal(signum)
        for connection in (writing, waiting, sending):
            assert b"503 Service Unavailable" in received(connection)
        assert server.process.wait(60) == 0
        assert not Path(f"/proc/{worker}").exists()
    assert not [line for line in server.lines if "Traceback" in line], server.lines
    assert not list((project.work / ".docutune/sessions").glob(f"clerk-{server.process.pid}-*"))


IMPATIENT = """
import socket, sys, threading, time
from docutune import Workspace
from docutune.serving.settings import Settings
HEAD = b"POST /v1/chat/completions HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Type: application/json\\r\\n"
with Workspace.find().serve(Settings(port=0, patience=0.5), print) as server:
    port = int(server.url.rpartition(":")[2])
    def connect(sent):
        connection = socket.create_connection(("127.0.0.1", port), 60)
        connection.sendall(sent)
        return connection
    def drip(connection):
        try:
            while True:
                connection.sendall(b"a")
                time.sleep(0.05)
        except OSError:
            return
    dripping = connect(HEAD + b"X: ")
    threading.Thread(target=drip, args=(dripping,), daemon=True).start()
    late = connect(HEAD + b"Content-Length: 100\\r\\n\\r\\n{")
    print("late", late.recv(1000).split()[1])
    try:
        print("silent", connect(b"").recv(1000))
        print("dripping", dripping.recv(1000))
    except ConnectionResetError:
        print("silent or dripping: reset")
    body = b'{"model": "clerk", "stream": true, "messages": [{"role": "user", "content": "flood 60000"}]}'
    flood = connect(HEAD + b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body)
    for line in server.news():
        print(line)
        if "/v1/chat" in line and " 200, " in line:
            break
"""


def test_who_is_silent_or_does_not_read_is_hung_up_on(project: Installed) -> None:
    done = project.python(IMPATIENT)
    assert done.returncode == 0, done.stderr
    assert "late b'408'" in done.stdout
    assert "Traceback" not in done.stderr, done.stderr


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model with docutune's own recipe, hardly schooled."""
    from test_local_chat import schooled

    return schooled(tmp_path_factory.mktemp("models") / "tiny", steps=1)


def test_a_real_model_counts_its_tokens(environment: Installed, tiny: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(tiny)
    with serving(
        environment, str(tiny), "--port", "0", variables={"XDG_DATA_HOME": str(environment.work / "data")}
    ) as server:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=120)
        (model,) = [model.id for model in client.models.list()]
        asked: Any = {"model": model, "messages": [{"role": "user", "content": "What is a parcel?"}]}
        hot: Any = {"temperature": 1.5, "seed": 7, "max_tokens": 12}
        replies = [client.chat.completions.create(**asked, **hot) for _ in range(2)]
        texts = [reply.choices[0].message.content for reply in replies]
        assert texts[0] == texts[1], "the same seed"
        usage = replies[0].usage
        assert usage is not None
        assert usage.completion_tokens <= 12
        prompt = tokenizer.apply_chat_template(asked["messages"], add_generation_prompt=True)
        assert usage.prompt_tokens == len(prompt["input_ids"])
        assert (replies[0].choices[0].finish_reason == "length") == (usage.completion_tokens == 12)
        text = texts[0] or ""
        stopped = client.chat.completions.create(**asked, **hot, stop=text[1:3])
        assert (stopped.choices[0].message.content, stopped.choices[0].finish_reason) == (
            text.partition(text[1:3])[0],
            "stop",
        )
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model=model, messages=[{"role": "user", "content": "parcel " * 9000}])
        assert refused.value.code == "context_length_exceeded"
        assert server.end() == 0
