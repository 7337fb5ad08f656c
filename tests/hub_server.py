"""Model hubs on loopback: as much of the HTTP of Hugging Face's and of ModelScope's as their clients need."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MIB = 1024 * 1024


class HubServer:
    """Repositories by name, each a mapping of paths to contents; every request for a file is written down.

    `refused` names private repositories. Of a file in `cut` only so many bytes come, and then nothing more, until
    `mended` is called; of one in `broken`, the connection is closed after so many, once. `wrong` has what comes.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.refused: set[str] = set()
        self.cut: dict[str, int] = {}
        self.broken: dict[str, int] = {}
        self.wrong: dict[str, bytes] = {}
        self.files: list[tuple[str, str]] = []
        self.asked: list[str] = []
        self.whole = threading.Event()
        self.url = ""

    def mended(self) -> None:
        """From now on files come whole; what still waits ends."""
        self.cut.clear()
        self.whole.set()

    def taken(self, path: str) -> list[str]:
        """The Range headers of the requests for a file's content, "" for those without."""
        return [span for name, span in self.files if name == path]


@contextmanager
def serving() -> Iterator[HubServer]:
    """A server on a port of its own, until the block ends."""
    hub = HubServer()

    class Handler(_Handler):
        known = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.mended()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    known: HubServer

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        url = urlsplit(self.path)
        path, query = unquote(url.path), {name: values[0] for name, values in parse_qs(url.query).items()}
        self.known.asked.append(path)
        if found := re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)/repo(/files)?", path):
            self._modelscope(found[1], query, bool(found[2]))
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/[^/]+)?", path):
            self._describe(found[1], found[2] or "")
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
            self._file(found[1], found[2], body, {"X-Repo-Commit": COMMIT})
        else:
            self._json(404, {"error": "no such address"})

    def _describe(self, name: str, what: str) -> None:
        """What the Hugging Face hub says of a repository, or the list of its files."""
        files = self._repository(name)
        if files is None:
            return
        if what == "tree":
            self._json(200, [self._entry(path, content) for path, content in files.items()])
        else:
            self._json(200, {"id": name, "sha": COMMIT, "siblings": [{"rfilename": path} for path in files]})

    def _entry(self, path: str, content: bytes) -> dict[str, Any]:
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": blob}
        if path.endswith(".safetensors"):
            oid = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"oid": oid, "size": len(content), "pointerSize": 130}
        return entry

    def _modelscope(self, name: str, query: dict[str, str], listing: bool) -> None:
        files = self._repository(name)
        if files is None:
            return
        if not listing:
            self._file(name, query["FilePath"], True, {})
            return
        found = [
            {"Path": path, "Type": "blob", "Size": len(content), "Sha256": hashlib.sha256(content).hexdigest()}
            for path, content in files.items()
        ]
        self._json(200, {"Code": 200, "Success": True, "Data": {"Files": found}})

    def _repository(self, name: str) -> dict[str, bytes] | None:
        if name in self.known.refused and "Authorization" not in self.headers and "Cookie" not in self.headers:
            self._json(401, {"Code": 401, "Message": "log in", "error": "Invalid username or password."})
        elif name not in self.known.repositories:
            told = {"Code": 404, "Message": "not found", "error": "Repository not found"}
            self._json(404, told, {"X-Error-Code": "RepoNotFound"})
        else:
            return self.known.repositories[name]
        return None

    def _file(self, name: str, path: str, body: bool, headers: dict[str, str]) -> None:
        files = self._repository(name)
        if files is None:
            return
        if path not in files:
            self._json(404, {"error": "no such file"}, {"X-Error-Code": "EntryNotFound"})
            return
        content = files[path]
        sent = self.known.wrong.get(path, content)
        first = int((re.match(r"bytes=(\d+)-", self.headers.get("Range", "")) or [0, 0])[1])
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(sent) - 1}/{len(sent)}")
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(sent) - first))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.known.files.append((path, self.headers.get("Range", "")))
            self._send(path, sent[first:])

    def _send(self, path: str, content: bytes) -> None:
        broken = self.known.broken.pop(path, None)
        limit = self.known.cut.get(path) if broken is None else broken
        try:
            self.wfile.write(content if limit is None else content[:limit])
            self.wfile.flush()
        except OSError:
            limit = 0  # the client is gone
        if limit is not None:
            if broken is None:
                self.known.whole.wait()
            self.close_connection = True

    def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for key, text in (headers or {}).items():
            self.send_header(key, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
